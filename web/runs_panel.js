// The sidebar tab "Discomfort": the recorded runs of this user, the newest first, and one of them as
// a table. It asks the server now and then while it is open, and draws only what has changed.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { count, formatSeconds, formatTime, make, renderRun, statusBadge } from "./runs/table.js";

const ROUTE = "/discomfort/runs";
const PAGE = 100;
const BUSY_MS = 1000;
const IDLE_MS = 4000;
const EXAMPLE = `async with await Discomfort.create(record=True) as discomfort:
    await discomfort.run("workflow.json", inputs, iterations=10)`;

for (const name of ["table.css", "panel.css"]) {
  const href = new URL(`./runs/${name}`, import.meta.url).href;
  document.head.append(make("link", { rel: "stylesheet", href }));
}

/** JSON of a route; `tag` is what the server called the last answer: null when nothing changed. */
async function ask(path, tag = null, options = {}) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const reply = await api.fetchApi(ROUTE + path, { cache: "no-store", headers, ...options });
  if (reply.status === 304) return { data: null, tag };
  let data = null;
  try {
    data = await reply.json();
  } catch {
    // no JSON: a proxy's page, or nothing at all
  }
  if (!reply.ok || data === null) {
    const reason = data?.error ?? `the server answered ${reply.status} ${reply.statusText}`;
    throw Object.assign(new Error(reason), { status: reply.status });
  }
  return { data, tag: reply.headers.get("ETag") };
}

class RunsPanel {
  constructor(container) {
    this.message = make("p", { className: "dr-error", role: "alert", hidden: true });
    this.bar = make("nav", { className: "dr-bar", "aria-label": "Run" });
    this.body = make("div", { className: "dr-body" });
    this.root = make("div", { className: "dr-panel" }, this.bar, this.message, this.body);
    container.replaceChildren(this.root);
    this.timer = null;
    this.isClosed = false;
    this.onVisible = () => document.hidden || this.refresh();
    document.addEventListener("visibilitychange", this.onVisible);
    this.show(null);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  /** Show a run by id, or the list. */
  show(id, before = null) {
    Object.assign(this, { id, before, tag: null });
    this.body.setAttribute("aria-busy", "true");
    this.drawBar(null);
    this.refresh();
  }

  async refresh() {
    clearTimeout(this.timer);
    if (this.isClosed) return;
    const { id, before, tag } = this;
    let pause = IDLE_MS;
    try {
      const page = before === null ? "" : `&before=${before}`;
      const answer = await ask(id === null ? "" : `/${id}?last=${PAGE}${page}`, tag);
      if (this.isClosed || id !== this.id || before !== this.before) return;
      this.complain(null);
      this.tag = answer.tag;
      if (answer.data !== null) {
        this.isBusy = id === null
          ? answer.data.runs.some((run) => run.status === "running")
          : answer.data.status === "running";
        this.draw(answer.data);
      }
      pause = this.isBusy ? BUSY_MS : IDLE_MS;
    } catch (error) {
      if (this.isClosed || id !== this.id || before !== this.before) return;
      if (error.status === 404 && id !== null) this.body.replaceChildren();
      this.complain(`The runs can't be shown: ${error.message}`);
    }
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.refresh(), pause);
  }

  complain(text) {
    this.message.hidden = text === null;
    if (this.message.textContent !== (text ?? "")) this.message.textContent = text ?? "";
  }

  /** Draw anew, but leave focus and scrolled places where they are. */
  draw(data) {
    const focused = document.activeElement?.closest?.("[data-key]")?.dataset.key;
    const sideways = this.body.querySelector(".dr-scroll")?.scrollLeft ?? 0;
    this.body.replaceChildren(this.id === null ? this.drawList(data.runs) : this.drawRun(data));
    this.body.removeAttribute("aria-busy");
    const table = this.body.querySelector(".dr-scroll");
    if (table) table.scrollLeft = sideways;
    const again = [...this.root.querySelectorAll("[data-key]")].find((e) => e.dataset.key === focused);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  }

