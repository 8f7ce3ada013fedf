/**
 * The sockets of a node that runs workflows: `input_1` ... and `output_1` ..., each labelled with
 * the port behind it. Changes one node, and knows no module of ComfyUI.
 *
 * The class declares as many as there may be (editor/run_nodes/limits.py); a node shows those in
 * use. Which port is behind which is in the widget `sockets`, so that a queued prompt suffices.
 */

import {
    ANY,
    INPUT_SOCKET,
    LOOP_TYPE,
    OUTPUT_SOCKET,
    RUNNER_TYPE,
    SOCKETS,
} from "../lib/constants.js";
import { isOfType, outputLinks, widgetOf } from "../lib/nodes.js";

/**
 * A port of the workflow that a node runs, as the server lists it. `by_reference`: what goes
 * through is a model or the like.
 *
 * @typedef {{ name: string, type: string, by_reference: boolean }} WorkflowPort
 * @typedef {{ inputs: WorkflowPort[], outputs: WorkflowPort[] }} WorkflowPorts
 */

/**
 * Names of ports in the order of the sockets, as the widget `sockets` has them.
 *
 * @typedef {{ inputs: (string | null)[], outputs: (string | null)[] }} SocketNames
 */

/** @typedef {{ node: LGraphNode | null | undefined, slot: Slot | undefined }} Target of a link */

const PORT_SOCKET = new RegExp(`^(${INPUT_SOCKET}|${OUTPUT_SOCKET})_\\d+$`);

/**
 * The slots that stand for ports, in their order.
 *
 * @param {Slot[] | undefined} slots
 * @returns {Slot[]}
 */
export function portSockets(slots) {
    return (slots ?? []).filter((slot) => PORT_SOCKET.test(slot.name));
}

/**
 * Take the sockets away that the class declares: before a node is configured, since what is saved
 * brings its own. No link is asked for: those that are there already belong to the saved sockets.
 *
 * @param {LGraphNode} node
 */
export function dropDeclared(node) {
    const isOwn = (/** @type {Slot} */ slot) => slot.label != null || !PORT_SOCKET.test(slot.name);
    node.inputs = (node.inputs ?? []).filter(isOwn);
    node.outputs = (node.outputs ?? []).filter(isOwn);
}

/**
 * Take the sockets away that no port is behind and nothing is connected to.
 *
 * @param {LGraphNode} node
 */
export function removeUnused(node) {
    const { inputs, outputs } = node;
    for (const i of unlabelled(inputs)) if (!node.isInputConnected(i)) node.removeInput(i);
    for (const i of unlabelled(outputs)) if (!node.isOutputConnected(i)) node.removeOutput(i);
}

/**
 * Where the sockets without a port are, from the last one on: they may be removed one by one.
 *
 * @param {Slot[]} slots
 * @returns {number[]}
 */
function unlabelled(slots) {
    const isOne = (/** @type {Slot} */ slot) => slot.label == null && PORT_SOCKET.test(slot.name);
    return [...slots.keys()].filter((i) => isOne(slots[i])).reverse();
}

/**
 * Label the sockets as the widget says: for a prompt that was opened as a workflow.
 *
 * @param {LGraphNode} node
 */
export function labelFromWidget(node) {
    const known = readSockets(node);
    if (!known) return;
    labelSockets(node.inputs, known.inputs);
    labelSockets(node.outputs, known.outputs);
}

/**
 * @param {Slot[]} slots
 * @param {(string | null)[] | undefined} names
 */
function labelSockets(slots, names) {
    for (const slot of portSockets(slots)) {
        const name = names?.[Number(slot.name.split("_")[1]) - 1];
        if (name != null) slot.label ??= name;
    }
}

/**
 * Give a node the sockets of these ports. Those that it has keep their links.
 *
 * @param {LGraphNode} node
 * @param {WorkflowPorts} ports
 * @param {boolean} isKept whether sockets of ports that are gone stay, with their links
 */
export function setPorts(node, ports, isKept) {
    const before = describe(node);
    if (!isKept) dropOthers(node, ports);
    addMissing(node.inputs, ports.inputs, (type) => node.addInput(`${INPUT_SOCKET}_0`, type));
    addMissing(node.outputs, ports.outputs, (type) => node.addOutput(`${OUTPUT_SOCKET}_0`, type));
    number(node.inputs, INPUT_SOCKET);
    number(node.outputs, OUTPUT_SOCKET);
    writeSockets(node);
    if (describe(node) !== before) growToFit(node);
}

/**
 * Remove the sockets of ports that are gone.
 *
 * @param {LGraphNode} node
 * @param {WorkflowPorts} ports
 */
