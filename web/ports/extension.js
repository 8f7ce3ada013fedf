/** DiscomfortPort in the editor: shows what each port is, and adds ports to the menus of nodes. */

import { COLORS_SETTING, INTERNAL_CATEGORY, PORT_TYPE, UNIQUE_ID } from "../lib/constants.js";
import { addToOldMenu, api, app, rootGraph } from "../lib/front_end.js";
import { callBefore } from "../lib/hooks.js";
import { isOfType, widgetOf } from "../lib/nodes.js";
import { installCompletion } from "./completion.js";
import { knownIds } from "./edit.js";
import { allPortNodes } from "./find_ports.js";
import { prepareLook } from "./look.js";
import { menuItems } from "./menu.js";
import { keepCounterAt } from "./redraw.js";
import { forgetWarnings, idsSeen, planRefresh, startRefreshing } from "./refresh.js";

/** @type {((node: LGraphNode) => void) | undefined} */
let complete;

const isPort = (/** @type {LGraphNode} */ node) => isOfType(node, PORT_TYPE);

/**
 * Look at the ports again whenever something of this one changes.
 *
 * @param {LGraphNode} node
 */
function watchPort(node) {
    callBefore(node, "onConnectionsChange", (side, _slot, isConnected, link) => {
        if (side === LiteGraph.INPUT && isConnected) typeLink(node, link);
        planRefresh();
    });
    const widget = widgetOf(node, UNIQUE_ID);
    if (widget) callBefore(widget, "callback", planRefresh);
}

/**
 * Give a link into a port the type of what it brings, which is its colour. Front ends since 1.28 do
 * so themselves. It is done at once, so that it is one step of undo with the link.
 *
 * @param {LGraphNode} node
 * @param {LLink | null | undefined} link
 */
function typeLink(node, link) {
    if (link?.type !== "*") return;
    const type = node.graph?.getNodeById(link.origin_id)?.outputs?.[link.origin_slot]?.type;
    if (typeof type === "string") link.type = type;
}

app.registerExtension({
    name: "Discomfort.Port",

    settings: [
        {
            id: COLORS_SETTING,
            category: ["Discomfort", "Ports", "Colors"],
            name: "Colour ports by their mode",
            tooltip:
                "Green gives a value to the workflow, blue takes one from it, violet passes one "
                + "on. A colour that you give to a port yourself stays.",
            type: "boolean",
            defaultValue: true,
            onChange: () => planRefresh(),
        },
    ],

    beforeRegisterNodeDef(nodeType, definition) {
        // For menus of front ends that do not know `dev_only`; the others decide again after this.
        if (definition.category === INTERNAL_CATEGORY) nodeType.skip_list = true;
    },

    setup() {
        keepCounterAt(app.extensionManager.setting.settings, COLORS_SETTING);
        complete = installCompletion({
            name: UNIQUE_ID,
            isOurs: isPort,
            nodeById: (id) => app.canvas.graph?.getNodeById(id),
            choices: () => [...new Set([...knownIds(rootGraph()), ...idsSeen()])],
        });
        allPortNodes(rootGraph()).forEach(complete);
        api.addEventListener("graphChanged", planRefresh);
        app.canvas.canvas.addEventListener("litegraph:set-graph", planRefresh);
        startRefreshing();
    },

    nodeCreated(node) {
        if (isPort(node)) {
            prepareLook(node);
            watchPort(node);
            complete?.(node);
            planRefresh();
        }
        addToOldMenu(node, menuItems);
    },

    getNodeMenuItems: menuItems,

    afterConfigureGraph: forgetWarnings,
});
