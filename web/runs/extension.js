/** Puts the sidebar tab of the recorded runs in its place. */

import { app } from "../lib/front_end.js";
import { make } from "./elements.js";
import { RunsPanel } from "./panel.js";

for (const name of ["table.css", "panel.css"]) {
    const href = new URL(`./${name}`, import.meta.url).href;
    document.head.append(make("link", { rel: "stylesheet", href }));
}

/** @type {RunsPanel | null} */
let panel = null;

function close() {
    panel?.close();
    panel = null;
}

app.registerExtension({
    name: "Discomfort.Runs",
    setup() {
        app.extensionManager.registerSidebarTab({
            id: "discomfort-runs",
            icon: "pi pi-table",
            title: "Discomfort",
            tooltip: "Discomfort: runs from Python and in loops",
            type: "custom",
            render(container) {
                close();
                panel = new RunsPanel(container);
            },
            destroy: close,
        });
    },
});
