/** Asks the server what the ports of workflows are, and keeps a node's sockets as they are. */

import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { asOneChange } from "../lib/undo.js";
import { dynamic, fit, labelFromWidget, setPorts, socketsForPrompt, strip, widgetOf } from "./sockets.js";

const ROUTE = "/discomfort/ports";
const WIDTH = 320; // of a new node: the names of files are long
const TYPING_MS = 250; // between two keys
const facts = new WeakMap(); // node -> its ports, as the server told them last
const settled = new WeakMap(); // node -> the choice that the history holds
const former = new WeakMap(); // node -> the choice before the one whose ports are asked for
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
        sockets.computeSize = () => [0, -4]; // front ends before 1.28 leave room for what is hidden
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

/**
 * The sockets follow a widget. They come a moment later than the choice; until then the history and
 * what is saved hold the former choice with its sockets, and then both are one step of undo.
 */
function follow(node, widget, names) {
    if (!widget) return;
    const pause = widget.type === "combo" ? 0 : TYPING_MS;
    settled.set(node, widget.value);
    const { callback } = widget;
    widget.callback = function (...given) {
        if (!former.has(node)) former.set(node, settled.get(node));
        const result = callback?.apply(this, given);
        refresh(node, names, false, pause);
        return result;
    };
    const { onSerialize } = node;
    node.onSerialize = function (saved) {
        onSerialize?.call(this, saved);
        if (!former.has(node)) {
            settled.set(node, widget.value);
            return;
        }
        const value = former.get(node);
        saved.widgets_values[node.widgets.indexOf(widget)] = value;
        if (saved.widgets_values_named) saved.widgets_values_named[widget.name] = value;
    };
}

/**
 * Ask for the ports, and set the sockets.
 *
 * @param isKept keep what is connected, also where its port is gone: a file was only opened
 * @param pause milliseconds in which the next call may take the place of this one
 */
export async function refresh(node, names, isKept, pause = 0) {
    const number = (latest.get(node) ?? 0) + 1;
    const isOutdated = () => latest.get(node) !== number;
    latest.set(node, number);
    if (pause) await new Promise((go) => setTimeout(go, pause));
    if (isOutdated()) return;
    const asked = names(node);
    const answer = asked.length ? await ask(asked) : { inputs: [], outputs: [] };
    if (isOutdated()) return;
    former.delete(node);
    if (!node.graph || (isKept && answer.error)) return;
    if (isKept) show(node, answer, true);
    else asOneChange(() => show(node, answer, false));
}

function show(node, answer, isKept) {
    if (answer.error) {
        say("warn", answer.error);
        return;
    }
    const isNothing = !answer.inputs.length && !answer.outputs.length;
    facts.set(node, answer);
    if (!isKept || !isNothing || dynamic(node.inputs).length) setPorts(node, answer, isKept);
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
