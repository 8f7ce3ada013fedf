/**
 * Where a workflow's graphs stand, and what really feeds an input: the counterpart of
 * graph/convert/flatten.py. A link through a reroute, a bypassed node or the edge of a subgraph
 * counts as what it really connects, and one to a muted node does not count. Changes nothing.
 */

import { ANY, BYPASSED, MUTED, REROUTES, SUBGRAPH_INPUT } from "../lib/constants.js";
import { inputLink, linkOf, nodesOf, typeName } from "../lib/nodes.js";

const DEEPEST = 100; // subgraphs in subgraphs
const MOST_STEPS = 1000; // a link that is followed further than this leads in a circle

/**
 * One place where a graph stands: the workflow, or a subgraph inside one of its instances.
 *
 * @typedef {object} Scope
 * @property {LGraph} graph
 * @property {string} prefix what the ids of its nodes begin with in a prompt: "57:" inside node 57
 * @property {LGraphNode | null} instance the node that is the subgraph; null for the workflow
 * @property {Scope | null} parent
 * @property {Map<string, Scope>} children by the id of the instance
 */

/**
 * An output: slot number `slot` of a node.
 *
 * @typedef {{ scope: Scope, node: LGraphNode, slot: number }} Source
 */

/**
 * The link into an input, or into what stands for one at the edge of a subgraph, and its type.
 *
 * @typedef {{ scope: Scope, link: LLink | null, type: unknown }} Cursor
 */

/**
 * One scope for the workflow, and one for each instance of a subgraph.
 *
 * @param {LGraph} root
 * @returns {Scope[]}
 */
export function listScopes(root) {
    /** @type {Scope[]} */
    const scopes = [
        { graph: root, prefix: "", instance: null, parent: null, children: new Map() },
    ];
    for (const scope of scopes) {
        if (scope.prefix.split(":").length > DEEPEST) continue;
        for (const node of nodesOf(scope.graph)) {
            // The front end sends what is in a muted subgraph inside another one all the same.
            if (!node.subgraph || (scope.parent === null && !isActive(node))) continue;
            const child = {
                graph: node.subgraph,
                prefix: `${promptId(scope, node)}:`,
                instance: node,
                parent: scope,
                children: new Map(),
            };
            scope.children.set(String(node.id), child);
            scopes.push(child);
        }
    }
    return scopes;
}

/**
 * Whether a node is neither muted nor bypassed.
 *
 * @param {LGraphNode} node
 * @returns {boolean}
 */
export function isActive(node) {
    return node.mode !== MUTED && node.mode !== BYPASSED;
}

/**
 * The id of a node as in the prompt: "57:8" inside a subgraph.
 *
 * @param {Scope} scope
 * @param {LGraphNode} node
 * @returns {string}
 */
export function promptId(scope, node) {
    return `${scope.prefix}${node.id}`;
}

/**
 * The output that really feeds an input, against the direction of its link.
 *
 * @param {Scope} scope
 * @param {LGraphNode} node
 * @param {number} slot
 * @returns {Source | null} null: nothing feeds it
 */
export function findSource(scope, node, slot) {
    /** @type {Cursor | Source | null} */
    let cursor = at(scope, node, slot);
    for (let steps = 0; steps < MOST_STEPS; steps++) {
        if (cursor === null || "node" in cursor) return cursor;
        cursor = stepBack(cursor);
    }
    return null;
}

/**
 * One step against the direction of a link.
 *
 * @param {Cursor} cursor
 * @returns {Cursor | Source | null}
 */
function stepBack({ scope, link, type }) {
    if (!link) return null;
    if (Number(link.origin_id) === SUBGRAPH_INPUT) return leaveSubgraph(scope, link);
    const node = scope.graph.getNodeById(link.origin_id);
    if (!node || node.mode === MUTED) return null;
    if (node.mode === BYPASSED) {
        return at(scope, node, bypassedInput(node, link.origin_slot, type));
    }
    if (node.subgraph) {
        return enterSubgraph(scope.children.get(String(node.id)), link.origin_slot, type);
    }
    if (REROUTES.includes(node.type)) return at(scope, node, 0);
    return node.isVirtualNode ? null : { scope, node, slot: link.origin_slot };
}

/**
 * @param {Scope} scope
 * @param {LGraphNode | null | undefined} node
 * @param {number} slot
 * @returns {Cursor | null} null: there is no such input
 */
function at(scope, node, slot) {
    const input = node?.inputs?.[slot];
    return node && input ? { scope, link: inputLink(node, slot), type: input.type } : null;
}

/**
 * @param {Scope} scope
 * @param {LLink} link from the input side of its subgraph
 * @returns {Cursor | null}
 */
function leaveSubgraph(scope, link) {
    const { parent, instance } = scope;
    const name = scope.graph.inputs?.[link.origin_slot]?.name;
    if (!parent || !instance || name === undefined) return null;
    return at(parent, instance, instance.findInputSlot(name));
}

/**
 * @param {Scope | undefined} scope the subgraph's; undefined: it is nested too deep
 * @param {number} slot of the subgraph's outputs
 * @param {unknown} type
 * @returns {Cursor | null}
 */
function enterSubgraph(scope, slot, type) {
    if (!scope) return null;
    const ids = scope.graph.outputs?.[slot]?.linkIds ?? [];
    const links = ids.map((id) => linkOf(scope.graph, id));
    return { scope, link: links.find((link) => link !== null) ?? null, type };
}

/**
 * The input that an output of a bypassed node passes on (front end 1.49.6, ExecutableNodeDTO).
 *
 * @param {LGraphNode} node
 * @param {number} slot
 * @param {unknown} wanted the type of the input that asks
 * @returns {number} -1: none
 */
function bypassedInput(node, slot, wanted) {
    const inputs = node.inputs ?? [];
    if (isAny(wanted)) return slot in inputs ? slot : 0;
    const output = node.outputs?.[slot]?.type;
    const passes = (/** @type {Slot | undefined} */ input) =>
        input !== undefined && fits(input.type, output) && fits(input.type, wanted);
    if (passes(inputs[slot])) return slot;
    const same = inputs.findIndex((input) => input.type === wanted);
    return same >= 0 ? same : inputs.findIndex(passes);
}

/**
 * @param {unknown} type
 * @returns {boolean}
 */
function isAny(type) {
    return typeName(type) === ANY;
}

/**
 * @param {unknown} first
 * @param {unknown} second
 * @returns {boolean}
 */
function fits(first, second) {
    if (isAny(first) || isAny(second)) return true;
    const names = typeName(first).split(",");
    return typeName(second).split(",").some((name) => names.includes(name));
}
