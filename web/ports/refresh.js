/** Keeps the look of all ports up to date, and warns of outputs that share a unique_id. */

import { COLORS_SETTING } from "../lib/constants.js";
import { app, rootGraph, showToast } from "../lib/front_end.js";
import { allPortNodes, findPorts } from "./find_ports.js";
import { drawnOf, showPort } from "./look.js";
import { redraw } from "./redraw.js";
import { setStyle } from "./vue_style.js";
import { doubledIds, doubledMessage, together } from "./words.js";

/** @typedef {import("./find_ports.js").Port} Port */

let isReady = false; // the front end sets settings before there is a graph
let isPlanned = false;
let warnedOf = new Set(); // ids of the open workflow that the user was warned of
/** @type {Set<string>} */
const seenIds = new Set(); // of every workflow that was open in this page

/** From now on there is a graph. */
export function startRefreshing() {
    isReady = true;
    planRefresh();
}

/** Another workflow is open: what is wrong in it was not said yet. */
export function forgetWarnings() {
    warnedOf = new Set();
    planRefresh();
}

/**
 * The ids of every workflow that was open in this page, sorted.
 *
 * @returns {string[]}
 */
export function idsSeen() {
    return [...seenIds].sort();
}

/** Look again once, before the next frame, however many changes there are until then. */
export function planRefresh() {
    if (isPlanned || !isReady) return;
    isPlanned = true;
    requestAnimationFrame(() => {
        isPlanned = false;
        refresh();
    });
}

function refresh() {
    const root = rootGraph();
    if (!root || app.configuringGraph) return;
    const ports = findPorts(root);
    for (const { uniqueId } of ports) if (uniqueId) seenIds.add(uniqueId);
    if (showAll(root, ports)) {
        redraw();
        app.canvas.setDirty(true, true);
    }
    const message = doubledMessage(ports, warnedOf);
    warnedOf = doubledIds(ports);
    if (message) showToast("warn", message);
}

/**
 * @param {LGraph} root
 * @param {Port[]} ports
 * @returns {boolean} whether anything changed
 */
function showAll(root, ports) {
    /** @type {Map<LGraphNode, Port[]>} one port for each instance of the node's subgraph */
    const byNode = new Map();
    for (const port of ports) byNode.set(port.node, [...(byNode.get(port.node) ?? []), port]);
    const hasColors = app.extensionManager.setting.get(COLORS_SETTING) ?? true;
    const nodes = allPortNodes(root);
    const changes = nodes.map((node) => {
        const same = byNode.get(node);
        return showPort(node, same && together(same), hasColors);
    });
    setStyle(nodes.filter((node) => node.graph === app.canvas.graph).map(drawnOf));
    return changes.includes(true);
}
