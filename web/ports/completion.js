/**
 * The browser's own completion for a text widget, in both renderers: the text field of the moment
 * is given a `datalist`.
 */

import { callBefore } from "../lib/hooks.js";
import { widgetOf } from "../lib/nodes.js";

const LIST_ID = "discomfort-completion";

/**
 * Offer texts in the widgets of some nodes.
 *
 * @param {object} about
 * @param {(node: LGraphNode) => boolean} about.isOurs whether a node has the widget
 * @param {string} about.name the widget's name
 * @param {() => string[]} about.choices gives the texts that are offered
 * @param {(id: string) => LGraphNode | null | undefined} about.nodeById the node of the open graph
 * @returns {(node: LGraphNode) => void} to be called with each new node of ours
 */
export function installCompletion({ isOurs, name, choices, nodeById }) {
    /** @type {LGraphNode | null} */
    let clicked = null; // the node whose widget the latest click went to
    document.addEventListener("pointerdown", () => (clicked = null), true);
    document.addEventListener("focusin", ({ target }) => {
        if (!(target instanceof HTMLInputElement)) return;
        const inDialog = target.closest(".graphdialog") && clicked;
        if (inDialog || isField(target)) offer(target, choices());
    });

    /** @param {HTMLInputElement} input */
    function isField(input) {
        /** @type {HTMLElement | null} */
        const drawn = input.closest("[data-node-id]");
        const id = drawn?.dataset.nodeId;
        if (id === undefined || input.getAttribute("aria-label") !== name) return false;
        const node = nodeById(id);
        return Boolean(node && isOurs(node));
    }

    return (node) => {
        const widget = widgetOf(node, name);
        if (widget) callBefore(widget, "onPointerDown", () => (clicked = node));
    };
}

/**
 * @param {HTMLInputElement} input
 * @param {string[]} texts
 */
function offer(input, texts) {
    const options = texts.filter((text) => text !== input.value).map((text) => {
        const option = document.createElement("option");
        option.value = text;
        return option;
    });
    findList().replaceChildren(...options);
    input.setAttribute("list", LIST_ID);
    input.setAttribute("autocomplete", "off");
}

/** @returns {HTMLElement} */
function findList() {
    const found = document.getElementById(LIST_ID);
    if (found) return found;
    const list = document.createElement("datalist");
    list.id = LIST_ID;
    document.body.append(list);
    return list;
}
