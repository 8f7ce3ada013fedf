/**
 * DiscomfortTestRunner and DiscomfortLoopExecutor in the editor: their sockets are the ports of the
 * workflows that they run.
 */

import { LOOP_TYPE, RUNNER_TYPE, WORKFLOW, WORKFLOWS } from "../lib/constants.js";
import { addToOldMenu, app } from "../lib/front_end.js";
import { isOfType, widgetOf } from "../lib/nodes.js";
import { prepareRunNode, reloadSockets } from "./follow_ports.js";
import { addChooser, listedWorkflows, noteWorkflows } from "./workflow_chooser.js";

/**
 * @param {LGraphNode} node a runner
 * @returns {string[]}
 */
function chosenWorkflow(node) {
    const name = widgetOf(node, WORKFLOW)?.value;
    return name ? [String(name)] : [];
}

/**
 * What both nodes have.
 *
 * @param {string} type
 * @param {string} source the widget that says which workflows it runs
 * @param {(node: LGraphNode) => string[]} namesOf these workflows
 * @returns {Required<Pick<Extension, "nodeCreated" | "getNodeMenuItems">>}
 */
function runNode(type, source, namesOf) {
    const menuItems = (/** @type {LGraphNode} */ node) => {
        if (!isOfType(node, type)) return [];
        const callback = () => void reloadSockets(node, namesOf, false);
        return [{ content: "Reload sockets from the workflow", callback }];
    };
    return {
        nodeCreated(node) {
            if (!isOfType(node, type)) return;
            prepareRunNode(node, source, namesOf);
            addToOldMenu(node, menuItems);
        },
        getNodeMenuItems: menuItems,
    };
}

const loop = runNode(LOOP_TYPE, WORKFLOWS, listedWorkflows);

app.registerExtension({
    ...runNode(RUNNER_TYPE, WORKFLOW, chosenWorkflow),
    name: "Discomfort.TestRunner",
});

app.registerExtension({
    ...loop,
    name: "Discomfort.LoopExecutor",

    beforeRegisterNodeDef(_, definition) {
        if (definition.name === RUNNER_TYPE) noteWorkflows(definition);
    },

    refreshComboInNodes(definitions) {
        noteWorkflows(definitions?.[RUNNER_TYPE]);
    },

    nodeCreated(node) {
        if (isOfType(node, LOOP_TYPE)) addChooser(node);
        loop.nodeCreated(node);
    },
});
