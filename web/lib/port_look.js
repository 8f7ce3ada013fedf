/**
 * How a port looks: colour, badge, and the name and colour of the type that runs through it.
 *
 * None of it is saved: `withoutLook` takes it out of what the editor writes, so that a file, the
 * undo history and the clipboard hold what the user did and nothing else.
 */

import { ANY, Mode } from "./port_graph.js";
import { LOOKS, badgeOf, isOurColor, slotLabel, WARNING_COLOR } from "./port_words.js";
import { makeWatched, watch } from "./redraw.js";

const shown = new WeakMap(); // node -> what it shows, {key, badge, types, links}

/** Give a new port its badge, and keep its look out of what is saved. */
export function prepare(node) {
    shown.set(node, { key: "", badge: new globalThis.LGraphBadge({ text: "" }), types: {} });
    node.badges.push(() => {
        watch();
        return shown.get(node).badge;
    });
    watchSlots(node);
    const onConfigure = node.onConfigure;
    node.onConfigure = function (saved) {
        watchSlots(this); // new objects are there for the slots
        return onConfigure?.call(this, saved);
    };
    const onSerialize = node.onSerialize;
    node.onSerialize = function (saved) {
        onSerialize?.call(this, saved);
        withoutLook(saved, shown.get(this).types);
    };
    node.strokeStyles.discomfort = function () {
        return shown.get(this).isWrong ? { color: WARNING_COLOR, padding: 5, lineWidth: 1.5 } : undefined;
    };
}

/**
 * Show what a port is.
 *
 * @param node a DiscomfortPort
 * @param port what `together` tells of it; undefined when it is muted or bypassed
 * @param hasColors whether the mode gives the node its colour
 * @returns whether anything changed
 */
export function show(node, port, hasColors) {
    const state = shown.get(node);
    if (!state) return false;
    paintLinks(node, port?.type ?? ANY);
    const key = port ? `${port.modes} ${port.type} ${port.problem} ${port.uniqueId}` : "";
    const complete = `${key} ${hasColors} ${node.color}`;
    if (state.key === complete) return false;
    state.badge = makeBadge(port);
    state.isWrong = Boolean(port?.problem);
    paintNode(node, hasColors ? port?.mode : undefined);
    nameSlots(node, port, state);
    state.key = `${key} ${hasColors} ${node.color}`;
    return true;
}

/** Take the look out of a serialised port. */
export function withoutLook(saved, types) {
    if (isOurColor(saved.color)) delete saved.color;
    if (isOurColor(saved.bgcolor)) delete saved.bgcolor;
    for (const slot of [...(saved.inputs ?? []), ...(saved.outputs ?? [])]) {
        if (!(slot.name in types)) continue;
        if (slot.label === types[slot.name]) delete slot.label;
        slot.type = "*";
        delete slot.color_on;
        delete slot.color_off;
    }
}

function makeBadge(port) {
    if (!port) return new globalThis.LGraphBadge({ text: "" });
    const { text, color } = badgeOf(port);
    return new globalThis.LGraphBadge({ text, fgColor: "#ffffff", bgColor: color });
}

function paintNode(node, mode) {
    if (node.color && !isOurColor(node.color)) return; // the user's own choice
    node.color = mode ? LOOKS[mode].color : undefined;
    node.bgcolor = mode ? LOOKS[mode].bgcolor : undefined;
}

function nameSlots(node, port, state) {
    const type = port?.type ?? ANY;
    const label = slotLabel(type);
    const slots = slotsOf(node);
    for (const slot of slots) {
        if (!slot) continue;
        const before = state.types[slot.name];
        // A label that is not ours is the user's: it stays.
        if (slot.label === undefined || slot.label === before) slot.label = label ?? undefined;
        state.types[slot.name] = label ?? undefined;
        slot.color_on = slot.color_off = colorOf(type);
    }
    // What comes in goes out. What an INPUT feeds does not bind it: it may feed another type too.
    // The Vue renderer takes a dot's colour from this type alone, so there an INPUT's stays grey.
    const isTyped = port && !port.modes.includes(Mode.INPUT) && type !== ANY;
    if (slots[1]) slots[1].type = isTyped ? type : "*";
}

/** The input and the output that a value runs through. */
function slotsOf(node) {
    return [node.inputs?.find((slot) => slot.name === "input_data"), node.outputs?.[0]];
}

function watchSlots(node) {
    for (const slot of slotsOf(node)) {
        if (!slot) continue;
        makeWatched(slot, "label");
        makeWatched(slot, "type");
    }
}

function paintLinks(node, type) {
    const [input, output] = slotsOf(node);
    const ids = [input?.link, ...(output?.links ?? [])];
    const color = colorOf(type) ?? "";
    for (const id of ids) {
        const link = id == null ? null : node.graph?.getLink(id);
        if (link && (link.color ?? "") !== color) link.color = color;
    }
}

function colorOf(type) {
    return type === ANY ? undefined : globalThis.LGraphCanvas.link_type_colors[type];
}