function dropOthers(node, ports) {
    removeGone(node.inputs, ports.inputs, (i) => node.removeInput(i));
    removeGone(node.outputs, ports.outputs, (i) => node.removeOutput(i));
}

/**
 * @param {Slot[]} slots
 * @param {WorkflowPort[]} ports
 * @param {(index: number) => void} remove
 */
function removeGone(slots, ports, remove) {
    const known = new Set(ports.map((port) => port.name));
    for (let i = slots.length - 1; i >= 0; i--) {
        if (PORT_SOCKET.test(slots[i].name) && !known.has(portOf(slots[i]))) remove(i);
    }
}

/**
 * @param {Slot[]} slots
 * @param {WorkflowPort[]} ports
 * @param {(type: string) => void} add adds a slot at the end
 */
function addMissing(slots, ports, add) {
    for (const port of ports) {
        const type = slotType(port.type);
        let slot = portSockets(slots).find((one) => portOf(one) === port.name);
        if (!slot) {
            add(type);
            slot = slots[slots.length - 1];
            slot.label = port.name;
        }
        slot.type = type;
    }
}

/**
 * @param {Slot[]} slots
 * @param {string} prefix
 */
function number(slots, prefix) {
    portSockets(slots).forEach((slot, i) => {
        slot.name = `${prefix}_${i + 1}`;
    });
}

/**
 * @param {LGraphNode} node
 * @returns {string} is another one when a socket is
 */
function describe(node) {
    const about = (/** @type {Slot} */ slot) => [slot.name, slot.label, slot.type];
    return JSON.stringify(
        [node.inputs, node.outputs].map((slots) => portSockets(slots).map(about)),
    );
}

/**
 * As large as it must be, and as wide as it was.
 *
 * @param {LGraphNode} node
 */
function growToFit(node) {
    const [width, height] = node.computeSize();
    node.setSize([Math.max(width, node.size[0]), Math.max(height, node.size[1])]);
    node.setDirtyCanvas?.(true, true);
}

/**
 * @param {Slot} slot
 * @returns {string}
 */
function portOf(slot) {
    return slot.label ?? "";
}

/**
 * The type of a port as the canvas spells it.
 *
 * @param {string} type
 * @returns {string}
 */
function slotType(type) {
    return type === ANY ? "*" : type;
}

/**
 * What the widget `sockets` says, or null.
 *
 * @param {LGraphNode} node
 * @returns {SocketNames | null}
 */
function readSockets(node) {
    try {
        const { inputs, outputs } = JSON.parse(textOf(node) || "null");
        return { inputs, outputs };
    } catch {
        return null;
    }
}

/** @param {LGraphNode} node */
function writeSockets(node) {
    const widget = widgetOf(node, SOCKETS);
    if (!widget) return;
    const names = (/** @type {Slot[]} */ slots) => portSockets(slots).map(portOf);
    const found = { inputs: names(node.inputs), outputs: names(node.outputs) };
    widget.value = found.inputs.length || found.outputs.length ? JSON.stringify(found) : "";
}

/**
 * @param {LGraphNode} node
 * @returns {string}
 */
function textOf(node) {
    return String(widgetOf(node, SOCKETS)?.value ?? "");
}

/**
 * What a prompt says of the sockets: beside the ports, the outputs by reference that only go into
 * other nested workflows. They need not be made in this ComfyUI.
 *
 * @param {LGraphNode} node
 * @param {(node: LGraphNode, slot: Slot) => boolean} isByReference whether what goes through the
 *   slot is a model or the like
 * @returns {string}
 */
export function socketsForPrompt(node, isByReference) {
    const known = readSockets(node);
    if (!known) return textOf(node);
    const isInner = (/** @type {Target} */ { node: target, slot }) =>
        isRunNode(target) && slot !== undefined && isByReference(target, slot);
    const elsewhere = portSockets(node.outputs)
        .filter((slot) => isByReference(node, slot))
        .filter((slot) => targetsOf(node, node.outputs.indexOf(slot)).every(isInner))
        .map(portOf);
    return elsewhere.length ? JSON.stringify({ ...known, elsewhere }) : textOf(node);
}

/**
 * @param {LGraphNode | null | undefined} node
 * @returns {node is LGraphNode}
 */
function isRunNode(node) {
    return node != null && (isOfType(node, RUNNER_TYPE) || isOfType(node, LOOP_TYPE));
}

/**
 * What an output is connected to.
 *
 * @param {LGraphNode} node
 * @param {number} output
 * @returns {Target[]}
 */
function targetsOf(node, output) {
    return outputLinks(node, output).map((link) => {
        const target = node.graph?.getNodeById(link.target_id);
        return { node: target, slot: target?.inputs?.[link.target_slot] };
    });
}
