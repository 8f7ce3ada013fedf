/** One value of a run in its table: a number, a text, a small picture, or the kind of value. */

import { make } from "./elements.js";
import { count, formatBytes, formatNumber } from "./formats.js";

const [LEAST_SIDE, MOST_SIDE] = [48, 128]; // of a picture, in CSS pixels
const LONG_TEXT = 80;

/**
 * What is recorded of a value: its `version` when it was stored, else what records/cells.py says.
 *
 * @typedef {object} Cell
 * @property {string} [version]
 * @property {string} [type]
 * @property {number} [bytes]
 * @property {boolean} [ref] it went by reference
 * @property {string} [about] in words
 * @property {string | number | boolean | null} [v] the value itself
 * @property {number} [chars] how long the text is of which `v` is the beginning
 */

/** @typedef {{ width: number, height: number, count: number }} Picture `count` are in the batch */

/**
 * @param {Cell} cell
 * @param {string} name
 * @param {Record<string, Picture>} pictures
 * @param {(version: string) => string | null} pictureUrl
 * @returns {HTMLElement}
 */
export function renderCell(cell, name, pictures, pictureUrl) {
    if (cell.version !== undefined) {
        const url = pictureUrl(cell.version);
        const picture = pictures[cell.version];
        if (picture && url) return renderPicture(cell, name, picture, url);
        return kind(`${cell.type}, ${formatBytes(cell.bytes ?? NaN)}`);
    }
    if (cell.ref) return kind(`${cell.type} by reference`);
    if (cell.about !== undefined) return kind(cell.about);
    return renderValue(cell);
}

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
function kind(text) {
    return make("span", { className: "dr-kind" }, text);
}

/**
 * @param {Cell} cell
 * @returns {HTMLElement}
 */
function renderValue({ v, chars }) {
    if (typeof v === "number") return make("span", { className: "dr-value" }, formatNumber(v));
    if (typeof v !== "string") return kind(String(v));
    const title = v.length > LONG_TEXT ? v : null;
    const text = make("span", { className: "dr-text", dir: "auto", title }, v);
    const rest = chars ? make("small", {}, ` (${count(chars, "character")} in all)`) : null;
    return make("span", {}, text, rest);
}

/**
 * @param {Cell} cell
 * @param {string} name
 * @param {Picture} picture
 * @param {string} src
 * @returns {HTMLElement}
 */
function renderPicture(cell, name, picture, src) {
    const size = `${picture.width} \u00d7 ${picture.height}`;
    const more = picture.count > 1 ? `, first of ${picture.count}` : "";
    const side = Math.max(picture.width, picture.height);
    const scale = Math.min(MOST_SIDE, Math.max(LEAST_SIDE, side)) / side;
    const scaled = (/** @type {number} */ length) =>
        String(Math.max(1, Math.round(length * scale)));
    const image = make("img", {
        src,
        alt: `${name}: picture, ${size}${more}`,
        title: `${cell.type} ${size}${more}, ${formatBytes(cell.bytes ?? NaN)}`,
        loading: "lazy",
        decoding: "async",
        className: scale > 1 ? "dr-pixels" : null,
        width: scaled(picture.width),
        height: scaled(picture.height),
    });
    const caption = make("figcaption", {}, count(picture.count, "picture"));
    return make("figure", {}, image, picture.count > 1 ? caption : null);
}
