/**
 * What the ports of the open workflow are: mode, type and problem of each. Reads the editor's graph,
 * changes nothing, and knows no ComfyUI module.
 *
 * The rules are those of graph/ports/find_ports.py and graph/convert/flatten.py, so that the editor shows what Python
 * will find: a link through a reroute, a bypassed node or the edge of a subgraph counts as what it
 * really connects, and one to a muted node does not count.
 */

export const PORT_TYPE = "DiscomfortPort";
export const ANY = "ANY";
export const Mode = Object.freeze({ INPUT: "INPUT", OUTPUT: "OUTPUT", PASSTHRU: "PASSTHRU" });
export const Problem = Object.freeze({ EMPTY: "empty", DOUBLED: "doubled" });

const MUTED = 2;
const BYPASSED = 4;
const FROM_EDGE = -10; // litegraph's id of a subgraph's input side
const REROUTES = new Set(["Reroute", "Reroute (rgthree)"]);
const NOTES = new Set(["Note", "MarkdownNote"]);
const ANY_NAMES = new Set(["*", "", "0", "-1", ANY, "COMFY_MATCHTYPE_V3", "UNDEFINED"]);
const DEEPEST = 100; // a link that is followed further than this leads in a circle

/**
 * Every port of a workflow, once for each place where its graph stands.
 *
 * @param root the workflow's own graph (LGraph)
 * @returns {{node, graph, id, uniqueId, mode, inputType, outputType, type, problem}[]}
 *   `id` as in the prompt ("57:8" inside a subgraph); muted and bypassed ports are left out.
 */
export function findPorts(root) {
    const scopes = listScopes(root);
    const places = new Map();
    for (const scope of scopes) {
        for (const node of nodesOf(scope.graph)) {
            if (node.type === PORT_TYPE && isActive(node)) {
                places.set(keyOf(scope, node), { scope, node, uses: [] });
            }
        }
    }
    if (places.size === 0) return [];
    collectUses(scopes, places);
    const ports = [...places.values()].map((place) => describe(place, places));
    return markProblems(ports);
}

/** Every node that is a port, in every graph of the workflow, also muted and bypassed ones. */
export function allPortNodes(root) {
    const graphs = [root, ...(root.subgraphs?.values() ?? [])];
    return graphs.flatMap((graph) => nodesOf(graph).filter((node) => node.type === PORT_TYPE));
}

/** The unique_id that a port shows, without blanks around it. */
export function uniqueIdOf(node) {
    const value = node.widgets?.find((widget) => widget.name === "unique_id")?.value;
    return typeof value === "string" ? value.trim() : "";
}

/** Of two types the one that says more; the first when both say as much. */
export function moreSpecific(first, second) {
    if (first === ANY) return second;
    if (second === ANY) return first;
    return second.split(",").length < first.split(",").length ? second : first;
}

/** The table of the three modes. An unconnected port is an INPUT. */
export function portMode(hasInput, hasOutput) {
    if (!hasInput) return Mode.INPUT;
    return hasOutput ? Mode.PASSTHRU : Mode.OUTPUT;
}

/** A slot's type as a name: a list of options is a COMBO, what tells nothing is ANY. */
export function typeName(kind) {
    if (Array.isArray(kind)) return "COMBO";
    const name = String(kind).toUpperCase();
    return ANY_NAMES.has(name) ? ANY : name;
}

function nodesOf(graph) {
    return graph._nodes ?? graph.nodes ?? [];
}

function isActive(node) {
    return node.mode !== MUTED && node.mode !== BYPASSED;
}

function keyOf(scope, node) {
    return `${scope.prefix}${node.id}`;
}

/** One scope for the workflow, and one for each place where a subgraph stands. */
function listScopes(root) {
    const scopes = [{ graph: root, prefix: "", host: null, parent: null, children: new Map() }];
    for (const scope of scopes) {
        if (scope.prefix.split(":").length > DEEPEST) continue;
        for (const node of nodesOf(scope.graph)) {
            // The front end sends what is in a muted subgraph inside another one all the same.
            if (!node.subgraph || (scope.parent === null && !isActive(node))) continue;
            const child = {
                graph: node.subgraph,
                prefix: `${scope.prefix}${node.id}:`,
                host: node,
                parent: scope,
                children: new Map(),
            };
            scope.children.set(String(node.id), child);
            scopes.push(child);
        }
    }
    return scopes;
}

function collectUses(scopes, places) {
    for (const scope of scopes) {
        for (const node of nodesOf(scope.graph)) {
            if (!isActive(node) || node.isVirtualNode || node.subgraph || NOTES.has(node.type)) {
                continue;
            }
            for (const input of node.inputs ?? []) {
                if (input.link == null) continue;
                const source = follow(scope, input);
                if (!source) continue;
                const port = places.get(keyOf(source.scope, source.node));
                port?.uses.push({ key: keyOf(scope, node), type: typeName(input.type) });
            }
        }
    }
}

