/** Our entries in the menus of nodes. */

import { PORT_TYPE } from "../lib/constants.js";
import { app, rootGraph, showToast } from "../lib/front_end.js";
import { isOfType } from "../lib/nodes.js";
import { portForInput, portForOutput, renameEverywhere } from "./edit.js";
import { uniqueIdOf } from "./find_ports.js";
import { planRefresh } from "./refresh.js";
import { renamedMessage } from "./words.js";

/**
 * The entries in the menu of any node.
 *
 * @param {LGraphNode} node
 * @returns {MenuItem[]}
 */
export function menuItems(node) {
    if (isOfType(node, PORT_TYPE)) return renameItems(node);
    return [
        ...turnItems("Turn input into a port", node, node.inputs, portForInput),
        ...turnItems("Turn output into a port", node, node.outputs, portForOutput),
    ];
}

/**
 * @param {LGraphNode} port
 * @returns {MenuItem[]}
 */
function renameItems(port) {
    const id = uniqueIdOf(port);
    if (!id) return [];
    return [{ content: `Rename "${id}" everywhere...`, callback: () => askForName(id) }];
}

/**
 * An entry with one of its own for each slot; none where there are no slots.
 *
 * @param {string} content
 * @param {LGraphNode} node
 * @param {Slot[] | undefined} slots
 * @param {(root: LGraph, node: LGraphNode, slot: number) => void} turn
 * @returns {MenuItem[]}
 */
function turnItems(content, node, slots, turn) {
    const options = (slots ?? []).map((slot, i) => ({
        content: slot.label || slot.localized_name || slot.name,
        callback: () => turn(rootGraph(), node, i),
    }));
    return options.length ? [{ content, has_submenu: true, submenu: { options } }] : [];
}

/** @param {string} id */
async function askForName(id) {
    const answer = await app.extensionManager.dialog.prompt({
        title: "Rename ports",
        message: `The new unique_id of every port called "${id}" in this workflow:`,
        defaultValue: id,
    });
    const name = answer?.trim();
    if (!name || name === id) return;
    const count = renameEverywhere(rootGraph(), id, name);
    showToast("success", renamedMessage(count, id, name));
    planRefresh();
}
