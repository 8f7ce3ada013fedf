// One run as a table: iterations are rows, ports are columns. What it shows comes from
// records/table.py. The sidebar tab and the HTML report draw with this very file; it imports nothing,
// so that the report can carry it. All content is set as text, never as HTML.

const STATUS_TEXT = {
  running: "running",
  done: "done",
  failed: "failed",
  interrupted: "interrupted",
  lost: "ended without a word",
};
const MAX_POINTS = 200;

/** An element with properties, attributes and children; a text child stays text. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name === "className" ? "class" : name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function statusBadge(status) {
  const text = STATUS_TEXT[status] ?? String(status);
  return make("span", { className: `dr-status dr-${STATUS_TEXT[status] ? status : "done"}` }, text);
}

export function formatSeconds(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const rounded = Math.round(seconds);
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor((rounded % 3600) / 60)];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rounded % 60} s`;
}

export function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  while (bytes >= 1024 && step < units.length - 1) {
    bytes /= 1024;
    step += 1;
  }
  return `${bytes >= 100 || step === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[step]}`;
}

export function formatTime(seconds) {
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toLocaleString() : "";
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

function formatNumber(value) {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

/**
 * The whole view of a run.
 *
 * view: what records/table.py `build_view` gives.
 * options.pictureUrl(version): the address of a small picture, or null.
 * options.workflowAction(workflow): a button or link for a workflow, or null.
 * options.newestFirst: rows in reverse order.
 * options.earlier: an element shown where older rows would be, or null.
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

function renderHead(view) {
  const busy = view.busy_seconds ?? view.seconds;
  const total = view.total ? ` of ${view.total.toLocaleString()}` : "";
  const facts = [
    formatTime(view.started),
    `${view.iterations.toLocaleString()}${total} ${view.iterations === 1 && !total ? "iteration" : "iterations"}`,
    view.calls > 1 ? `${count(view.calls, "call")} of run()` : null,
    `${formatSeconds(busy)} of work in ${formatSeconds(view.seconds)}`,
  ].filter(Boolean);
  return make(
    "header",
    { className: "dr-head" },
    make("h1", {}, view.title || "run", " ", statusBadge(view.status)),
    make("p", { className: "dr-facts" }, facts.join(" \u00b7 ")),
  );
}

function renderWorkflows(view, options) {
  if (!view.workflows.length || !options.workflowAction) return null;
  const items = view.workflows.map((workflow) => options.workflowAction(workflow)).filter(Boolean);
  return items.length ? make("p", { className: "dr-workflows" }, ...items) : null;
}

function renderSettings(view, options) {
  if (!view.settings.length) return null;
  const pairs = view.settings.map(({ name, cell, is_start: isStart }) => make(
    "div",
    {},
    make("dt", {}, name, isStart ? make("small", {}, " at the start") : null),
    make("dd", {}, renderCell(cell, name, view, options)),
  ));
  return make("dl", { className: "dr-settings" }, ...pairs);
}

function renderRows(view, options) {
  if (!view.rows.length) {
    const text = view.status === "running" ? "The first iteration is at work." : "No iteration ended.";
    return make("p", { className: "dr-empty" }, text);
  }
  const rows = options.newestFirst ? [...view.rows].reverse() : view.rows;
  const body = make("tbody", {});
  for (const row of rows) body.append(...renderRow(row, view, options));
  const dropped = view.first
    ? make("p", { className: "dr-facts" }, `The first ${count(view.first, "iteration is", "iterations are")} not kept.`)
    : null;
  const table = make(
    "div",
    { className: "dr-scroll", tabIndex: 0, role: "region", "aria-label": "Iterations" },
    make(
      "table",
      {},
      make("caption", {}, `Iterations of ${view.title || "the run"}`),
      make("thead", {}, renderTableHead(view)),
      body,
    ),
  );
  const parts = [dropped, options.newestFirst ? null : options.earlier, table];
  return make("section", {}, ...parts, options.newestFirst ? options.earlier : null);
}

function renderTableHead(view) {
  const several = view.workflows.length > 1;
  const column = (text, ...more) => make("th", { scope: "col" }, text, ...more);
  const ports = view.columns.map(({ role, name, workflow }, index) => column(
    name,
    role === "in" ? make("small", {}, "in") : null,
    role === "out" && several && workflow ? make("small", {}, workflow) : null,
    renderCurve(view.rows.map((row) => row.cells[index]), name),
  ));
  const times = view.rows.map((row) => ({ v: row.error ? null : row.seconds }));
  return make(
    "tr",
    {},
    column("#"),
    ...ports,
    column("time", renderCurve(times, "time")),
    column("cached", make("small", {}, "nodes")),
    column("memory"),
  );
}

/** How numbers went, over the rows; null where there are few. */
function renderCurve(cells, name) {
  const values = cells.map((cell) => cell?.v).filter((v) => typeof v === "number" && Number.isFinite(v));
  if (values.length < 3 || values.length < cells.length / 2) return null;
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  if (low === high) return null;
  const step = Math.max(1, Math.ceil(values.length / MAX_POINTS));
  const picked = values.filter((_, i) => i % step === 0);
  const points = picked.map((v, i) => {
    const x = 1 + (58 * i) / Math.max(1, picked.length - 1);
    return `${x.toFixed(1)},${(15 - (14 * (v - low)) / (high - low)).toFixed(1)}`;
  });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "dr-curve");
  svg.setAttribute("viewBox", "0 0 60 16");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name}: from ${formatNumber(low)} to ${formatNumber(high)}`);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

function renderRow(row, view, options) {
  const number = view.calls > 1 && row.iteration > 1 ? `${row.call}.${row.iteration}` : `${row.number + 1}`;
  const cells = row.cells.map((cell, index) => make(
    "td",
    {},
    cell ? renderCell(cell, `${view.columns[index].name}, iteration ${number}`, view, options) : null,
  ));
  const memory = formatBytes(row.ram_bytes + row.disk_bytes);
  const line = make(
    "tr",
    { className: row.error ? "dr-failed-row" : null },
    make("th", { scope: "row", title: formatTime(row.started) }, number),
    ...cells,
    make("td", { className: "dr-number" }, row.error ? "" : formatSeconds(row.seconds)),
    make("td", { className: "dr-number", title: "Nodes whose result ComfyUI still had" },
      row.nodes ? `${row.cached} of ${row.nodes}` : ""),
    make("td", { className: "dr-number", title: "What the context holds; below, the worker's memory" },
      memory,
      row.worker_bytes ? make("small", {}, `worker ${formatBytes(row.worker_bytes)}`) : null),
  );
  if (!row.error) return [line];
  const text = row.failed_workflow ? `${row.failed_workflow}: ${row.error}` : row.error;
  const width = view.columns.length + 4;
  return [line, make("tr", { className: "dr-failed-row" }, make("td", { colSpan: width, className: "dr-error" }, text))];
}

function renderCell(cell, name, view, options) {
  if ("version" in cell) return renderStored(cell, name, view, options);
  if (cell.ref) return make("span", { className: "dr-kind" }, `${cell.type} by reference`);
  if ("about" in cell) return make("span", { className: "dr-kind" }, cell.about);
  const value = cell.v;
  if (typeof value === "number") return make("span", { className: "dr-value" }, formatNumber(value));
  if (value === null || typeof value === "boolean") return make("span", { className: "dr-kind" }, String(value));
  const text = make("span", { className: "dr-text", dir: "auto" }, value);
  if (value.length > 80) text.setAttribute("title", value);
  const rest = cell.chars ? make("small", {}, ` (${count(cell.chars, "character")} in all)`) : null;
  return make("span", {}, text, rest);
}

function renderStored(cell, name, view, options) {
  const about = view.pictures[cell.version];
  const url = options.pictureUrl(cell.version);
  if (!about || !url) {
    return make("span", { className: "dr-kind" }, `${cell.type}, ${formatBytes(cell.bytes)}`);
  }
  const size = `${about.width} \u00d7 ${about.height}`;
  const more = about.count > 1 ? `, first of ${about.count}` : "";
  const side = Math.max(about.width, about.height);
  const scale = Math.min(128, Math.max(48, side)) / side;
  const picture = make("img", {
    src: url,
    alt: `${name}: picture, ${size}${more}`,
    title: `${cell.type} ${size}${more}, ${formatBytes(cell.bytes)}`,
    loading: "lazy",
    decoding: "async",
    className: scale > 1 ? "dr-pixels" : null,
    width: String(Math.max(1, Math.round(about.width * scale))),
    height: String(Math.max(1, Math.round(about.height * scale))),
  });
  return make("figure", {}, picture, about.count > 1 ? make("figcaption", {}, count(about.count, "picture")) : null);
}
