/** Asks the server for the ports of workflows, and keeps a node's sockets as they are. */

import { PORTS_ROUTE, SOCKETS } from "../lib/constants.js";
import { api, asOneChange, showToast } from "../lib/front_end.js";
import { callAfter, callBefore } from "../lib/hooks.js";
import { widgetOf } from "../lib/nodes.js";
import {
    dropDeclared,
    labelFromWidget,
    portSockets,
    removeUnused,
    setPorts,
    socketsForPrompt,
} from "./sockets.js";

/** @typedef {import("./sockets.js").WorkflowPorts} WorkflowPorts */
/** @typedef {(node: LGraphNode) => string[]} NamesOf the workflows that a node runs */

const MIN_WIDTH = 320; // of a new node: the names of files are long
const TYPING_MS = 250; // between two keys

/**
 * What is known of a node.
 *
 * The sockets come a moment later than the choice of a workflow; until then the history and what is
 * saved hold the former choice with its sockets, and then both are one step of undo.
 *
 * @typedef {object} State
 * @property {WorkflowPorts | null} ports as the server listed them last
 * @property {unknown} settled the choice that the history holds
 * @property {{ value: unknown } | null} former the choice before the one whose ports are asked for
 * @property {number} latest number of the newest question
 */

/** @type {WeakMap<LGraphNode, State>} */
const states = new WeakMap();

/**
 * Make a new node of a class that runs workflows ready.
 *
 * @param {LGraphNode} node
 * @param {string} source the widget that says which workflows it runs
 * @param {NamesOf} namesOf
 */
export function prepareRunNode(node, source, namesOf) {
    let isNew = true;
    const widget = widgetOf(node, source);
    states.set(node, { ports: null, settled: widget?.value, former: null, latest: 0 });
    callBefore(node, "configure", () => {
        isNew = false;
        dropDeclared(node);
        queueMicrotask(() => reloadSockets(node, namesOf, true));
    });
    hideSocketsWidget(node);
    if (widget) followChoice(node, widget, namesOf);
    // Later than this: opening a prompt connects the declared sockets in the same turn.
    queueMicrotask(() => {
        labelFromWidget(node);
        removeUnused(node);
        if (!isNew) return;
        const [width, height] = node.computeSize();
        node.setSize([Math.max(width, MIN_WIDTH), height]);
        reloadSockets(node, namesOf, true);
    });
}

/** @param {LGraphNode} node */
function hideSocketsWidget(node) {
    const widget = widgetOf(node, SOCKETS);
    if (!widget) return;
    widget.hidden = true;
    widget.computeSize = () => [0, -4]; // front ends before 1.28 leave room for what is hidden
    widget.serializeValue = () => socketsForPrompt(node, isByReference);
}

/**
 * Let the sockets follow a widget.
 *
 * @param {LGraphNode} node
 * @param {Widget} widget
 * @param {NamesOf} namesOf
 */
function followChoice(node, widget, namesOf) {
    const pauseMs = widget.type === "combo" ? 0 : TYPING_MS;
    const state = stateOf(node);
    callBefore(widget, "callback", () => {
        state.former ??= { value: state.settled };
    });
    callAfter(widget, "callback", () => reloadSockets(node, namesOf, false, pauseMs));
    callAfter(node, "onSerialize", (/** @type {SavedNode} */ saved) => {
        if (state.former) saveValue(node, widget, saved, state.former.value);
        else state.settled = widget.value;
    });
}

/**
 * Write another value of a widget into what is saved.
 *
 * @param {LGraphNode} node
 * @param {Widget} widget
 * @param {SavedNode} saved
 * @param {unknown} value
 */
function saveValue(node, widget, saved, value) {
    const index = node.widgets?.indexOf(widget) ?? -1;
    if (saved.widgets_values && index >= 0) saved.widgets_values[index] = value;
    if (saved.widgets_values_named) saved.widgets_values_named[widget.name] = value;
}

/**
 * Ask for the ports, and set the sockets.
 *
 * @param {LGraphNode} node
 * @param {NamesOf} namesOf
 * @param {boolean} isKept keep what is connected, even where its port is gone: a file was opened
 * @param {number} pauseMs in which the next call may take the place of this one
 */
export async function reloadSockets(node, namesOf, isKept, pauseMs = 0) {
    const state = stateOf(node);
    const number = ++state.latest;
    const isOutdated = () => state.latest !== number;
    if (pauseMs) await new Promise((go) => setTimeout(go, pauseMs));
    if (isOutdated()) return;
    const answer = await askForPorts(namesOf(node));
    if (isOutdated()) return;
    state.former = null;
    if (!node.graph) return;
    if ("error" in answer) {
        if (!isKept) asOneChange(() => showToast("warn", answer.error));
    } else if (isKept) {
        showPorts(node, answer, true);
    } else {
        asOneChange(() => showPorts(node, answer, false));
    }
}

/**
 * @param {LGraphNode} node
 * @param {WorkflowPorts} ports
 * @param {boolean} isKept
 */
function showPorts(node, ports, isKept) {
    const isNothing = !ports.inputs.length && !ports.outputs.length;
    stateOf(node).ports = ports;
    if (!isKept || !isNothing || portSockets(node.inputs).length) setPorts(node, ports, isKept);
}

/**
 * @param {string[]} names
 * @returns {Promise<WorkflowPorts | { error: string }>}
 */
async function askForPorts(names) {
    if (!names.length) return { inputs: [], outputs: [] };
    const query = names.map((name) => `workflow=${encodeURIComponent(name)}`).join("&");
    try {
        const reply = await api.fetchApi(`${PORTS_ROUTE}?${query}`, { cache: "no-store" });
        return await reply.json();
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { error: `The server did not list the ports: ${reason}` };
    }
}

/**
 * Whether a model or the like goes through a socket.
 *
 * @param {LGraphNode} node
 * @param {Slot} slot
 * @returns {boolean}
 */
function isByReference(node, slot) {
    const known = states.get(node)?.ports;
    const ports = [...(known?.inputs ?? []), ...(known?.outputs ?? [])];
    return ports.some((port) => port.name === slot.label && port.by_reference);
}

/**
 * @param {LGraphNode} node a prepared one
 * @returns {State}
 */
function stateOf(node) {
    const state = states.get(node);
    if (!state) throw new Error(`Discomfort: node ${node.id} was not prepared.`);
    return state;
}
