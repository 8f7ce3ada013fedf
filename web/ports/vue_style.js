/**
 * What the Vue renderer ("Nodes 2.0") takes from no node: the title that a port shows, the frame
 * around a wrong one, and the colours of its dots. They are rules of one stylesheet, which name the
 * nodes of the graph that is shown; nothing else in the page matches them.
 */

import { WARNING_COLOR } from "./words.js";

/**
 * What is drawn of a node: `title` is null where it shows its own, `color` undefined where the type
 * of what runs through it is not known.
 *
 * @typedef {object} Drawn
 * @property {string | number} id
 * @property {string | null} title
 * @property {boolean} isWrong
 * @property {string | undefined} color
 */

const DOTS = ":is(.lg-slot--output, .lg-slot--input:not(.lg-slot--dot-only))";

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);
let shown = "";

/**
 * Let the page show these nodes so, and no others.
 *
 * @param {Drawn[]} nodes
 */
export function setStyle(nodes) {
    const rules = nodes.flatMap(rulesOf).join("\n");
    if (rules === shown) return;
    shown = rules;
    sheet.replaceSync(rules);
}

/**
 * @param {Drawn} drawn
 * @returns {string[]}
 */
function rulesOf({ id, title, isWrong, color }) {
    const node = `.lg-node[data-node-id=${quoted(String(id))}]`;
    const rules = [];
    if (title !== null) {
        // While it is edited there is a text field instead, with the node's own title.
        const text = `${node} [data-testid="node-title"] .editable-text > span`;
        rules.push(`${text} { font-size: 0; }`);
        rules.push(`${text}::before { content: ${quoted(title)}; font-size: 0.75rem; }`);
    }
    if (isWrong) {
        const frame = `border: 2px solid ${WARNING_COLOR}; border-radius: 14px`;
        const place = "position: absolute; inset: -7px; pointer-events: none";
        rules.push(`${node}::before { content: ""; ${place}; ${frame}; }`);
    }
    if (color) {
        rules.push(`${node} ${DOTS} div.slot-dot { background-color: ${color} !important; }`);
        rules.push(`${node} ${DOTS} svg.slot-dot circle { fill: ${color} !important; }`);
    }
    return rules;
}

/**
 * A text as a string of CSS.
 *
 * @param {string} text
 * @returns {string}
 */
function quoted(text) {
    const escape = (/** @type {string} */ sign) => `\\${sign.charCodeAt(0).toString(16)} `;
    return `"${text.replace(/["\\\p{Cc}]/gu, escape)}"`;
}