/**
 * The output that really feeds an input, against the direction of its link.
 *
 * @returns {{scope, node, slot}|null} null: nothing feeds it
 */
function follow(scope, input) {
    let asking = input;
    for (let steps = 0; steps < DEEPEST * 10; steps++) {
        const link = asking.link == null ? null : linkOf(scope.graph, asking.link);
        if (!link) return null;
        if (Number(link.origin_id) === FROM_EDGE) {
            if (!scope.parent) return null;
            asking = hostInput(scope, link.origin_slot);
            scope = scope.parent;
        } else {
            const node = scope.graph.getNodeById(link.origin_id);
            if (!node || node.mode === MUTED) return null;
            if (node.mode === BYPASSED) {
                asking = bypassedInput(node, link.origin_slot, asking.type);
            } else if (node.subgraph) {
                scope = scope.children.get(String(node.id));
                asking = scope && { link: edgeLink(scope.graph, link.origin_slot), type: asking.type };
            } else if (REROUTES.has(node.type)) {
                asking = node.inputs?.[0];
            } else {
                return node.isVirtualNode ? null : { scope, node, slot: link.origin_slot };
            }
        }
        if (!asking) return null;
    }
    return null;
}

function linkOf(graph, id) {
    return graph.getLink ? graph.getLink(id) : graph.links?.[id];
}

function hostInput(scope, slot) {
    const name = scope.graph.inputs?.[slot]?.name;
    const inputs = scope.host.inputs ?? [];
    return inputs.find((input) => input.name === name) ?? null;
}

/** The link inside a subgraph that feeds its output: the first that exists. */
function edgeLink(graph, slot) {
    return graph.outputs?.[slot]?.linkIds?.find((id) => linkOf(graph, id)) ?? null;
}

/** The input that an output of a bypassed node passes on (front end 1.49.6, ExecutableNodeDTO). */
function bypassedInput(node, slot, wanted) {
    const inputs = node.inputs ?? [];
    if (isAny(wanted)) return inputs[slot] ?? inputs[0] ?? null;
    const output = node.outputs?.[slot]?.type;
    const passes = (input) => input && fits(input.type, output) && fits(input.type, wanted);
    if (passes(inputs[slot])) return inputs[slot];
    return inputs.find((input) => input.type === wanted) ?? inputs.find(passes) ?? null;
}

function isAny(type) {
    return typeName(type) === ANY;
}

function fits(first, second) {
    if (isAny(first) || isAny(second)) return true;
    const names = typeName(first).split(",");
    return typeName(second).split(",").some((name) => names.includes(name));
}

function describe(place, places) {
    const input = place.node.inputs?.find((slot) => slot.name === "input_data");
    const source = input ? follow(place.scope, input) : null;
    const inputType = typeOfInput(place, places);
    const outputType = typeOfOutput(place, places);
    return {
        node: place.node,
        graph: place.scope.graph,
        id: keyOf(place.scope, place.node),
        uniqueId: nameOf(place),
        mode: portMode(source !== null, place.uses.length > 0),
        inputType,
        outputType,
        type: moreSpecific(inputType, outputType),
        problem: null,
    };
}

/** The unique_id, which the subgraph around the port may give (a promoted widget). */
function nameOf({ scope, node }) {
    const widgetInput = node.inputs?.find((slot) => slot.name === "unique_id");
    const link = widgetInput?.link == null ? null : linkOf(scope.graph, widgetInput.link);
    if (link && Number(link.origin_id) === FROM_EDGE && scope.host) {
        const name = scope.graph.inputs?.[link.origin_slot]?.name;
        const value = scope.host.widgets?.find((widget) => widget.name === name)?.value;
        if (typeof value === "string") return value.trim();
    }
    return uniqueIdOf(node);
}

function typeOfInput(place, places) {
    const seen = new Set();
    let at = place;
    while (at && !seen.has(at)) {
        seen.add(at);
        const input = at.node.inputs?.find((slot) => slot.name === "input_data");
        const source = input ? follow(at.scope, input) : null;
        if (!source) return typeOfOutput(at, places);
        const next = places.get(keyOf(source.scope, source.node));
        if (!next) return typeName(source.node.outputs?.[source.slot]?.type);
        at = next;
    }
    return ANY;
}

function typeOfOutput(place, places) {
    const seen = new Set([place]);
    let kind = ANY;
    for (const at of seen) {
        for (const use of at.uses) {
            const next = places.get(use.key);
            if (next) seen.add(next);
            else kind = moreSpecific(kind, use.type);
        }
    }
    return kind;
}

function markProblems(ports) {
    const outputs = new Map();
    for (const port of ports) {
        if (!port.uniqueId) port.problem = Problem.EMPTY;
        else if (port.mode === Mode.OUTPUT) {
            outputs.set(port.uniqueId, [...(outputs.get(port.uniqueId) ?? []), port]);
        }
    }
    for (const same of outputs.values()) {
        if (same.length > 1) same.forEach((port) => (port.problem = Problem.DOUBLED));
    }
    return ports;
}
