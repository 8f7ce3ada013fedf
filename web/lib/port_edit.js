/** What the menu of a node does with ports: turn a slot into one, rename all of an id. */

import { PORT_TYPE, allPortNodes, findPorts, Mode, uniqueIdOf } from "./port_graph.js";
import { nameForSlot } from "./port_words.js";
import { asOneChange } from "./undo.js";

const GAP = 60;

/**
 * Put a port before an input, connected; what was connected to the input no longer is.
 *
 * @returns the port
 */
export function portForInput(root, node, slot) {
    return makePort(root, node, Mode.INPUT, node.inputs[slot], (port) => port.connect(0, node, slot));
}

/** Put a port behind an output, connected. */
export function portForOutput(root, node, slot) {
    const connect = (port) => node.connect(slot, port, port.findInputSlot("input_data"));
    return makePort(root, node, Mode.OUTPUT, node.outputs[slot], connect);
}

/**
 * Rename every port of an id, in every graph of the workflow.
 *
 * @returns how many there were
 */
export function renameEverywhere(root, from, to) {
    const nodes = allPortNodes(root).filter((node) => uniqueIdOf(node) === from);
    asOneChange(() => nodes.forEach((node) => setUniqueId(node, to)));
    return nodes.length;
}

/** All ids in a workflow, sorted. */
export function knownIds(root) {
    return [...new Set(allPortNodes(root).map(uniqueIdOf).filter(Boolean))].sort();
}

/**
 * The place nearest to the wanted one, at it or below, where a box touches no other.
 *
 * @param boxes [x, y, width, height] of what is there
 */
export function freePlace([x, y], [width, height], boxes) {
    const sameColumn = boxes
        .filter((box) => box[0] < x + width && x < box[0] + box[2])
        .sort((a, b) => a[1] - b[1]);
    for (const [, top, , tall] of sameColumn) {
        if (top < y + height && y < top + tall) y = top + tall + GAP / 3;
    }
    return [x, y];
}

function makePort(root, node, mode, slot, connect) {
    const { LiteGraph } = globalThis;
    const taken = findPorts(root).filter((port) => port.mode === mode).map((port) => port.uniqueId);
    const port = LiteGraph.createNode(PORT_TYPE);
    asOneChange(() => {
        const title = LiteGraph.NODE_TITLE_HEIGHT;
        const x = mode === Mode.INPUT ? -port.size[0] - GAP : node.size[0] + GAP;
        const boxes = node.graph._nodes.map((other) => [
            other.pos[0], other.pos[1] - title, other.size[0], other.size[1] + title,
        ]);
        const wanted = [node.pos[0] + x, node.pos[1] - title];
        const place = freePlace(wanted, [port.size[0], port.size[1] + title], boxes);
        port.pos = [place[0], place[1] + title];
        node.graph.add(port);
        setUniqueId(port, nameForSlot(slot, new Set(taken)));
        connect(port);
    });
    return port;
}

function setUniqueId(node, value) {
    const widget = node.widgets.find((w) => w.name === "unique_id");
    widget.value = value;
    widget.callback?.(value);
}