  drawList(runs) {
    if (!runs.length) return this.drawNothing();
    const items = runs.map((run) => {
      if (run.unreadable) return make("li", {}, make("p", { className: "dr-error" }, run.unreadable));
      const facts = [
        formatTime(run.started),
        count(run.iterations, "iteration"),
        formatSeconds(run.busy_seconds),
      ];
      const names = run.workflows.map((workflow) => workflow.name).join(", ");
      return make("li", {}, make(
        "button",
        { type: "button", "data-key": run.id, onclick: () => this.open(run.id) },
        make("span", { className: "dr-title" }, run.title || "run", " ", statusBadge(run.status)),
        make("span", { className: "dr-facts" }, facts.join(" \u00b7 ")),
        names ? make("span", { className: "dr-facts" }, names) : null,
      ));
    });
    return make("ul", { className: "dr-list", "aria-label": "Runs" }, ...items);
  }

  drawNothing() {
    return make(
      "div",
      { className: "dr-list dr-nothing" },
      make("p", {}, "No run is recorded yet."),
      make("p", {}, "Run a workflow from Python with ", make("code", {}, "record=True"),
        ", and it shows up here while it runs:"),
      make("pre", { tabIndex: 0 }, EXAMPLE),
      make("p", { className: "dr-facts" }, "Texts, numbers and small pictures of each iteration are then kept in "
        + "your user folder, on this machine only."),
    );
  }

  drawRun(view) {
    this.drawBar(view);
    return renderRun(view, {
      newestFirst: true,
      pictureUrl: (version) => api.apiURL(`${ROUTE}/${view.id}/picture/${version}`),
      workflowAction: (workflow) => make(
        "button",
        {
          type: "button",
          "data-key": `workflow ${workflow.digest}`,
          onclick: () => this.openWorkflow(view, workflow),
        },
        make("i", { className: "pi pi-external-link", "aria-hidden": "true" }),
        ` Open ${workflow.name}`,
      ),
      earlier: this.drawPages(view),
    });
  }

  drawPages(view) {
    const first = view.rows[0]?.number ?? 0;
    const turn = (text, before) => make("button",
      { type: "button", "data-key": text, onclick: () => this.show(view.id, before) }, text);
    const buttons = [
      this.before === null ? null : turn("Newest iterations", null),
      first > view.first ? turn("Earlier iterations", first) : null,
    ];
    return make("p", { className: "dr-workflows" }, ...buttons);
  }

  drawBar(view) {
    this.bar.hidden = this.id === null;
    if (this.id === null || (view !== null && this.barFor === `${view.id} ${view.is_alive}`)) return;
    this.barFor = view === null ? null : `${view.id} ${view.is_alive}`;
    const focused = this.bar.contains(document.activeElement);
    const back = make("button", { type: "button", onclick: () => this.back() },
      make("i", { className: "pi pi-arrow-left", "aria-hidden": "true" }), " All runs");
    const tools = view === null ? [] : [
      make("a", { href: api.apiURL(`${ROUTE}/${view.id}/report`), download: "" }, "Save report"),
      view.is_alive ? null : this.drawRemove(view),
    ];
    this.bar.replaceChildren(back, ...tools.filter(Boolean));
    if (focused) back.focus({ preventScroll: true });
  }

  drawRemove(view) {
    const button = make("button", { type: "button" }, "Remove");
    button.onclick = async () => {
      if (button.textContent === "Remove") {
        button.textContent = "Really remove?";
        button.onblur = () => { button.textContent = "Remove"; };
        return;
      }
      try {
        await ask(`/${view.id}`, null, { method: "DELETE" });
        this.back();
      } catch (error) {
        this.complain(`The run was not removed: ${error.message}`);
      }
    };
    return button;
  }

  open(id) {
    this.body.replaceChildren();
    this.show(id);
    this.bar.querySelector("button")?.focus({ preventScroll: true });
  }

  back() {
    this.body.replaceChildren();
    this.complain(null);
    this.show(null);
  }

  async openWorkflow(view, workflow) {
    try {
      const { data } = await ask(`/${view.id}/workflow/${workflow.digest}`);
      const name = workflow.name.replace(/\.[^.]*$/, "");
      if (workflow.is_prompt) await app.loadApiJson(data, name);
      else await app.loadGraphData(data, true, true, name);
    } catch (error) {
      this.complain(`${workflow.name} can't be opened: ${error.message}`);
    }
  }
}

let panel = null;

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
        panel?.close();
        panel = new RunsPanel(container);
      },
      destroy() {
        panel?.close();
        panel = null;
      },
    });
  },
});
