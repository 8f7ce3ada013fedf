/** What is said about ports, how they are named, and in which colours. Pure. */

import { ANY, Mode } from "../lib/constants.js";
import { Problem } from "./find_ports.js";

/** @typedef {import("../lib/constants.js").PortMode} PortMode */
/** @typedef {import("./find_ports.js").Port} Port */

/**
 * What a node shows: `mode` is null where the ports that it is differ, `modes` has them all.
 *
 * @typedef {Omit<Port, "mode"> & { mode: PortMode | null, modes: PortMode[] }} ShownPort
 */

// Dark enough for white text in a title, and none of the front end's own node colours, so that a
// colour of this table is known to be ours. The front end lightens them in light themes.
/** @type {Readonly<Record<PortMode, { color: string, bgcolor: string, badge: string }>>} */
export const LOOKS = Object.freeze({
    [Mode.INPUT]: { color: "#1f5a41", bgcolor: "#16402f", badge: "#2f8f66" },
    [Mode.OUTPUT]: { color: "#27497f", bgcolor: "#1c345b", badge: "#3d72c4" },
    [Mode.PASSTHRU]: { color: "#574a72", bgcolor: "#3e3552", badge: "#7c69a5" },
});
export const WARNING_COLOR = "#c4452f";
const MIXED_COLOR = "#5d636e";

const OUR_COLORS = new Set(Object.values(LOOKS).flatMap((look) => [look.color, look.bgcolor]));

/**
 * Whether a node's colour is one that shows a mode, and not one that the user chose.
 *
 * @param {string | undefined} color
 * @returns {boolean}
 */
export function isOurColor(color) {
    return color !== undefined && OUR_COLORS.has(color);
}

/**
 * What a node shows that is a port in several places: it stands in a subgraph with several
 * instances, which share its nodes.
 *
 * @param {Port[]} ports all of that node, at least one
 * @returns {ShownPort}
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

/**
 * The badge of a port: its mode, or what is wrong with it.
 *
 * @param {ShownPort} port
 * @returns {{ text: string, color: string }}
 */
export function badgeOf(port) {
    if (port.problem === Problem.EMPTY) return { text: "no unique_id", color: WARNING_COLOR };
    if (port.problem === Problem.DOUBLED) {
        return { text: `${Mode.OUTPUT}: ${port.uniqueId} is doubled`, color: WARNING_COLOR };
    }
    const color = port.mode ? LOOKS[port.mode].badge : MIXED_COLOR;
    return { text: port.modes.join(" / "), color };
}

/**
 * What a slot of a port is called: the type that runs through it; undefined: nothing says which.
 *
 * @param {string} type
 * @returns {string | undefined}
 */
export function slotLabel(type) {
    return type === ANY ? undefined : type;
}

/**
 * The message about ids that two outputs have, or null when there is none that is new.
 *
 * @param {Port[]} ports
 * @param {Set<string>} known
 * @returns {string | null}
 */
export function doubledMessage(ports, known) {
    const ids = [...doubledIds(ports)].filter((id) => !known.has(id));
    if (ids.length === 0) return null;
    const names = ids.map((id) => `"${id}"`).join(", ");
    return `More than one output port is called ${names}. `
        + "Python could not tell them apart: rename one.";
}

/**
 * The ids that more than one output has.
 *
 * @param {Port[]} ports
 * @returns {Set<string>}
 */
export function doubledIds(ports) {
    const doubled = ports.filter((port) => port.problem === Problem.DOUBLED);
    return new Set(doubled.map((port) => port.uniqueId));
}

/**
 * The unique_id of a port that is made for a slot: the slot's name ("IMAGE" becomes "image", so
 * that an output and the input that it feeds next time share one), with a number when it is taken.
 *
 * @param {Slot} slot
 * @param {Set<string>} taken the ids of the ports of the same mode
 * @returns {string}
 */
export function nameForSlot(slot, taken) {
    const given = String(slot.label || slot.name || slot.type || "value").trim() || "value";
    const name = given === given.toUpperCase() ? given.toLowerCase() : given;
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
    return free;
}

/**
 * What a renaming did.
 *
 * @param {number} count
 * @param {string} from
 * @param {string} to
 * @returns {string}
 */
export function renamedMessage(count, from, to) {
    const ports = count === 1 ? "port is" : "ports are";
    return `${count} ${ports} now called "${to}" instead of "${from}".`;
}
