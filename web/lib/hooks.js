/** Adds to what a method of one of the front end's objects does. Pure. */

/**
 * Do something before a method, which need not exist yet, does its own work.
 *
 * @param {any} object
 * @param {string} name
 * @param {(...given: any[]) => void} before gets what the method is called with
 */
export function callBefore(object, name, before) {
    const method = object[name];
    object[name] = function (/** @type {any[]} */ ...given) {
        before(...given);
        return method?.apply(this, given);
    };
}

/**
 * Do something after a method has done its own work.
 *
 * @param {any} object
 * @param {string} name
 * @param {(...given: any[]) => void} after gets what the method is called with
 */
export function callAfter(object, name, after) {
    const method = object[name];
    object[name] = function (/** @type {any[]} */ ...given) {
        const result = method?.apply(this, given);
        after(...given);
        return result;
    };
}
