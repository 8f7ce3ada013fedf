/** How a number went over the rows of a table, as a small drawing in the head of its column. */

import { makeSvg } from "./elements.js";
import { formatNumber } from "./formats.js";

const MAX_POINTS = 200;
const [WIDTH, HEIGHT] = [60, 16];

/**
 * @param {({ v?: unknown } | null)[]} cells
 * @param {string} name
 * @returns {SVGElement | null} null where there are few numbers, or all are the same
 */
export function renderCurve(cells, name) {
    const values = cells.map((cell) => cell?.v).filter(isNumber);
    if (values.length < 3 || values.length < cells.length / 2) return null;
    const [low, high] = values.reduce(
        ([least, most], v) => [Math.min(least, v), Math.max(most, v)],
        [Infinity, -Infinity],
    );
    if (low === high) return null;
    const step = Math.max(1, Math.ceil(values.length / MAX_POINTS));
    const points = toPoints(values.filter((_, i) => i % step === 0), low, high);
    const about = {
        class: "dr-curve",
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "img",
        "aria-label": `${name}: from ${formatNumber(low)} to ${formatNumber(high)}`,
    };
    return makeSvg("svg", about, makeSvg("polyline", { points }));
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isNumber(value) {
    return typeof value === "number" && Number.isFinite(value);
}

/**
 * @param {number[]} values
 * @param {number} low
 * @param {number} high
 * @returns {string} the points of a polyline that leaves one unit free at each side
 */
function toPoints(values, low, high) {
    const points = values.map((v, i) => {
        const x = 1 + ((WIDTH - 2) * i) / Math.max(1, values.length - 1);
        const y = HEIGHT - 1 - ((HEIGHT - 2) * (v - low)) / (high - low);
        return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    return points.join(" ");
}
