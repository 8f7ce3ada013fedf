/** The drop-down of DiscomfortLoopExecutor that adds a saved workflow to its list. */

import { WORKFLOW, WORKFLOWS } from "../lib/constants.js";
import { setWidget, widgetOf } from "../lib/nodes.js";

const NAME = "add a workflow";

/** @type {string[]} */
let known = []; // the workflows that may be run, as the runner's drop-down has them

/**
 * Note which workflows there are.
 *
 * @param {NodeDefinition | undefined} definition the runner's
 */
export function noteWorkflows(definition) {
    const spec = definition?.input?.required?.[WORKFLOW];
    const options = Array.isArray(spec?.[0]) ? spec[0] : spec?.[1]?.options;
    if (Array.isArray(options)) known = options;
}

/**
 * The lines of the node's list.
 *
 * @param {LGraphNode} node
 * @returns {string[]}
 */
export function listedWorkflows(node) {
    const text = String(widgetOf(node, WORKFLOWS)?.value ?? "");
    return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/**
 * Add the drop-down. It adds a line to the list, shows nothing itself, and is not saved.
 *
 * @param {LGraphNode} node
 */
export function addChooser(node) {
    const list = widgetOf(node, WORKFLOWS);
    if (!list) return;
    const choose = (/** @type {string} */ name) => {
        if (!name) return;
        setWidget(list, [...listedWorkflows(node), name].join("\n"));
        chooser.value = "";
    };
    const options = { values: () => known, serialize: false };
    const chooser = node.addWidget("combo", NAME, "", choose, options);
    chooser.serialize = false;
    chooser.tooltip = "Adds a saved workflow to the end of the list.";
}
