/** One step of undo. The front end looks for changes after clicks and keys, not after what we do. */

import { app } from "../../../scripts/app.js";

/** Make a change that ctrl+z takes back, and nothing else with it. */
export function asOneChange(change) {
    app.canvas.emitBeforeChange();
    try {
        change();
    } finally {
        app.canvas.emitAfterChange();
    }
}
