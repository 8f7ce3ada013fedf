/** What the menu of a node does with ports: turn a slot into one, rename all of an id. */

import { Mode, PORT_INPUT, PORT_TYPE, UNIQUE_ID } from "../lib/constants.js";
import { asOneChange } from "../lib/front_end.js";
import { nodesOf, setWidget, widgetOf } from "../lib/nodes.js";
import { allPortNodes, findPorts, uniqueIdOf } from "./find_ports.js";
import { nameForSlot } from "./words.js";

/** @typedef {import("../lib/constants.js").PortMode} PortMode */
/** @typedef {[x: number, y: number, width: number, height: number]} Box */

const GAP = 60;

/**
 * Put a port before an input, connected; what was connected to the input no longer is.
 *
 * @param {LGraph} root the workflow's own graph
 * @param {LGraphNode} node
 * @param {number} slot
 */
export function portForInput(root, node, slot) {
    addPort(root, node, {
        mode: Mode.INPUT,
        slot: node.inputs[slot],
        connect: (port) => port.connect(0, node, slot),
    });
}

/**
 * Put a port behind an output, connected.
 *
 * @param {LGraph} root the workflow's own graph
 * @param {LGraphNode} node
 * @param {number} slot
 */
export function portForOutput(root, node, slot) {
    addPort(root, node, {
        mode: Mode.OUTPUT,
        slot: node.outputs[slot],
        connect: (port) => node.connect(slot, port, port.findInputSlot(PORT_INPUT)),
    });
}

/**
 * Rename every port of an id, in every graph of the workflow.
 *
 * @param {LGraph} root
 * @param {string} from
 * @param {string} to
 * @returns {number} how many there were
 */
export function renameEverywhere(root, from, to) {
    const nodes = allPortNodes(root).filter((node) => uniqueIdOf(node) === from);
    asOneChange(() => nodes.forEach((node) => setUniqueId(node, to)));
    return nodes.length;
}

/**
 * All ids in a workflow, sorted.
 *
 * @param {LGraph} root
 * @returns {string[]}
 */
export function knownIds(root) {
    return [...new Set(allPortNodes(root).map(uniqueIdOf).filter(Boolean))].sort();
}

/**
 * Add a port that is named after a slot, connected with it.
 *
 * @param {LGraph} root
 * @param {LGraphNode} node
 * @param {{ mode: PortMode, slot: Slot, connect: (port: LGraphNode) => void }} wanted
 */
function addPort(root, node, { mode, slot, connect }) {
    const taken = findPorts(root).filter((port) => port.mode === mode).map((port) => port.uniqueId);
    const port = LiteGraph.createNode(PORT_TYPE);
    asOneChange(() => {
        port.pos = placeBeside(node, port, mode);
        node.graph?.add(port);
        setUniqueId(port, nameForSlot(slot, new Set(taken)));
        connect(port);
    });
}

/**
 * Where a port stands beside a node and covers nothing.
 *
 * @param {LGraphNode} node
 * @param {LGraphNode} port
 * @param {PortMode} mode
 * @returns {[number, number]}
 */
function placeBeside(node, port, mode) {
    const title = LiteGraph.NODE_TITLE_HEIGHT;
    const dx = mode === Mode.INPUT ? -port.size[0] - GAP : node.size[0] + GAP;
    const boxes = node.graph ? nodesOf(node.graph).map((other) => boxOf(other, title)) : [];
    const [x, y] = freePlace(
        [node.pos[0] + dx, node.pos[1] - title],
        [port.size[0], port.size[1] + title],
        boxes,
    );
    return [x, y + title];
}

/**
 * The place nearest to the wanted one, at it or below, where a box touches no other.
 *
 * @param {[number, number]} wanted
 * @param {[number, number]} size
 * @param {Box[]} boxes of what is there
 * @returns {[number, number]}
 */
function freePlace([x, y], [width, height], boxes) {
    const sameColumn = boxes
        .filter((box) => box[0] < x + width && x < box[0] + box[2])
        .sort((a, b) => a[1] - b[1]);
    for (const [, top, , tall] of sameColumn) {
        if (top < y + height && y < top + tall) y = top + tall + GAP / 3;
    }
    return [x, y];
}

/**
 * @param {LGraphNode} node
 * @param {number} title its height
 * @returns {Box}
 */
function boxOf({ pos, size }, title) {
    return [pos[0], pos[1] - title, size[0], size[1] + title];
}

/**
 * @param {LGraphNode} node
 * @param {string} value
 */
function setUniqueId(node, value) {
    const widget = widgetOf(node, UNIQUE_ID);
    if (widget) setWidget(widget, value);
}
