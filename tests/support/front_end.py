"""What tests do in the editor: build a graph, use menus and the Run button, save and reload.

Whatever a test is about is done as a user does it (mouse, keys, buttons); what only prepares it is
done through the front end's own objects, `app` and `LiteGraph`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    TimeoutError,
    async_playwright,
)
from support.servers import DEADLINE_S, wait_for

OURS = "discomfort"
VUE = "Comfy.VueNodes.Enabled"
DEADLINE_MS = 30_000
BLANK = "about:blank"
# As root Chromium has no sandbox, and it must not ask any host for updates.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MENUS = ".litecontextmenu, .p-contextmenu, [role=menu]"
MENU_TRIES = 6
IS_READY = "() => window.app?.graph && window.app.extensionManager && window.app.vueAppReady"

# A warning that our scripts are the reason of: above all, that something they use is deprecated.
NOTE_WARNINGS = """
Error.stackTraceLimit = 100;
const { warn } = console;
console.warn = (...about) => {
    warn.apply(console, about);
    if (new Error().stack.includes("/extensions/discomfort/"))
        console.error("discomfort makes the front end warn:", ...about);
};
"""

# A node by id, wherever it is; "3:7" is node 7 of the definition that node 3 is an instance of.
FIND_NODE = """
window.findNode = (id) => String(id).split(":").reduce(
    (graph, part) => {
        const node = (graph.subgraph ?? graph).getNodeById(Number(part));
        if (!node) throw new Error(`no node ${id}`);
        return node;
    }, app.graph)
