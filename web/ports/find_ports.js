/**
 * What the ports of the open workflow are: mode, type and problem of each. The rules are those of
 * graph/ports/find_ports.py, so that the editor shows what Python will find. Reads the editor's
 * graph, changes nothing, and knows no module of ComfyUI.
 */

import {
    ANY,
    Mode,
    NOTES,
    PORT_INPUT,
    PORT_TYPE,
    SUBGRAPH_INPUT,
    UNIQUE_ID,
} from "../lib/constants.js";
import { inputLink, nodesOf, typeName, widgetOf } from "../lib/nodes.js";
import { findSource, isActive, listScopes, promptId } from "./follow_links.js";

/** @typedef {import("../lib/constants.js").PortMode} PortMode */
/** @typedef {import("./follow_links.js").Scope} Scope */
/** @typedef {"empty" | "doubled"} PortProblem */

export const Problem = Object.freeze({ EMPTY: "empty", DOUBLED: "doubled" });

/**
 * A port, once for each instance of the subgraph that it is in.
 *
 * @typedef {object} Port
 * @property {LGraphNode} node
 * @property {string} id as in the prompt ("57:8" inside a subgraph)
 * @property {string} uniqueId
 * @property {PortMode} mode
 * @property {string} type
 * @property {PortProblem | null} problem
 */

/**
 * A port's node, where it is, and the inputs that it feeds: the id of their node, and their type.
 *
 * @typedef {{ scope: Scope, node: LGraphNode, uses: { id: string, type: string }[] }} PortNode
 * @typedef {Map<string, PortNode>} PortNodes by the id in the prompt
 */

/**
 * Every port of a workflow; muted and bypassed ones are left out.
 *
 * @param {LGraph} root the workflow's own graph
 * @returns {Port[]}
 */
export function findPorts(root) {
    const scopes = listScopes(root);
    /** @type {PortNodes} */
    const portNodes = new Map();
    for (const scope of scopes) {
        for (const node of nodesOf(scope.graph)) {
            if (node.type === PORT_TYPE && isActive(node)) {
                portNodes.set(promptId(scope, node), { scope, node, uses: [] });
            }
        }
    }
    if (portNodes.size === 0) return [];
    collectUses(scopes, portNodes);
    return withProblems([...portNodes].map(([id, found]) => describe(id, found, portNodes)));
}

/**
 * Every node that is a port, in every graph of the workflow, also muted and bypassed ones.
 *
 * @param {LGraph} root
 * @returns {LGraphNode[]}
 */
export function allPortNodes(root) {
    const graphs = [root, ...(root.subgraphs?.values() ?? [])];
    return graphs.flatMap((graph) => nodesOf(graph).filter((node) => node.type === PORT_TYPE));
}

/**
 * The unique_id that a port shows, without blanks around it.
 *
 * @param {LGraphNode} node
 * @returns {string}
 */
export function uniqueIdOf(node) {
    const value = widgetOf(node, UNIQUE_ID)?.value;
    return typeof value === "string" ? value.trim() : "";
}

/**
 * Of two types the one that says more; the first when both say as much.
 *
 * @param {string} first
 * @param {string} second
 * @returns {string}
 */
function moreSpecific(first, second) {
    if (first === ANY) return second;
    if (second === ANY) return first;
    return second.split(",").length < first.split(",").length ? second : first;
}

/**
 * The table of the three modes. An unconnected port is an INPUT.
 *
 * @param {boolean} hasInput
 * @param {boolean} hasOutput
 * @returns {PortMode}
 */
function portMode(hasInput, hasOutput) {
    if (!hasInput) return Mode.INPUT;
    return hasOutput ? Mode.PASSTHRU : Mode.OUTPUT;
}

/**
 * Fill in what the ports feed.
 *
 * @param {Scope[]} scopes
 * @param {PortNodes} portNodes
 */
function collectUses(scopes, portNodes) {
    for (const scope of scopes) {
        for (const node of nodesOf(scope.graph).filter(isSent)) {
            for (const [slot, input] of (node.inputs ?? []).entries()) {
                const source = findSource(scope, node, slot);
                if (!source) continue;
                const port = portNodes.get(promptId(source.scope, source.node));
                port?.uses.push({ id: promptId(scope, node), type: typeName(input.type) });
            }
        }
    }
}

/**
 * Whether a node is itself in the prompt.
 *
 * @param {LGraphNode} node
 * @returns {boolean}
 */
function isSent(node) {
    return isActive(node) && !node.isVirtualNode && !node.subgraph && !NOTES.includes(node.type);
}

/**
 * @param {string} id
 * @param {PortNode} found
 * @param {PortNodes} portNodes
 * @returns {Port}
 */
function describe(id, found, portNodes) {
    return {
        node: found.node,
        id,
        uniqueId: nameOf(found),
        mode: portMode(sourceOf(found) !== null, found.uses.length > 0),
        type: moreSpecific(typeOfInput(found, portNodes), typeOfOutput(found, portNodes)),
        problem: null,
    };
}

/**
 * What really feeds a port.
 *
 * @param {PortNode} port
 */
function sourceOf({ scope, node }) {
    return findSource(scope, node, node.findInputSlot(PORT_INPUT));
}

/**
 * The unique_id, which the subgraph around the port may give (a promoted widget).
 *
 * @param {PortNode} port
 * @returns {string}
 */
function nameOf({ scope, node }) {
    const link = inputLink(node, node.findInputSlot(UNIQUE_ID));
    if (link && Number(link.origin_id) === SUBGRAPH_INPUT && scope.instance) {
        const name = scope.graph.inputs?.[link.origin_slot]?.name ?? "";
        const value = widgetOf(scope.instance, name)?.value;
        if (typeof value === "string") return value.trim();
    }
    return uniqueIdOf(node);
}

/**
 * @param {PortNode} port
 * @param {PortNodes} portNodes
 * @returns {string}
 */
function typeOfInput(port, portNodes) {
    const seen = new Set();
    /** @type {PortNode | undefined} */
    let at = port;
    while (at && !seen.has(at)) {
        seen.add(at);
        const source = sourceOf(at);
        if (!source) return typeOfOutput(at, portNodes);
        const next = portNodes.get(promptId(source.scope, source.node));
        if (!next) return typeName(source.node.outputs?.[source.slot]?.type);
        at = next;
    }
    return ANY;
}

/**
 * @param {PortNode} port
 * @param {PortNodes} portNodes
 * @returns {string}
 */
function typeOfOutput(port, portNodes) {
    const seen = new Set([port]);
    let type = ANY;
    for (const at of seen) {
        for (const use of at.uses) {
            const next = portNodes.get(use.id);
            if (next) seen.add(next);
            else type = moreSpecific(type, use.type);
        }
    }
    return type;
}

/**
 * @param {Port[]} ports
 * @returns {Port[]}
 */
function withProblems(ports) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { mode, uniqueId } of ports) {
        if (mode === Mode.OUTPUT) counts.set(uniqueId, (counts.get(uniqueId) ?? 0) + 1);
    }
    return ports.map((port) => {
        if (!port.uniqueId) return { ...port, problem: Problem.EMPTY };
        const isDoubled = port.mode === Mode.OUTPUT && (counts.get(port.uniqueId) ?? 0) > 1;
        return isDoubled ? { ...port, problem: Problem.DOUBLED } : port;
    });
}
