"""What tests do with DiscomfortTestRunner and DiscomfortLoopExecutor in the editor."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from support.front_end import Editor

PATIENCE_S = 180  # the first run starts a ComfyUI, beside a browser that draws without a GPU

SOCKETS = """(id) => {
    const node = findNode(id);
    const list = (slots) => (slots ?? []).filter((s) => !s.widget)
        .map((s) => [s.name, s.label ?? s.name, s.type]);
    return { inputs: list(node.inputs), outputs: list(node.outputs) };
}"""


async def sockets(editor: Editor, node_id: Any) -> dict[str, Any]:
    return await editor.js(SOCKETS, node_id)


async def sockets_are(editor: Editor, node_id: Any, inputs: list[str], outputs: list[str]) -> None:
    """Wait until a node shows these ports."""
    await editor.wait_for(
        """([id, inputs, outputs]) => {
            const labels = (slots) => slots.filter((s) => /^(in|out)put_\\d+$/.test(s.name))
                .map((s) => s.label);
            const node = app.graph.getNodeById(id);
            return node && JSON.stringify([labels(node.inputs), labels(node.outputs)])
                === JSON.stringify([inputs, outputs]);
        }""",
        [node_id, inputs, outputs],
    )
    if await editor.js("() => LiteGraph.vueNodesMode"):
        shown = editor.page.locator(f'[data-node-id="{node_id}"] .lg-slot')
        for name in inputs + outputs:
            await shown.get_by_text(name, exact=True).first.wait_for()


async def chosen(editor: Editor, workflow: str, *ports: list[str]) -> int:
    """A runner with that workflow, when it shows its ports."""
    node = await editor.add("DiscomfortTestRunner", (420, 40))
    await editor.set_widget(node, "workflow", workflow)
    await sockets_are(editor, node, *ports)
    return node


async def choose(editor: Editor, node_id: Any, widget: str, workflow: str) -> None:
    """Choose an entry of a drop-down with the mouse."""
    await editor.frame()
    if await editor.js("() => LiteGraph.vueNodesMode"):
        node = editor.page.locator(f'[data-node-id="{node_id}"]')
        row = node.get_by_test_id("node-widget").filter(has_text=widget)
        await row.get_by_role("combobox").click()
        await editor.page.get_by_role("option", name=workflow).click()
        return
    y = await editor.js(
        "([id, name]) => findNode(id).widgets.find((w) => w.name === name).last_y + 12",
        [node_id, widget],
    )
    await editor.page.mouse.click(*await editor.place_of(node_id, 160, y))
    await editor.page.locator(".litecontextmenu").get_by_text(workflow, exact=True).click()


async def run(editor: Editor) -> str:
    """Click Run; the prompt's id. The first run starts the nested ComfyUI, which takes a while."""
    async with editor.page.expect_response(
        lambda r: r.url.endswith("/prompt") and r.request.method == "POST"
    ) as waiting:
        await editor.page.get_by_test_id("queue-button").first.click()
    answer = await (await waiting.value).json()
    assert "prompt_id" in answer, answer
    return answer["prompt_id"]


async def ended(editor: Editor, prompt_id: str) -> dict[str, Any]:
    """The history entry of a prompt."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        entry = await editor.js(
            "async (id) => (await (await fetch(`/history/${id}`)).json())[id]", prompt_id
        )
        if entry is not None:
            return entry
        await asyncio.sleep(0.1)
    raise AssertionError(f"the prompt did not end within {PATIENCE_S} s")


async def says(editor: Editor, node_id: Any, pattern: str) -> None:
    """Wait until a node shows a line of text that matches."""
    if await editor.js("() => LiteGraph.vueNodesMode"):
        node = editor.page.locator(f'[data-node-id="{node_id}"]')
        await node.get_by_text(re.compile(pattern)).first.wait_for(timeout=PATIENCE_S * 1000)
        return
    await editor.page.wait_for_function(
        "([id, pattern]) => findNode(id).widgets.some((w) => w.value?.toString().match(pattern))",
        arg=[node_id, pattern],
        timeout=PATIENCE_S * 1000,
    )


async def shows_pictures(editor: Editor, node_id: Any, count: int = 1) -> None:
    """Wait until a node shows so many pictures; the Vue renderer shows the first of them."""
    if not await editor.js("() => LiteGraph.vueNodesMode"):
        await editor.wait_for(
            "([id, count]) => findNode(id).imgs?.length === count", [node_id, count]
        )
        return
    await editor.wait_for(
        """(id) => document.querySelector(`[data-node-id="${id}"] img`)?.naturalWidth > 0""",
        node_id,
    )
