/**
 * The one place that imports ComfyUI's own scripts: `app`, `api`, and what several of ours do with
 * them.
 */

import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";

export { api, app };

const TOAST_MS = 8000;

/**
 * The graph of the open workflow itself, whatever subgraph is shown.
 *
 * @returns {LGraph}
 */
export function rootGraph() {
    return app.rootGraph ?? app.graph.rootGraph ?? app.graph;
}

/**
 * Show a message in the corner of the page.
 *
 * @param {"success" | "warn"} severity
 * @param {string} detail
 */
export function showToast(severity, detail) {
    app.extensionManager.toast.add({ severity, summary: "Discomfort", detail, life: TOAST_MS });
}

/**
 * Make a change that ctrl+z takes back, and nothing else with it. The front end looks for changes
 * after clicks and keys, not after what we do.
 *
 * @param {() => void} change
 */
export function asOneChange(change) {
    app.canvas.emitBeforeChange();
    try {
        change();
    } finally {
        app.canvas.emitAfterChange();
    }
}

/**
 * Add entries to a node's menu in front ends before 1.28, which have no hook `getNodeMenuItems` for
 * it, but ask each node.
 *
 * @param {LGraphNode} node
 * @param {(node: LGraphNode) => MenuItem[]} menuItems
 */
export function addToOldMenu(node, menuItems) {
    if ("collectNodeMenuItems" in app) return;
    const { getExtraMenuOptions } = node;
    node.getExtraMenuOptions = function (canvas, options) {
        const others = getExtraMenuOptions?.apply(this, [canvas, options]);
        options.push(null, ...menuItems(node));
        return others ?? [];
    };
}
