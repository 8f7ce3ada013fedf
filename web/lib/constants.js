/**
 * What these scripts and Python must agree on: names, routes, and the front end's own numbers.
 *
 * A test compares each of them with Python's, so whatever both sides need has its place here. The
 * HTML report carries this file too. Imports nothing.
 */

export const PORT_TYPE = "DiscomfortPort";
export const RUNNER_TYPE = "DiscomfortTestRunner";
export const LOOP_TYPE = "DiscomfortLoopExecutor";

/** Where the nodes are that nobody places by hand. */
export const INTERNAL_CATEGORY = "discomfort/internal";

/** The names of inputs and widgets of our nodes. */
export const UNIQUE_ID = "unique_id";
export const PORT_INPUT = "input_data";
export const WORKFLOW = "workflow";
export const WORKFLOWS = "workflows";
export const SOCKETS = "sockets";

/** What the sockets of a node that runs workflows are called, before `_1`, `_2`, ... */
export const INPUT_SOCKET = "input";
export const OUTPUT_SOCKET = "output";

export const PORTS_ROUTE = "/discomfort/ports";
export const RUNS_ROUTE = "/discomfort/runs";
export const COLORS_SETTING = "Discomfort.Ports.Colors";

/** @typedef {"INPUT" | "OUTPUT" | "PASSTHRU"} PortMode */
export const Mode = Object.freeze({ INPUT: "INPUT", OUTPUT: "OUTPUT", PASSTHRU: "PASSTHRU" });

/** The type of a port when nothing says which. */
export const ANY = "ANY";
export const COMBO = "COMBO";
/** Types that say nothing, in capitals. Only the open graph has "-1" (events) and "UNDEFINED". */
export const ANY_NAMES = Object.freeze([
    "*",
    "",
    "0",
    "-1",
    ANY,
    "COMFY_MATCHTYPE_V3",
    "UNDEFINED",
]);

/** Modes of a node whose links do not count as they stand. */
export const MUTED = 2;
export const BYPASSED = 4;
/** The id that links have for the input side of the subgraph around them. */
export const SUBGRAPH_INPUT = -10;
/** Node classes that exist in the editor only. */
export const REROUTES = Object.freeze(["Reroute", "Reroute (rgthree)"]);
export const NOTES = Object.freeze(["Note", "MarkdownNote"]);

/** How a recorded run may stand. LOST: its process ended without recording an end. */
export const RunStatus = Object.freeze({
    RUNNING: "running",
    DONE: "done",
    FAILED: "failed",
    INTERRUPTED: "interrupted",
    LOST: "lost",
});
