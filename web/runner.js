/** DiscomfortTestRunner in the editor: its sockets are the ports of the workflow that it runs. */

import { app } from "../../scripts/app.js";
import { addToOldMenu, menuItems, prepare } from "./running/ports.js";
import { widgetOf } from "./running/sockets.js";

const TYPE = "DiscomfortTestRunner";
const isOurs = (node) => node.type === TYPE || node.comfyClass === TYPE;
const names = (node) => [widgetOf(node, "workflow")?.value].filter(Boolean);
const items = (node) => (isOurs(node) ? menuItems(node, names) : []);

app.registerExtension({
    name: "Discomfort.TestRunner",

    nodeCreated(node) {
        if (!isOurs(node)) return;
        prepare(node, "workflow", names);
        addToOldMenu(node, items);
    },

    getNodeMenuItems: items,
});
