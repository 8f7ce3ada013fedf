/**
 * One run as a table: iterations are rows, ports are columns. What it shows comes from
 * records/table.py. The sidebar tab and the HTML report (records/report.py) draw with this very
 * file and those that it imports, none of which imports a script of ComfyUI.
 */

import { RunStatus } from "../lib/constants.js";
import { renderCell } from "./cells.js";
import { renderCurve } from "./curve.js";
import { make } from "./elements.js";
import { count, formatBytes, formatSeconds, formatTime, joinFacts } from "./formats.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").Picture} Picture */

/** @typedef {{ digest: string, name: string, is_prompt: boolean }} RecordedWorkflow */

/**
 * A run in a line, as `summarize` in records/table.py gives it.
 *
 * @typedef {object} RunSummary
 * @property {string} id
 * @property {string} title
 * @property {string} status one of RunStatus
 * @property {string | null} error
 * @property {number} started
 * @property {number} seconds
 * @property {number} busy_seconds
 * @property {number} calls of run()
 * @property {number} iterations
 * @property {number | null} total how many iterations there will be
 * @property {RecordedWorkflow[]} workflows
 */

/**
 * One iteration.
 *
 * @typedef {object} Row
 * @property {number} number counted from 0
 * @property {number} call
 * @property {number} iteration
 * @property {number} started
 * @property {number} seconds
 * @property {number} nodes
 * @property {number} cached
 * @property {number} ram_bytes
 * @property {number} disk_bytes
 * @property {number | null} worker_bytes
 * @property {(Cell | null)[]} cells one for each column
 * @property {string | null} error
 * @property {string | null} failed_workflow
 */

/** @typedef {{ role: "in" | "out", name: string, workflow: string | null }} Column */
/** @typedef {{ name: string, cell: Cell, is_start: boolean }} Setting an input that stays */

/**
 * A whole run, as `build_view` in records/table.py gives it. `first` is the number of the first
 * row that is still kept.
 *
 * @typedef {{ settings: Setting[], columns: Column[], rows: Row[], first: number,
 *   pictures: Record<string, Picture>, is_alive?: boolean }} RunDetails
 * @typedef {RunSummary & RunDetails} RunView
 */

/**
 * @typedef {object} RunOptions
 * @property {(version: string) => string | null} pictureUrl the address of a small picture
 * @property {(workflow: RecordedWorkflow) => HTMLElement | null} workflowAction a button or link
 * @property {boolean} [newestFirst] rows in reverse order
 * @property {HTMLElement | null} [earlier] is shown where older rows would be
 */

/**
 * The whole view of a run.
 *
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement}
 */
export function renderRun(view, options) {
    return make(
        "article",
        { className: "dr-run" },
        renderHead(view),
        view.error ? make("p", { className: "dr-error", role: "alert" }, view.error) : null,
        renderWorkflows(view, options),
        renderSettings(view, options),
        renderRows(view, options),
    );
}

/**
 * @param {RunView} view
 * @returns {HTMLElement}
 */
function renderHead(view) {
    const busy = view.busy_seconds ?? view.seconds;
    const iterations = view.total
        ? `${view.iterations.toLocaleString()} of ${count(view.total, "iterations", "iterations")}`
        : count(view.iterations, "iteration");
    const facts = joinFacts([
        formatTime(view.started),
        iterations,
        view.calls > 1 ? `${count(view.calls, "call")} of run()` : null,
        `${formatSeconds(busy)} of work in ${formatSeconds(view.seconds)}`,
    ]);
    return make(
        "header",
        { className: "dr-head" },
        make("h1", {}, view.title || "run", " ", statusBadge(view.status)),
        make("p", { className: "dr-facts" }, facts),
    );
}

/**
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement | null}
 */
function renderWorkflows({ workflows }, { workflowAction }) {
    const items = workflows.map((workflow) => workflowAction(workflow)).filter(Boolean);
    return items.length ? make("p", { className: "dr-workflows" }, ...items) : null;
}

/**
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement | null}
 */
function renderSettings({ settings, pictures }, { pictureUrl }) {
    if (!settings.length) return null;
    const pairs = settings.map(({ name, cell, is_start: isStart }) => {
        const note = isStart ? make("small", {}, " at the start") : null;
        const value = renderCell(cell, name, pictures, pictureUrl);
        return make("div", {}, make("dt", {}, name, note), make("dd", {}, value));
    });
    return make("dl", { className: "dr-settings" }, ...pairs);
}

