/**
 * The sidebar tab "Discomfort": the recorded runs of this user, the newest first, and one of them
 * as a table. It asks the server now and then while it is open, and draws only what has changed.
 */

import { RunStatus } from "../lib/constants.js";
import { app } from "../lib/front_end.js";
import { make, makeButton } from "./elements.js";
import { renderList } from "./run_list.js";
import { askForRuns, RefusedByServer, runsUrl } from "./server.js";
import { renderRun } from "./table.js";

/** @typedef {import("./table.js").RunView} RunView */
/** @typedef {import("./table.js").RecordedWorkflow} RecordedWorkflow */

const PAGE_ROWS = 100;
const BUSY_MS = 1000;
const IDLE_MS = 4000;

/**
 * What is shown: a run by its id, or the list (null); `before`: the rows before that number, not
 * the newest.
 *
 * @typedef {{ id: string | null, before: number | null }} Page
 */

export class RunsPanel {
    #message = make("p", { className: "dr-error", role: "alert", hidden: true });
    #bar = make("nav", { className: "dr-bar", "aria-label": "Run" });
    #body = make("div", { className: "dr-body" });
    #heading = make("h2", { className: "dr-heading" }, "Discomfort runs");
    #root = make(
        "div",
        { className: "dr-panel" },
        this.#heading,
        this.#bar,
        this.#message,
        this.#body,
    );

    /** @type {Page} */
    #page = { id: null, before: null };
    /** @type {string | null} what the server called its last answer */
    #tag = null;
    /** @type {string | null} what the bar was drawn for */
    #barKey = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #isBusy = false;
    #isClosed = false;

    /** @param {HTMLElement} container */
    constructor(container) {
        container.replaceChildren(this.#root);
        document.addEventListener("visibilitychange", this.#onVisible);
        this.#show(null);
    }

    close() {
        this.#isClosed = true;
        clearTimeout(this.#timer);
        document.removeEventListener("visibilitychange", this.#onVisible);
    }

    #onVisible = () => {
        if (!document.hidden) this.#refresh();
    };

    /**
     * Show a run by id, or the list.
     *
     * @param {string | null} id
     * @param {number | null} before
     */
    #show(id, before = null) {
        this.#page = { id, before };
        this.#tag = null;
        this.#body.setAttribute("aria-busy", "true");
        this.#drawBar(null);
        this.#refresh();
    }

    async #refresh() {
        clearTimeout(this.#timer);
        if (this.#isClosed) return;
        const page = this.#page;
        const isOutdated = () => this.#isClosed || page !== this.#page;
        try {
            const answer = await askForRuns(pathOf(page), this.#tag);
            if (isOutdated()) return;
            this.#complain(null);
            this.#tag = answer.tag;
            if (answer.data !== null) this.#draw(answer.data);
            this.#refreshIn(this.#isBusy ? BUSY_MS : IDLE_MS);
        } catch (error) {
            if (!isOutdated()) this.#say(error);
        }
    }

    /**
     * Say why nothing came. A browser on another machine is refused for good.
     *
     * @param {unknown} error
     */
    #say(error) {
        const isRefused = hasStatus(error, 403);
        if (isRefused || (this.#page.id !== null && hasStatus(error, 404))) {
            this.#body.replaceChildren();
        }
        if (isRefused) this.#body.removeAttribute("aria-busy");
        else this.#refreshIn(IDLE_MS);
        this.#complain(`The runs can't be shown: ${messageOf(error)}`);
    }

    /** @param {number} pauseMs */
    #refreshIn(pauseMs) {
        clearTimeout(this.#timer);
        if (!document.hidden) this.#timer = setTimeout(() => this.#refresh(), pauseMs);
    }

    /** @param {string | null} text */
    #complain(text) {
        this.#message.hidden = text === null;
        if (this.#message.textContent !== (text ?? "")) this.#message.textContent = text ?? "";
    }

    /**
     * Draw anew, but leave focus and scrolled places where they are.
     *
     * @param {any} data what the server answered for the page
     */
    #draw(data) {
        const focused = keyOf(document.activeElement);
        const sideways = this.#body.querySelector(".dr-scroll")?.scrollLeft ?? 0;
        this.#body.replaceChildren(this.#page.id === null ? this.#list(data) : this.#run(data));
        this.#body.removeAttribute("aria-busy");
        const table = this.#body.querySelector(".dr-scroll");
        if (table) table.scrollLeft = sideways;
        /** @type {NodeListOf<HTMLElement>} */
        const keyed = this.#root.querySelectorAll("[data-key]");
        const again = [...keyed].find((element) => element.dataset.key === focused);
        if (again && again !== document.activeElement) again.focus({ preventScroll: true });
    }

    /** @param {{ runs: import("./run_list.js").ListedRun[] }} data */
    #list({ runs }) {
        this.#isBusy = runs.some((run) => run.status === RunStatus.RUNNING);
        return renderList(runs, (id) => this.#open(id));
    }

    /** @param {RunView} view */
    #run(view) {
        this.#isBusy = view.status === RunStatus.RUNNING;
        this.#drawBar(view);
        return renderRun(view, {
            newestFirst: true,
            pictureUrl: (version) => runsUrl(`/${view.id}/picture/${version}`),
            workflowAction: (workflow) =>
                makeButton(
                    `workflow ${workflow.digest}`,
                    () => this.#openWorkflow(view, workflow),
                    icon("pi-external-link"),
                    ` Open ${workflow.name}`,
                ),
            earlier: this.#pageButtons(view),
        });
    }

    /** @param {RunView} view */
    #pageButtons(view) {
        const first = view.rows[0]?.number ?? 0;
        /**
         * @param {string} text
         * @param {number | null} before
         */
        const turn = (text, before) => makeButton(text, () => this.#show(view.id, before), text);
        return make(
            "p",
            { className: "dr-workflows" },
            this.#page.before === null ? null : turn("Newest iterations", null),
            first > view.first ? turn("Earlier iterations", first) : null,
        );
    }

    /** @param {RunView | null} view null: it is still asked for */
    #drawBar(view) {
        this.#bar.hidden = this.#page.id === null;
        const key = view && `${view.id} ${view.is_alive}`;
        if (this.#page.id === null || (key !== null && key === this.#barKey)) return;
        this.#barKey = key;
        const isFocused = this.#bar.contains(document.activeElement);
        const back = makeButton(null, () => this.#back(), icon("pi-arrow-left"), " All runs");
        this.#bar.replaceChildren(back, ...(view ? this.#tools(view) : []));
        if (isFocused) back.focus({ preventScroll: true });
    }

    /**
     * @param {RunView} view
     * @returns {HTMLElement[]}
     */
    #tools(view) {
        const href = runsUrl(`/${view.id}/report`);
        const save = make("a", { href, download: "" }, "Save report");
        return view.is_alive ? [save] : [save, this.#removeButton(view)];
    }

    /** @param {RunView} view */
    #removeButton(view) {
        const [text, question] = ["Remove", "Really remove?"];
        const onClick = () => {
            if (button.textContent === text) {
                button.textContent = question;
                button.onblur = () => (button.textContent = text);
            } else {
                this.#remove(view);
            }
        };
        const button = makeButton(null, onClick, text);
        return button;
    }

    /** @param {RunView} view */
    async #remove(view) {
        try {
            await askForRuns(`/${view.id}`, null, { method: "DELETE" });
            this.#back();
        } catch (error) {
            this.#complain(`The run was not removed: ${messageOf(error)}`);
        }
    }

    /** @param {string} id */
    #open(id) {
        this.#body.replaceChildren();
        this.#show(id);
        this.#bar.querySelector("button")?.focus({ preventScroll: true });
    }

    #back() {
        this.#body.replaceChildren();
        this.#complain(null);
        this.#show(null);
    }

    /**
     * @param {RunView} view
     * @param {RecordedWorkflow} workflow
     */
    async #openWorkflow(view, workflow) {
        try {
            const { data } = await askForRuns(`/${view.id}/workflow/${workflow.digest}`);
            const name = workflow.name.replace(/\.[^.]*$/, "");
            if (workflow.is_prompt) await app.loadApiJson(data, name);
            else await app.loadGraphData(data, true, true, name);
        } catch (error) {
            this.#complain(`${workflow.name} can't be opened: ${messageOf(error)}`);
        }
    }
}

/**
 * @param {Page} page
 * @returns {string}
 */
function pathOf({ id, before }) {
    if (id === null) return "";
    return `/${id}?last=${PAGE_ROWS}${before === null ? "" : `&before=${before}`}`;
}

/**
 * @param {Element | null} element
 * @returns {string | undefined} the key of the button that it is or is in
 */
function keyOf(element) {
    /** @type {HTMLElement | null | undefined} */
    const keyed = element?.closest("[data-key]");
    return keyed?.dataset.key;
}

/**
 * @param {string} name
 * @returns {HTMLElement}
 */
function icon(name) {
    return make("i", { className: `pi ${name}`, "aria-hidden": "true" });
}

/**
 * @param {unknown} error
 * @param {number} status of HTTP
 * @returns {boolean}
 */
function hasStatus(error, status) {
    return error instanceof RefusedByServer && error.status === status;
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
