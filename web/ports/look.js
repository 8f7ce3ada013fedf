/**
 * How a port looks: title, colour, badge, and the name and colour of the type that runs through it.
 *
 * None of it is saved: `withoutLook` takes it out of what the editor writes, so that a file, the
 * undo history and the clipboard hold what the user did and nothing else.
 */

import { ANY, Mode, PORT_INPUT } from "../lib/constants.js";
import { callAfter, callBefore } from "../lib/hooks.js";
import { inputLink, outputLinks, slotOf } from "../lib/nodes.js";
import { makeWatched, watch } from "./redraw.js";
import { uniqueIdOf } from "./find_ports.js";
import { badgeOf, isOurColor, LOOKS, slotLabel, WARNING_COLOR } from "./words.js";

/** @typedef {import("../lib/constants.js").PortMode} PortMode */
/** @typedef {import("./words.js").ShownPort} ShownPort */
/** @typedef {Record<string, string | undefined>} Labels that we gave, by name of the slot */

/**
 * @typedef {object} Look
 * @property {string} key says whether anything changed
 * @property {LGraphBadge} badge
 * @property {boolean} isWrong
 * @property {Labels} labels
 * @property {string} uniqueId
 * @property {string} type
 */

/** @type {WeakMap<LGraphNode, Look>} */
const looks = new WeakMap();

/**
 * Give a new port its badge, and keep its look out of what is saved.
 *
 * @param {LGraphNode} node
 */
export function prepareLook(node) {
    /** @type {Look} */
    const look = {
        key: "",
        badge: makeBadge(undefined),
        isWrong: false,
        labels: {},
        uniqueId: "",
        type: ANY,
    };
    looks.set(node, look);
    node.badges.push(() => {
        watch();
        return look.badge;
    });
    watchSlots(node);
    callBefore(node, "onConfigure", () => watchSlots(node)); // new objects are there for the slots
    callAfter(node, "onSerialize", (saved) => withoutLook(saved, look.labels));
    const warning = { color: WARNING_COLOR, padding: 5, lineWidth: 1.5 };
    node.strokeStyles.discomfort = () => (look.isWrong ? warning : undefined);
    const { getTitle } = node; // what the canvas draws; `title` itself is in files and prompts
    node.getTitle = () => shownTitle(node) ?? getTitle.call(node);
}

/**
 * The title that a port shows in place of the one that all have. A user's own title stays.
 *
 * @param {LGraphNode} node
 * @returns {string | null}
 */
function shownTitle(node) {
    const isUsual = !node.title || node.title === node.constructor.title;
    return (isUsual && looks.get(node)?.uniqueId) || null;
}

/**
 * What the Vue renderer shall show of a port, after `showPort`.
 *
 * @param {LGraphNode} node
 * @returns {import("./vue_style.js").Drawn}
 */
export function drawnOf(node) {
    const { isWrong = false, type = ANY } = looks.get(node) ?? {};
    return { id: node.id, title: shownTitle(node), isWrong, color: colorOf(type) };
}

/**
 * Show what a port is.
 *
 * @param {LGraphNode} node a DiscomfortPort
 * @param {ShownPort | undefined} port undefined: it is muted or bypassed
 * @param {boolean} hasColors whether the mode gives the node its colour
 * @returns {boolean} whether anything changed
 */
export function showPort(node, port, hasColors) {
    const look = looks.get(node);
    if (!look) return false;
    const { type, uniqueId } = port ?? { type: ANY, uniqueId: uniqueIdOf(node) };
    paintLinks(node, type);
    Object.assign(look, { type, uniqueId });
    const keyNow = () => `${keyOf(port)} ${hasColors} ${node.color} ${shownTitle(node)}`;
    if (look.key === keyNow()) return false;
    look.badge = makeBadge(port);
    look.isWrong = Boolean(port?.problem);
    paintNode(node, hasColors ? port?.mode : null);
    nameSlots(node, type, look.labels);
    // What comes in goes out. What an INPUT feeds does not bind it: it may feed another type too.
    setOutputType(node, port?.modes.includes(Mode.INPUT) ? ANY : type);
    look.key = keyNow();
    return true;
}

/**
 * @param {ShownPort | undefined} port
 * @returns {string} is another one when something is to be drawn in another way
 */
function keyOf(port) {
    return port ? `${port.modes} ${port.type} ${port.problem}` : "";
}

/**
 * Take the look out of a serialised port.
 *
 * @param {SavedNode} saved
 * @param {Labels} labels
 */
function withoutLook(saved, labels) {
    if (isOurColor(saved.color)) delete saved.color;
    if (isOurColor(saved.bgcolor)) delete saved.bgcolor;
    for (const slot of [...(saved.inputs ?? []), ...(saved.outputs ?? [])]) {
        if (!(slot.name in labels)) continue;
        if (slot.label === labels[slot.name]) delete slot.label;
        slot.type = "*";
        delete slot.color_on;
        delete slot.color_off;
    }
}

/**
 * @param {ShownPort | undefined} port
 * @returns {LGraphBadge}
 */
function makeBadge(port) {
    if (!port) return new LGraphBadge({ text: "" });
    const { text, color } = badgeOf(port);
    return new LGraphBadge({ text, fgColor: "#ffffff", bgColor: color });
}

/**
 * @param {LGraphNode} node
 * @param {PortMode | null | undefined} mode
 */
function paintNode(node, mode) {
    if (node.color && !isOurColor(node.color)) return; // the user's own choice
    node.color = mode ? LOOKS[mode].color : undefined;
    node.bgcolor = mode ? LOOKS[mode].bgcolor : undefined;
}

/**
 * @param {LGraphNode} node
 * @param {string} type
 * @param {Labels} labels
 */
function nameSlots(node, type, labels) {
    const label = slotLabel(type);
    for (const slot of valueSlots(node)) {
        // A label that is not ours is the user's: it stays.
        if (slot.label === undefined || slot.label === labels[slot.name]) slot.label = label;
        labels[slot.name] = label;
        slot.color_on = slot.color_off = colorOf(type);
    }
}

/**
 * @param {LGraphNode} node
 * @param {string} type
 */
function setOutputType(node, type) {
    const output = node.outputs?.[0];
    if (output) output.type = type === ANY ? "*" : type;
}

/**
 * The input and the output that a value runs through.
 *
 * @param {LGraphNode} node
 * @returns {Slot[]}
 */
function valueSlots(node) {
    const slots = [slotOf(node.inputs, PORT_INPUT), node.outputs?.[0]];
    return slots.filter((slot) => slot !== undefined);
}

/** @param {LGraphNode} node */
function watchSlots(node) {
    for (const slot of valueSlots(node)) {
        makeWatched(slot, "label");
        makeWatched(slot, "type");
    }
}

/**
 * @param {LGraphNode} node
 * @param {string} type
 */
function paintLinks(node, type) {
    const color = colorOf(type) ?? "";
    const incoming = inputLink(node, node.findInputSlot(PORT_INPUT));
    for (const link of [incoming, ...outputLinks(node, 0)]) {
        if (link && (link.color ?? "") !== color) link.color = color;
    }
}

/**
 * @param {string} type
 * @returns {string | undefined}
 */
function colorOf(type) {
    return type === ANY ? undefined : LGraphCanvas.link_type_colors[type];
}
