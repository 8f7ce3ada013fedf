/**
 * Lets the Vue renderer draw again. It does so when something changes that it watches, and it
 * watches no slot and no badge of an extension. It does watch what it reads from the front end's
 * stores; the settings are one of them, so a counter is kept at a setting of ours. It is not saved.
 * Where there is no such store, `watch` and `redraw` do nothing.
 */

const FIELD = "discomfortRevision";

/** @type {Record<string, any> | null} */
let setting = null;

/**
 * Keep the counter at a setting that is registered.
 *
 * @param {Record<string, Record<string, any>> | undefined} settings
 * @param {string} id
 */
export function keepCounterAt(settings, id) {
    setting = settings?.[id] ?? null;
    if (setting) setting[FIELD] ??= 0;
}

/** To be called where something is read that `redraw` shall renew. */
export function watch() {
    return setting?.[FIELD];
}

/** Have all drawn again that called `watch` while it was drawn. */
export function redraw() {
    if (setting) setting[FIELD]++;
}

/**
 * Let the renderer watch a property of an object.
 *
 * @param {any} object
 * @param {string} name
 */
export function makeWatched(object, name) {
    if (Object.getOwnPropertyDescriptor(object, name)?.get) return;
    let value = object[name];
    Object.defineProperty(object, name, {
        configurable: true,
        enumerable: true,
        get() {
            watch();
            return value;
        },
        set(given) {
            value = given;
        },
    });
}
