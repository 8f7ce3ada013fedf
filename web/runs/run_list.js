/** The recorded runs as a list of buttons, or what to do when there are none. */

import { make, makeButton } from "./elements.js";
import { count, formatSeconds, formatTime, joinFacts } from "./formats.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./table.js").RunSummary} RunSummary */
/** @typedef {RunSummary & { unreadable?: string }} ListedRun `unreadable`: why it can't be read */

const EXAMPLE = `async with await Discomfort.create(record=True) as discomfort:
    await discomfort.run("workflow.json", inputs, iterations=10)`;

/**
 * @param {ListedRun[]} runs
 * @param {(id: string) => void} open
 * @returns {HTMLElement}
 */
export function renderList(runs, open) {
    if (!runs.length) return renderNothing();
    const items = runs.map((run) => make("li", {}, renderItem(run, open)));
    return make("ul", { className: "dr-list", "aria-label": "Runs" }, ...items);
}

/**
 * @param {ListedRun} run
 * @param {(id: string) => void} open
 * @returns {HTMLElement}
 */
function renderItem(run, open) {
    if (run.unreadable) return make("p", { className: "dr-error" }, run.unreadable);
    const facts = joinFacts([
        formatTime(run.started),
        count(run.iterations, "iteration"),
        formatSeconds(run.busy_seconds),
    ]);
    const names = run.workflows.map((workflow) => workflow.name).join(", ");
    return makeButton(
        run.id,
        () => open(run.id),
        make("span", { className: "dr-title" }, run.title || "run", " ", statusBadge(run.status)),
        make("span", { className: "dr-facts" }, facts),
        names ? make("span", { className: "dr-facts" }, names) : null,
    );
}

/** @returns {HTMLElement} */
function renderNothing() {
    const how = [
        "Run a workflow from Python with ",
        make("code", {}, "record=True"),
        ", and it shows up here while it runs:",
    ];
    const kept = "Texts, numbers and small pictures of each iteration are then kept in your user "
        + "folder, on this machine only.";
    return make(
        "div",
        { className: "dr-list dr-nothing" },
        make("p", {}, "No run is recorded yet."),
        make("p", {}, ...how),
        make("pre", { tabIndex: 0 }, EXAMPLE),
        make("p", { className: "dr-facts" }, kept),
    );
}
