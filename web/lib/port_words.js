/** What is said about ports, and how they are named. Pure. */

import { ANY, Mode, Problem } from "./port_graph.js";

// Dark enough for white text in a title, and none of the front end's own node colours, so that a
// colour of this table is known to be ours. The front end lightens them in light themes.
export const LOOKS = Object.freeze({
    [Mode.INPUT]: { color: "#1f5a41", bgcolor: "#16402f", badge: "#2f8f66" },
    [Mode.OUTPUT]: { color: "#27497f", bgcolor: "#1c345b", badge: "#3d72c4" },
    [Mode.PASSTHRU]: { color: "#574a72", bgcolor: "#3e3552", badge: "#7c69a5" },
});
export const WARNING_COLOR = "#c4452f";
const MIXED_COLOR = "#5d636e";

const OUR_COLORS = new Set(Object.values(LOOKS).flatMap((look) => [look.color, look.bgcolor]));

/** Whether a node's colour is one that shows a mode, and not one that the user chose. */
export function isOurColor(color) {
    return OUR_COLORS.has(color);
}

/**
 * What a node shows that is a port in several places: it stands in a subgraph with several instances,
 * which share its nodes. `mode` is null where they differ; `modes` has them all.
 */
export function together(ports) {
    const modes = [...new Set(ports.map((port) => port.mode))];
    const isOfOneType = ports.every((port) => port.type === ports[0].type);
    return {
        ...(ports.find((port) => port.problem) ?? ports[0]),
        modes,
        mode: modes.length === 1 ? modes[0] : null,
        type: isOfOneType ? ports[0].type : ANY,
    };
}

/** The badge of a port: its mode, or what is wrong with it. */
export function badgeOf(port) {
    if (port.problem === Problem.EMPTY) return { text: "no unique_id", color: WARNING_COLOR };
    if (port.problem === Problem.DOUBLED) {
        return { text: `${Mode.OUTPUT}: ${port.uniqueId} is doubled`, color: WARNING_COLOR };
    }
    return { text: port.modes.join(" / "), color: LOOKS[port.mode]?.badge ?? MIXED_COLOR };
}

/** What a slot of a port is called: the type that runs through it; null when nothing tells. */
export function slotLabel(type) {
    return type === ANY ? null : type;
}

/** The message about ids that two outputs have, or null when there is none that is new. */
export function doubledMessage(ports, known) {
    const ids = [...doubledIds(ports)].filter((id) => !known.has(id));
    if (ids.length === 0) return null;
    const names = ids.map((id) => `"${id}"`).join(", ");
    return `More than one output port is called ${names}. Python could not tell them apart: rename one.`;
}

/** The ids that more than one output has. */
export function doubledIds(ports) {
    return new Set(ports.filter((p) => p.problem === Problem.DOUBLED).map((p) => p.uniqueId));
}

/**
 * The unique_id of a port that is made for a slot: the slot's name ("IMAGE" becomes "image", so that
 * an output and the input that it feeds next time share one), with a number when it is taken.
 *
 * @param taken the ids of the ports of the same mode
 */
export function nameForSlot(slot, taken) {
    const given = String(slot.label || slot.name || slot.type || "value").trim() || "value";
    const name = given === given.toUpperCase() ? given.toLowerCase() : given;
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
    return free;
}

/** What was done by a renaming. */
export function renamedMessage(count, from, to) {
    return `${count} ${count === 1 ? "port is" : "ports are"} now called "${to}" instead of "${from}".`;
}
