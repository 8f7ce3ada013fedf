/** Asks the server what the ports of workflows are, and keeps a node's sockets as they are. */

import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { dynamic, fit, labelFromWidget, setPorts, socketsForPrompt, strip, widgetOf } from "./sockets.js";

const ROUTE = "/discomfort/ports";
const WIDTH = 320; // of a new node: the names of files are long
const facts = new WeakMap(); // node -> its ports, as the server told them last
const latest = new WeakMap(); // node -> number of the newest question

/** Make a new node of a class that runs workflows ready. `names` gives the workflows it runs. */
export function prepare(node, source, names) {
    let isNew = true;
    const configure = node.configure;
    node.configure = function (...given) {
        isNew = false;
        strip(this); // what is saved brings its own sockets, with labels and types
        const result = configure.apply(this, given);
        queueMicrotask(() => refresh(this, names, true));
        return result;
    };
    const sockets = widgetOf(node, "sockets");
    if (sockets) {
        sockets.hidden = true;
        sockets.serializeValue = () => socketsForPrompt(node, isByReference);
    }
    follow(node, widgetOf(node, source), names);
    // Later than this: opening a prompt connects the declared sockets in the same turn.
    queueMicrotask(() => {
        labelFromWidget(node);
        strip(node);
        if (!isNew) return;
        const [width, height] = node.computeSize();
        node.setSize([Math.max(width, WIDTH), height]);
        refresh(node, names, true);
    });
}

function follow(node, widget, names) {
    if (!widget) return;
    const callback = widget.callback;
    let timer;
    widget.callback = function (...given) {
        const result = callback?.apply(this, given);
        clearTimeout(timer);
        timer = setTimeout(() => refresh(node, names, false), 250);
        return result;
    };
}

/**
 * Ask for the ports, and set the sockets.
 *
 * @param isKept keep what is connected, also where its port is gone: a file was only opened
 */
export async function refresh(node, names, isKept) {
    const asked = names(node);
    const number = (latest.get(node) ?? 0) + 1;
    latest.set(node, number);
    const answer = asked.length ? await ask(asked) : { inputs: [], outputs: [] };
    if (latest.get(node) !== number || !node.graph) return;
    if (answer.error) {
        if (!isKept) say("warn", answer.error);
        return;
    }
    facts.set(node, answer);
    if (isKept && !asked.length && !dynamic(node.inputs).length) return;
    setPorts(node, answer, isKept);
}

async function ask(names) {
    const query = names.map((name) => `workflow=${encodeURIComponent(name)}`).join("&");
    try {
        const reply = await api.fetchApi(`${ROUTE}?${query}`, { cache: "no-store" });
        return await reply.json();
    } catch (error) {
        return { error: `The server did not tell the ports: ${error.message ?? error}` };
    }
}

function isByReference(node, slot) {
    const known = facts.get(node);
    const ports = [...(known?.inputs ?? []), ...(known?.outputs ?? [])];
    return ports.some((port) => port.name === slot.label && port.by_reference);
}

/** The entry of ours in the node's menu. */
export const menuItems = (node, names) => [
    { content: "Reload sockets from the workflow", callback: () => refresh(node, names, false) },
];

export function say(severity, detail) {
    app.extensionManager.toast.add({ severity, summary: "Discomfort", detail, life: 8000 });
}

/** Front ends before 1.28 have no hook for menus, but ask each node. */
export function addToOldMenu(node, items) {
    if ("collectNodeMenuItems" in app) return;
    const getExtraMenuOptions = node.getExtraMenuOptions;
    node.getExtraMenuOptions = function (canvas, options) {
        const others = getExtraMenuOptions?.apply(this, [canvas, options]);
        options.push(null, ...items(this));
        return others ?? [];
    };
}
