/**
 * DiscomfortLoopExecutor in the editor: its sockets are the ports of the workflows that it runs in
 * turn, which a drop-down adds to its list.
 */

import { app } from "../../scripts/app.js";
import { addToOldMenu, menuItems, prepare } from "./running/ports.js";
import { widgetOf } from "./running/sockets.js";

const TYPE = "DiscomfortLoopExecutor";
const RUNNER = "DiscomfortTestRunner";
const ADD = "add a workflow";

let known = []; // the workflows that may be run, as the runner's drop-down has them

const isOurs = (node) => node.type === TYPE || node.comfyClass === TYPE;
const items = (node) => (isOurs(node) ? menuItems(node, names) : []);

function names(node) {
    const text = widgetOf(node, "workflows")?.value ?? "";
    return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

function learn(definition) {
    const spec = definition?.input?.required?.workflow;
    const options = Array.isArray(spec?.[0]) ? spec[0] : spec?.[1]?.options;
    if (Array.isArray(options)) known = options;
}

/** A drop-down that adds a line to the list, and shows nothing itself. It is not saved. */
function addChooser(node) {
    const list = widgetOf(node, "workflows");
    if (!list) return;
    const chooser = node.addWidget("combo", ADD, "", (name) => {
        if (!name) return;
        list.value = [...names(node), name].join("\n");
        list.callback?.(list.value);
        chooser.value = "";
    }, { values: () => known, serialize: false });
    chooser.serialize = false;
    chooser.tooltip = "Adds a saved workflow to the end of the list.";
}

app.registerExtension({
    name: "Discomfort.LoopExecutor",

    beforeRegisterNodeDef(_, definition) {
        if (definition.name === RUNNER) learn(definition);
    },

    refreshComboInNodes(definitions) {
        learn(definitions?.[RUNNER]);
    },

    nodeCreated(node) {
        if (!isOurs(node)) return;
        addChooser(node);
        prepare(node, "workflows", names);
        addToOldMenu(node, items);
    },

    getNodeMenuItems: items,
});
