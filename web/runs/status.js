/** How a recorded run stands, as a badge. */

import { RunStatus } from "../lib/constants.js";
import { make } from "./elements.js";

/** @type {Record<string, string>} */
const STATUS_TEXT = {
    [RunStatus.RUNNING]: "running",
    [RunStatus.DONE]: "done",
    [RunStatus.FAILED]: "failed",
    [RunStatus.INTERRUPTED]: "interrupted",
    [RunStatus.LOST]: "ended unexpectedly",
};

/**
 * @param {string} status one of RunStatus, or one that a later version wrote
 * @returns {HTMLElement}
 */
export function statusBadge(status) {
    const text = STATUS_TEXT[status];
    const look = text === undefined ? RunStatus.DONE : status;
    return make("span", { className: `dr-status dr-${look}` }, text ?? String(status));
}
