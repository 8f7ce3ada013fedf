/** Makes elements of a page; all content is set as text, never as HTML. Imports nothing. */

/** @typedef {Node | string | null | undefined} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with properties, attributes and children; a text child stays text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] those that are null or undefined are left out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === null || value === undefined) continue;
        if (name in element && typeof value !== "string") Reflect.set(element, name, value);
        else element.setAttribute(name === "className" ? "class" : name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
}

/**
 * An element of a drawing.
 *
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function makeSvg(tag, attributes, ...children) {
    const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
}

/**
 * A button that does something when it is clicked.
 *
 * @param {string | null} key says which one it is when the page is drawn anew: it keeps the focus
 * @param {() => void} onclick
 * @param {...Child} children
 * @returns {HTMLButtonElement}
 */
export function makeButton(key, onclick, ...children) {
    return make("button", { type: "button", "data-key": key, onclick }, ...children);
}
