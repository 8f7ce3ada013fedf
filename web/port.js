/** DiscomfortPort in the editor: shows what each port is, and puts ports into the menus of nodes. */

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { installCompletion } from "./lib/completion.js";
import { knownIds, portForInput, portForOutput, renameEverywhere } from "./lib/port_edit.js";
import { allPortNodes, findPorts, PORT_TYPE, uniqueIdOf } from "./lib/port_graph.js";
import { prepare, show } from "./lib/port_look.js";
import { doubledIds, doubledMessage, renamedMessage, together } from "./lib/port_words.js";
import { keepCounterAt, redraw } from "./lib/redraw.js";

const COLORS = "Discomfort.Ports.Colors";

let isReady = false; // the front end sets settings before there is a graph
let isPlanned = false;
let doubled = new Set(); // what the user was told of
const seenIds = new Set(); // of every workflow that was open in this page
let complete;

const root = () => app.rootGraph ?? app.graph.rootGraph ?? app.graph;
const isPort = (node) => node.type === PORT_TYPE || node.comfyClass === PORT_TYPE;
const say = (severity, detail) =>
    app.extensionManager.toast.add({ severity, summary: "Discomfort", detail, life: 6000 });

/** Look again once, before the next frame, however many changes there are until then. */
function plan() {
    if (isPlanned || !isReady) return;
    isPlanned = true;
    requestAnimationFrame(() => {
        isPlanned = false;
        refresh();
    });
}

function refresh() {
    const graph = root();
    if (!graph || app.configuringGraph) return;
    const ports = findPorts(graph);
    const places = new Map(); // node -> the ports that it is, one for each instance of its subgraph
    for (const port of ports) {
        places.set(port.node, [...(places.get(port.node) ?? []), port]);
        if (port.uniqueId) seenIds.add(port.uniqueId);
    }
    const hasColors = app.extensionManager.setting.get(COLORS) ?? true;
    let isChanged = false;
    for (const node of allPortNodes(graph)) {
        const port = places.has(node) ? together(places.get(node)) : undefined;
        isChanged = show(node, port, hasColors) || isChanged;
    }
    if (isChanged) {
        redraw();
        app.canvas.setDirty(true, true);
    }
    const message = doubledMessage(ports, doubled);
    doubled = doubledIds(ports);
    if (message) say("warn", message);
}

function follow(node) {
    const onConnectionsChange = node.onConnectionsChange;
    node.onConnectionsChange = function (...given) {
        typeLink(this, given);
        plan();
        return onConnectionsChange?.apply(this, given);
    };
    const widget = node.widgets?.find((w) => w.name === "unique_id");
    if (!widget) return;
    const callback = widget.callback;
    widget.callback = function (...given) {
        plan();
        return callback?.apply(this, given);
    };
}

/**
 * Give a link into a port the type of what it brings, which is its colour. Front ends since 1.28 do
 * so themselves. It is done at once, so that it is one step of undo with the link.
 */
function typeLink(node, [side, , isConnected, link]) {
    if (side !== LiteGraph.INPUT || !isConnected || link?.type !== "*") return;
    const type = node.graph?.getNodeById(link.origin_id)?.outputs?.[link.origin_slot]?.type;
    if (typeof type === "string") link.type = type;
}

/** The entries of ours in the menu of a node. */
function menuItems(node) {
    if (isPort(node)) {
        const id = uniqueIdOf(node);
        if (!id) return [];
        return [{ content: `Rename "${id}" everywhere...`, callback: () => askForName(id) }];
    }
    const items = [];
    const add = (content, slots, make) => {
        const options = slots.map((slot, i) => ({
            content: slot.label || slot.localized_name || slot.name,
            callback: () => make(root(), node, i),
        }));
        if (options.length) items.push({ content, has_submenu: true, submenu: { options } });
    };
    add("Turn input into a port", node.inputs ?? [], portForInput);
    add("Turn output into a port", node.outputs ?? [], portForOutput);
    return items;
}

async function askForName(id) {
    const answer = await app.extensionManager.dialog.prompt({
        title: "Rename ports",
        message: `The new unique_id of every port called "${id}" in this workflow:`,
        defaultValue: id,
    });
    const name = answer?.trim();
    if (!name || name === id) return;
    say("success", renamedMessage(renameEverywhere(root(), id, name), id, name));
    plan();
}

app.registerExtension({
    name: "Discomfort.Port",

    settings: [
        {
            id: COLORS,
            category: ["Discomfort", "Ports", "Colors"],
            name: "Colour ports by their mode",
            tooltip: "Green gives a value to the workflow, blue takes one from it, violet passes one on. A colour that you give to a port yourself stays.",
            type: "boolean",
            defaultValue: true,
            onChange: () => plan(),
        },
    ],

    setup() {
        keepCounterAt(app.extensionManager.setting.settings, COLORS);
        complete = installCompletion({
            name: "unique_id",
            isOurs: isPort,
            nodeById: (id) => app.canvas.graph?.getNodeById(id),
            choices: () => [...new Set([...knownIds(root()), ...[...seenIds].sort()])],
        });
        for (const node of allPortNodes(root())) complete(node);
        api.addEventListener("graphChanged", plan);
        isReady = true;
        plan();
    },

    nodeCreated(node) {
        if (isPort(node)) {
            prepare(node);
            follow(node);
            complete?.(node);
            plan();
        }
        if (!("collectNodeMenuItems" in app)) addToOldMenu(node);
    },

    getNodeMenuItems(node) {
        return menuItems(node);
    },

    afterConfigureGraph() {
        doubled = new Set();
        plan();
    },
});

/** Front ends before 1.28 have no hook for menus, but ask each node. */
function addToOldMenu(node) {
    const getExtraMenuOptions = node.getExtraMenuOptions;
    node.getExtraMenuOptions = function (canvas, options) {
        const others = getExtraMenuOptions?.apply(this, [canvas, options]);
        options.push(null, ...menuItems(this));
        return others ?? [];
    };
}
