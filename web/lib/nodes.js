/** Reads and writes parts of the front end's nodes and graphs. Knows no module of ComfyUI. */

import { ANY, ANY_NAMES, COMBO } from "./constants.js";

/**
 * Whether a node is of a class. A new node has it in `comfyClass` before it has a type.
 *
 * @param {LGraphNode} node
 * @param {string} type
 * @returns {boolean}
 */
export function isOfType(node, type) {
    return node.type === type || node.comfyClass === type;
}

/**
 * @param {LGraph} graph
 * @returns {LGraphNode[]}
 */
export function nodesOf(graph) {
    return graph._nodes ?? graph.nodes ?? [];
}

/**
 * @param {LGraph | null | undefined} graph
 * @param {LinkId | null | undefined} id
 * @returns {LLink | null}
 */
export function linkOf(graph, id) {
    return id == null ? null : (graph?.getLink(id) ?? null);
}

/**
 * The link into an input. It is not asked of the slot, which has none of its own since front end
 * 1.58, nor by the node's own method: that of a subgraph's node answers with a link inside it.
 *
 * @param {LGraphNode} node
 * @param {number} slot
 * @returns {LLink | null}
 */
export function inputLink(node, slot) {
    if (!node.graph || !node.inputs?.[slot]) return null;
    return LiteGraph.LGraphNode.prototype.getInputLink.call(node, slot) ?? null;
}

/**
 * The links that leave an output.
 *
 * @param {LGraphNode} node
 * @param {number} slot
 * @returns {LLink[]}
 */
export function outputLinks(node, slot) {
    const id = String(node.id);
    const links = [...(node.graph?.links.values() ?? [])];
    return links.filter((link) => link.origin_slot === slot && String(link.origin_id) === id);
}

/**
 * The slot of a name.
 *
 * @param {Slot[] | undefined} slots
 * @param {string} name
 * @returns {Slot | undefined}
 */
export function slotOf(slots, name) {
    return slots?.find((slot) => slot.name === name);
}

/**
 * @param {LGraphNode} node
 * @param {string} name
 * @returns {Widget | undefined}
 */
export function widgetOf(node, name) {
    return node.widgets?.find((widget) => widget.name === name);
}

/**
 * Give a widget a value as if it were typed in.
 *
 * @param {Widget} widget
 * @param {unknown} value
 */
export function setWidget(widget, value) {
    widget.value = value;
    widget.callback?.(value);
}

/**
 * A slot's type as a name: a list of options is a COMBO, what says nothing is ANY.
 *
 * @param {unknown} type
 * @returns {string}
 */
export function typeName(type) {
    if (Array.isArray(type)) return COMBO;
    const name = String(type).toUpperCase();
    return ANY_NAMES.includes(name) ? ANY : name;
}