/**
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement}
 */
function renderRows(view, options) {
    if (!view.rows.length) {
        const isRunning = view.status === RunStatus.RUNNING;
        const text = isRunning ? "The first iteration is at work." : "No iteration ended.";
        return make("p", { className: "dr-empty" }, text);
    }
    const gone = count(view.first, "iteration is", "iterations are");
    const dropped = view.first
        ? make("p", { className: "dr-facts" }, `The first ${gone} not kept.`)
        : null;
    const table = renderTable(view, options);
    return options.newestFirst
        ? make("section", {}, dropped, table, options.earlier)
        : make("section", {}, dropped, options.earlier, table);
}

/**
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement}
 */
function renderTable(view, options) {
    const rows = options.newestFirst ? [...view.rows].reverse() : view.rows;
    const table = make(
        "table",
        {},
        make("caption", {}, `Iterations of ${view.title || "the run"}`),
        make("thead", {}, renderTableHead(view)),
        make("tbody", {}, ...rows.flatMap((row) => renderRow(row, view, options))),
    );
    const region = { tabIndex: 0, role: "region", "aria-label": "Iterations" };
    return make("div", { className: "dr-scroll", ...region }, table);
}

/**
 * @param {RunView} view
 * @returns {HTMLElement}
 */
function renderTableHead({ workflows, columns, rows }) {
    const isSeveral = workflows.length > 1;
    const ports = columns.map(({ role, name, workflow }, index) => {
        const source = isSeveral ? workflow : null;
        const note = role === "in" ? "in" : source;
        const curve = renderCurve(rows.map((row) => row.cells[index]), name);
        return headCell(name, note ? make("small", {}, note) : null, curve);
    });
    const times = rows.map((row) => ({ v: row.error ? null : row.seconds }));
    return make(
        "tr",
        {},
        headCell("#"),
        ...ports,
        headCell("time", renderCurve(times, "time")),
        headCell("cached", make("small", {}, "nodes")),
        headCell("memory"),
    );
}

/**
 * @param {string} text
 * @param {...(Node | null)} more
 * @returns {HTMLElement}
 */
function headCell(text, ...more) {
    return make("th", { scope: "col" }, text, ...more);
}

/**
 * The lines of one iteration; the second says why it failed.
 *
 * @param {Row} row
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement[]}
 */
function renderRow(row, view, options) {
    const isRepeated = view.calls > 1 && row.iteration > 1;
    const number = isRepeated ? `${row.call}.${row.iteration}` : `${row.number + 1}`;
    const line = make(
        "tr",
        { className: row.error ? "dr-failed-row" : null },
        make("th", { scope: "row", title: formatTime(row.started) }, number),
        ...renderValues(row, number, view, options),
        ...renderCosts(row),
    );
    if (!row.error) return [line];
    const text = row.failed_workflow ? `${row.failed_workflow}: ${row.error}` : row.error;
    const colSpan = view.columns.length + 4;
    const reason = make("td", { colSpan }, make("div", { className: "dr-error dr-reason" }, text));
    return [line, make("tr", { className: "dr-failed-row" }, reason)];
}

/**
 * @param {Row} row
 * @param {string} number
 * @param {RunView} view
 * @param {RunOptions} options
 * @returns {HTMLElement[]}
 */
function renderValues(row, number, { columns, pictures }, { pictureUrl }) {
    return row.cells.map((cell, index) => {
        const name = `${columns[index].name}, iteration ${number}`;
        return make("td", {}, cell && renderCell(cell, name, pictures, pictureUrl));
    });
}

/**
 * @param {Row} row
 * @returns {HTMLElement[]}
 */
function renderCosts(row) {
    const worker = row.worker_bytes
        ? make("small", {}, `worker ${formatBytes(row.worker_bytes)}`)
        : null;
    return [
        numberCell(null, row.error ? "" : formatSeconds(row.seconds)),
        numberCell(
            "Nodes whose result ComfyUI still had",
            row.nodes ? `${row.cached} of ${row.nodes}` : "",
        ),
        numberCell(
            "What the context holds; below, the worker's memory",
            formatBytes(row.ram_bytes + row.disk_bytes),
            worker,
        ),
    ];
}

/**
 * @param {string | null} title
 * @param {...(string | Node | null)} children
 * @returns {HTMLElement}
 */
function numberCell(title, ...children) {
    return make("td", { className: "dr-number", title }, ...children);
}