"""


async def browser_or_reason(stack: contextlib.AsyncExitStack) -> tuple[Any, str]:
    """A browser that ends with the stack, or why there is none."""
    playwright = await stack.enter_async_context(async_playwright())
    path = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        found = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    except Error as e:
        return None, (
            "no browser to open a real ComfyUI in: install chromium, or let Playwright do it with "
            f"`python -m playwright install chromium`. {e}"
        )
    stack.push_async_callback(found.close)
    return found, ""


async def open_editor(context: BrowserContext, address: str, base: Path) -> Editor:
    """The front end of a running ComfyUI, ready to be used."""
    page = await context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    await page.add_init_script(FIND_NODE)
    await page.add_init_script(NOTE_WARNINGS)
    editor = Editor(page, address, base)
    await editor.come_back()
    return editor


async def _accept(dialog: Dialog) -> None:
    await dialog.accept()


class Editor:
    """One page of the front end. `problems` are the complaints that name our files."""

    def __init__(self, page: Page, address: str, base: Path):
        self.page, self.address, self.base = page, address, base
        self.problems: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"{error}\n{error.stack}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _note(self, text: str) -> None:
        if OURS in text.lower():
            self.problems.append(text)

    async def js(self, code: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression, or of a function of one argument."""
        return await self.page.evaluate(code, argument)

    async def wait_for(self, condition: str, argument: Any = None) -> None:
        """Wait until a JavaScript function of one argument gives something true."""
        await self.page.wait_for_function(condition, arg=argument, timeout=DEADLINE_MS)

    async def wait_ready(self) -> None:
        await self.page.wait_for_function(IS_READY, timeout=60_000)
        # Else what was said once to the front end's own scripts would not be said to ours.
        await self.js("() => { LiteGraph.alwaysRepeatWarnings = true }")

    async def frame(self) -> None:
        """Let the front end notice what has changed, as after every click, and draw it."""
        await self.js(
            """async () => {
                const next = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
                window.dispatchEvent(new MouseEvent("mouseup"));
                await next();
                await next();
                app.canvas.draw(true, true);
            }"""
        )

    # --- the page

    @property
    def is_left(self) -> bool:
        return self.page.url == BLANK

    async def come_back(self) -> None:
        """Open the front end, for the first time or after `leave`."""
        await self.page.goto(self.address, timeout=60_000)
        await self.wait_ready()

    async def leave(self) -> None:
        """Go where nothing is drawn; whatever was open there is lost."""
        self.page.on("dialog", _accept)  # "changes may not be saved"
        await self.page.goto(BLANK)
        self.page.remove_listener("dialog", _accept)

    async def start_blank(self) -> None:
        """A new, empty workflow; what the last test left open is closed."""
        self.problems.clear()
        await self.page.keyboard.press("Escape")
        await self.js("() => LiteGraph.closeAllContextMenus?.(window)")
        await self.js("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
        await self.wait_for("() => app.graph._nodes.length === 0")
        await self.js("() => { app.canvas.ds.scale = 1; app.canvas.ds.offset = [100, 160] }")
        await self.frame()

    async def set_setting(self, name: str, value: Any) -> None:
        await self.js(
            "([name, value]) => app.extensionManager.setting.set(name, value)", [name, value]
        )

    @property
    async def version(self) -> tuple[int, ...]:
        """The version of the front end."""
        text = await self.js("() => window.__COMFYUI_FRONTEND_VERSION__")
        return tuple(int(part) for part in text.split("."))

    @property
    async def has_vue(self) -> bool:
        """Whether there is the Vue renderer; before 1.40 it was an experiment."""
        return await self.version >= (1, 40)

    @contextlib.asynccontextmanager
    async def vue(self) -> AsyncIterator[None]:
        """Draws nodes with the Vue renderer ("Nodes 2.0")."""
        await self.set_setting(VUE, True)
        try:
            await self.wait_for("() => LiteGraph.vueNodesMode")
            yield
        finally:
            await self.set_setting(VUE, False)
            await self.wait_for("() => !LiteGraph.vueNodesMode")

    # --- the graph

    async def add(
        self, kind: str, at: tuple[float, float] = (0, 0), inside: Any = None, **widgets: Any
    ) -> int:
        """Add a node at a place of the canvas; `inside`: the id of a subgraph's node."""
        return await self.js(
            """([kind, at, inside, widgets]) => {
                const node = LiteGraph.createNode(kind);
                if (!node) throw new Error(`no node class ${kind}`);
                node.pos = at;
                const graph = inside == null ? app.graph : findNode(inside).subgraph;
                graph.add(node);
                for (const [name, value] of Object.entries(widgets)) {
                    const widget = node.widgets.find((w) => w.name === name);
                    widget.value = value;
                    widget.callback?.(value, app.canvas, node);
                }
                return Number(node.id); // a string while the node is live, since 1.4x
            }""",
            [kind, list(at), inside, widgets],
        )

    async def connect(self, source: Any, output: Any, target: Any, entry: str) -> None:
        """Link an output, by name or slot, to an input by name."""
        await self.js(
            """([source, output, target, entry]) => {
                const from = findNode(source), to = findNode(target);
                const slot = typeof output === "number" ? output : from.findOutputSlot(output);
                const input = to.findInputSlot(entry);
                if (slot < 0 || input < 0) throw new Error(`no slot ${output} or ${entry}`);
                if (!from.connect(slot, to, input)) throw new Error("the link was refused");
            }""",
            [source, output, target, entry],
        )
        await self.frame()

    async def set_widget(self, node_id: Any, name: str, value: Any) -> None:
        await self.js(
            """([id, name, value]) => {
                const node = findNode(id), widget = node.widgets.find((w) => w.name === name);
                widget.value = value;
                widget.callback?.(value, app.canvas, node);
            }""",
            [node_id, name, value],
        )
        await self.frame()

    async def widget(self, node_id: Any, name: str) -> Any:
        return await self.js(
            "([id, name]) => findNode(id).widgets.find((w) => w.name === name)?.value",
            [node_id, name],
        )

    async def select(self, *node_ids: Any) -> None:
        await self.js(
            """(ids) => {
                app.canvas.deselectAll();
                app.canvas.selectItems(ids.map((id) => findNode(id)));
            }""",
            list(node_ids),
        )

    async def workflow(self) -> dict[str, Any]:
        """The workflow as Save writes it."""
        return await self.js("() => JSON.parse(JSON.stringify(app.graph.serialize()))")

    async def prompt(self) -> dict[str, Any]:
        """The prompt as Run queues it."""
        return await self.js("async () => (await app.graphToPrompt()).output")

    async def load(self, workflow: dict[str, Any]) -> None:
        """Open a workflow as if its file were dropped on the canvas."""
        await self.js("(workflow) => app.loadGraphData(workflow)", workflow)
        await self.frame()

    async def node_of(self, kind: str) -> int:
        """The id of the only node of a class."""
        found = await self.js(
            "(kind) => app.graph._nodes.filter((n) => n.type === kind).map((n) => Number(n.id))",
            kind,
        )
        assert len(found) == 1, (kind, found)
        return found[0]

    # --- mouse and keys

    async def place_of(self, node_id: Any, dx: float = 30, dy: float = -12) -> tuple[float, float]:
        """Where on the page a point of a node is; the default is its title."""
        x, y = await self.js(
            """([id, dx, dy]) => {
                const node = findNode(id), canvas = app.canvas;
                const box = canvas.canvas.getBoundingClientRect();
                const [x, y] = canvas.ds.convertOffsetToCanvas(
                    [node.pos[0] + dx, node.pos[1] + dy]);
                return [box.left + x, box.top + y];
            }""",
            [node_id, dx, dy],
        )
        return x, y

    async def open_node_menu(self, node_id: Any, entry: str) -> None:
        """Right-click a node until its menu is there: a page that is busy closing the last one
        takes the click for that.
        """
        await self.select(node_id)
        menus = self.page.locator(MENUS)
        seen: list[str] = []
        for _ in range(MENU_TRIES):
            x, y = await self.place_of(node_id)
            await self.page.mouse.click(x, y, button="right")
            with contextlib.suppress(TimeoutError):
                return await menus.get_by_text(entry, exact=True).last.wait_for(timeout=5_000)
            seen = await menus.all_inner_texts()
            await self.page.keyboard.press("Escape")
            await self.frame()
        raise AssertionError(f"no menu of the node with {entry!r}; the last was {seen}")

    async def choose(self, node_id: Any, *entries: str) -> None:
        """Click through the menu of a node: its entry, then that of the submenu, and so on."""
        await self.open_node_menu(node_id, entries[0])
        menus = self.page.locator(MENUS)
        for entry in entries[:-1]:
            parent = menus.get_by_text(entry, exact=True).last
            await parent.hover()
            if await parent.evaluate("(e) => Boolean(e.closest('.litecontextmenu'))"):
                await parent.click()  # the older menus open their submenus so
        await menus.get_by_text(entries[-1], exact=True).last.click()

    async def press(self, keys: str) -> None:
        """A keyboard shortcut of the canvas."""
        await self.js("() => { document.activeElement?.blur(); app.canvas.canvas.focus() }")
        await self.page.keyboard.press(keys)
        await self.frame()

    async def save(self, name: str) -> Path:
        """Save under a new name; the file that was written."""
        if await self.js("() => app.extensionManager.workflow.activeWorkflow.isTemporary"):
            await self.press("Control+s")
        else:
            await self.js("() => void app.extensionManager.command.execute('Comfy.SaveWorkflowAs')")
        box = self.page.get_by_role("dialog").locator("input")
        await box.fill(name)
        await box.press("Enter")
        path = self.base / "user" / "default" / "workflows" / f"{name}.json"
        await self.wait_for("() => !app.extensionManager.workflow.activeWorkflow.isModified")
        await wait_for(path.is_file, f"{path.name} in the folder of workflows")
        return path

    async def save_and_reload(self, name: str) -> dict[str, Any]:
        """Save, load the page anew, open the file; the workflow as it was saved."""
        path = await self.save(name)
        saved = json.loads(path.read_text(encoding="utf-8"))
        await self.page.reload()
        await self.wait_ready()
        # The front end opens by itself what was open, and makes it the active one when it is done:
        # of a file that is opened meanwhile it may mix up the texts with its own.
        await self.wait_for(
            """([n, name]) => app.graph._nodes.length === n
                && app.extensionManager.workflow.activeWorkflow?.path.endsWith(`/${name}.json`)""",
            [len(saved["nodes"]), name],
        )
        await self.load(saved)
        return saved

    # --- running

    async def queue(self) -> dict[str, Any]:
        """Click Run; the history entry of the prompt when it has ended.

        Raises:
            AssertionError: ComfyUI refused the prompt; the message is its answer.
        """
        async with self.page.expect_response(
            lambda r: r.url.endswith("/prompt") and r.request.method == "POST"
        ) as waiting:
            await self.page.get_by_test_id("queue-button").first.click()
        answer = await (await waiting.value).json()
        assert "prompt_id" in answer, answer
        # Not `wait_for`, for which a promise is true at once.
        ended = self.js(
            """async (id) => {
                for (;;) {
                    const entry = (await (await fetch(`/history/${id}`)).json())[id];
                    if (entry) return entry;
                    await new Promise((go) => setTimeout(go, 50));
                }
            }""",
            answer["prompt_id"],
        )
        return await asyncio.wait_for(ended, DEADLINE_S)

    # --- pictures

    async def screenshot(self, path: Path, *node_ids: Any, margin: float = 30) -> None:
        """A picture of the page, or of some nodes with what is between them."""
        await self.frame()
        if not node_ids:
            await self.page.screenshot(path=path)
            return
        x, y, width, height = await self.js(
            """([ids, margin]) => {
                const canvas = app.canvas, box = canvas.canvas.getBoundingClientRect();
                const sides = ids.map((id) => findNode(id)).map((n) => [
                    n.pos[0], n.pos[1] - LiteGraph.NODE_TITLE_HEIGHT,
                    n.pos[0] + n.size[0], n.pos[1] + n.size[1]]);
                const edge = (i, pick) => pick(...sides.map((s) => s[i]));
                const [left, top] = canvas.ds.convertOffsetToCanvas(
                    [edge(0, Math.min) - margin, edge(1, Math.min) - margin]);
                const [right, bottom] = canvas.ds.convertOffsetToCanvas(
                    [edge(2, Math.max) + margin, edge(3, Math.max) + margin]);
                return [box.left + left, box.top + top, right - left, bottom - top];
            }""",
            [list(node_ids), margin],
        )
        clip: Any = {"x": x, "y": y, "width": width, "height": height}
        await self.page.screenshot(path=path, clip=clip)
