/**
 * The sockets of a node that runs workflows: `input_1` ... and `output_1` ..., each labelled with the
 * port behind it. Changes one node, and knows no ComfyUI module.
 *
 * The class declares as many as there may be (editor/run_nodes/sockets.py); a node shows those in use. Which
 * port is behind which stands in the widget `sockets`, so that a queued prompt suffices.
 */

export const RUNNERS = new Set(["DiscomfortTestRunner", "DiscomfortLoopExecutor"]);
const DYNAMIC = /^(input|output)_\d+$/;

export const isRunner = (node) => RUNNERS.has(node?.type) || RUNNERS.has(node?.comfyClass);

export const widgetOf = (node, name) => node.widgets?.find((widget) => widget.name === name);

/** The slots that stand for ports, in their order. */
export const dynamic = (slots) => (slots ?? []).filter((slot) => DYNAMIC.test(slot.name));

const portOf = (slot) => slot.label ?? "";

/** Type of a port as the canvas spells it. */
const slotType = (type) => (type === "ANY" ? "*" : type);

/** What the widget `sockets` says, or null. */
export function readSockets(node) {
    try {
        const { inputs, outputs } = JSON.parse(widgetOf(node, "sockets")?.value || "null");
        return { inputs, outputs };
    } catch {
        return null;
    }
}

/** Take the sockets away that the class declares and nothing uses. Before a node is configured. */
export function strip(node) {
    for (const slots of [node.inputs, node.outputs]) {
        for (let i = (slots?.length ?? 0) - 1; i >= 0; i--) {
            if (DYNAMIC.test(slots[i].name) && !isUsed(slots[i])) slots.splice(i, 1);
        }
    }
}

const isUsed = (slot) => slot.label != null || slot.link != null || Boolean(slot.links?.length);

/** Label the sockets as the widget says: for a prompt that was opened as a workflow. */
export function labelFromWidget(node) {
    const known = readSockets(node);
    if (!known) return;
    for (const [slots, names] of [[node.inputs, known.inputs], [node.outputs, known.outputs]]) {
        for (const slot of dynamic(slots)) {
            const name = names?.[Number(slot.name.split("_")[1]) - 1];
            if (name != null) slot.label ??= name;
        }
    }
}

/**
 * Give a node the sockets of these ports. Those that it has keep their links.
 *
 * @param ports {{inputs: {name, type}[], outputs: {name, type}[]}} as the server tells them
 * @param isKept whether sockets of ports that are gone stay, with what is connected to them
 * @returns whether anything changed
 */
export function setPorts(node, ports, isKept) {
    const before = describe(node);
    if (!isKept) dropOthers(node, ports);
    addMissing(node.inputs, ports.inputs, (type) => node.addInput("input_0", type));
    addMissing(node.outputs, ports.outputs, (type) => node.addOutput("output_0", type));
    number(node.inputs, "input");
    number(node.outputs, "output");
    writeWidget(node);
    const isChanged = describe(node) !== before;
    if (isChanged) fit(node);
    return isChanged;
}

function dropOthers(node, ports) {
    const names = (list) => new Set(list.map((port) => port.name));
    const [inputs, outputs] = [names(ports.inputs), names(ports.outputs)];
    const isGone = (slot, known) => DYNAMIC.test(slot.name) && !known.has(portOf(slot));
    for (let i = node.inputs.length - 1; i >= 0; i--) {
        if (isGone(node.inputs[i], inputs)) node.removeInput(i);
    }
    for (let i = node.outputs.length - 1; i >= 0; i--) {
        if (isGone(node.outputs[i], outputs)) node.removeOutput(i);
    }
}

function addMissing(slots, ports, add) {
    for (const port of ports) {
        const type = slotType(port.type);
        let slot = dynamic(slots).find((one) => portOf(one) === port.name);
        if (!slot) {
            add(type);
            slot = slots.at(-1);
            slot.label = port.name;
        }
        slot.type = type;
    }
}

function number(slots, prefix) {
    dynamic(slots).forEach((slot, i) => {
        slot.name = `${prefix}_${i + 1}`;
    });
}

function writeWidget(node) {
    const widget = widgetOf(node, "sockets");
    if (!widget) return;
    const names = (slots) => dynamic(slots).map(portOf);
    const found = { inputs: names(node.inputs), outputs: names(node.outputs) };
    widget.value = found.inputs.length || found.outputs.length ? JSON.stringify(found) : "";
}

const describe = (node) =>
    JSON.stringify(
        [node.inputs, node.outputs].map((slots) =>
            dynamic(slots).map((slot) => [slot.name, slot.label, slot.type]),
        ),
    );

/** As large as it must be, and as wide as it was. */
export function fit(node) {
    const [width, height] = node.computeSize();
    node.setSize([Math.max(width, node.size[0]), Math.max(height, node.size[1])]);
    node.setDirtyCanvas?.(true, true);
}

/**
 * What a prompt says of the sockets: beside the ports, the outputs by reference that only go into
 * other nested workflows. They need not be made in this ComfyUI.
 *
 * @param isByReference (node, slot) -> whether what goes through the slot is a model or the like
 */
export function socketsForPrompt(node, isByReference) {
    const value = widgetOf(node, "sockets")?.value ?? "";
    const known = readSockets(node);
    if (!known) return value;
    const elsewhere = dynamic(node.outputs)
        .filter((slot) => isByReference(node, slot) && targets(node, slot).every(isInner))
        .map(portOf);
    return elsewhere.length ? JSON.stringify({ ...known, elsewhere }) : value;

    function isInner({ target, slot }) {
        return isRunner(target) && slot != null && isByReference(target, slot);
    }
}

function targets(node, output) {
    return (output.links ?? []).map((id) => {
        const graph = node.graph;
        const link = graph?.links?.get?.(id) ?? graph?.links?.[id];
        const target = link && graph.getNodeById(link.target_id);
        return { target, slot: target?.inputs?.[link.target_slot] };
    });
}
