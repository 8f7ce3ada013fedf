"""Takes the README's pictures of the editor anew: the first workflow, ports, marked ports, the
sidebar tab of runs.

    python devtools/take_pictures.py

It starts the real ComfyUI in the cache folder and a browser, as the tests of `tests/browser` do.
Look at what it made in `docs/` before you commit it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from house import ROOT
from PIL import Image

sys.path.insert(0, str(ROOT / "tests"))

from support import package  # noqa: E402, F401  registers this clone as the package
from support.front_end import Editor, browser_or_reason, open_editor  # noqa: E402
from support.servers import own_data_folder, plain_server, real_servers  # noqa: E402

DOCS = ROOT / "docs"
LOOP = ROOT / "example_workflows" / "Ports in a loop.json"
FIRST = ROOT / "example_workflows" / "Sharpen a picture.json"
CARD_WIDTH = 720  # of a picture among the editor's templates
EXAMPLES = ROOT / "examples" / "workflows"
ITERATIONS = 7
VIEW: Any = {"width": 1480, "height": 800}
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Minimap.Visible": False,
    "Comfy.Queue.QPOV2": False,
}
# Pictures further down are loaded when they are scrolled to.
SHOWN = """() => [...document.querySelectorAll(".dr-panel img")]
    .filter((image) => image.getBoundingClientRect().top < window.innerHeight)
    .every((image) => image.complete && image.naturalWidth)"""
SHOWN_BY_NODES = """() => ["LoadImage", "SaveImage"].every((type) =>
    app.graph._nodes.find((node) => node.type === type).imgs?.[0]?.complete)"""
# Puts the graph where the tab leaves room for it.
BESIDE = """([x, y]) => {
    const { canvas } = app, box = canvas.canvas.getBoundingClientRect();
    const edge = (i) => Math.min(...app.graph._nodes.map((node) => node.pos[i]));
    canvas.ds.scale = 0.62;
    canvas.ds.offset = [(x - box.left) / 0.62 - edge(0), (y - box.top) / 0.62 - edge(1)];
}"""
RUNS_BUTTON = "Discomfort: runs from Python and in loops"


async def record_a_run() -> None:
    """What the sidebar tab is to show: a picture that is sharpened in a loop."""
    from custom_nodes.discomfort.discomfort import Discomfort

    async with await Discomfort.create(record="sharpen.py") as discomfort:
        with discomfort.Context() as context:
            opened = await discomfort.run(EXAMPLES / "open_example.json", record=False)
            values = {"picture": opened["picture"], "tone": "overlay", "tone_amount": 0.12}
            for i in range(ITERATIONS):
                values["detail"] = 0.004 * (i + 1)
                await discomfort.run(EXAMPLES / "enhance.json", values, context=context)
                values.pop("picture", None)


async def take_first(editor: Editor) -> None:
    """The workflow of the README's first script, as it is when it has run."""
    await editor.start_blank()
    await editor.load(json.loads(FIRST.read_text(encoding="utf-8")))
    await editor.queue()
    await editor.wait_for(SHOWN_BY_NODES)
    ids = [node["id"] for node in (await editor.workflow())["nodes"]]
    await editor.js("() => { app.canvas.ds.scale = 0.9; app.canvas.ds.offset = [160, 120] }")
    await editor.screenshot(DOCS / "first_workflow.png", *ids)
    with Image.open(DOCS / "first_workflow.png") as taken:
        card = taken.convert("RGB")
        card.thumbnail((CARD_WIDTH, CARD_WIDTH))
        card.save(FIRST.with_suffix(".jpg"), quality=90)


async def take_ports(editor: Editor) -> None:
    await editor.start_blank()
    await editor.load(json.loads(LOOP.read_text(encoding="utf-8")))
    ids = [node["id"] for node in (await editor.workflow())["nodes"]]
    await editor.js("() => { app.canvas.ds.scale = 0.7; app.canvas.ds.offset = [160, 300] }")
    await editor.screenshot(DOCS / "ports.png", *ids)


async def take_marked_ports(editor: Editor) -> None:
    await editor.start_blank()
    async with editor.vue():
        latent = await editor.add("EmptyLatentImage", (0, 20))
        await editor.add("DiscomfortPort", (0, 190))
        for y in (0, 190):
            port = await editor.add("DiscomfortPort", (340, y), unique_id="latent")
            await editor.connect(latent, 0, port, "input_data")
        ids = [node["id"] for node in (await editor.workflow())["nodes"]]
        await editor.frame()
        badge = editor.page.get_by_text("OUTPUT: latent is doubled", exact=True)
        await badge.nth(1).wait_for()
        await editor.screenshot(DOCS / "ports_marked.png", *ids, margin=20)


async def take_runs(editor: Editor) -> None:
    await editor.start_blank()
    page = editor.page
    await page.get_by_role("button", name=RUNS_BUTTON).click()
    panel = page.locator(".dr-panel")
    await panel.get_by_role("button", name="sharpen.py").click()
    await panel.locator("tbody tr").nth(ITERATIONS - 1).wait_for()
    edge = page.locator(".p-splitter-gutter").first
    box = await edge.bounding_box()
    assert box
    await page.mouse.move(box["x"] + 1, 400)
    await page.mouse.down()
    await page.mouse.move(655, 400, steps=5)
    await page.mouse.up()
    await panel.get_by_role("button", name="Open enhance.json").click()
    await editor.wait_for("() => app.graph._nodes.some((n) => n.type === 'ImageSharpen')")
    await editor.js(BESIDE, [690, 180])
    await page.mouse.move(900, 700)
    await editor.wait_for(SHOWN)
    await editor.screenshot(DOCS / "runs_panel.png")


async def take_all(address: str, base: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        browser, reason = await browser_or_reason(stack)
        if browser is None:
            raise SystemExit(reason)
        for take in (take_first, take_runs, take_ports, take_marked_ports):
            context = await browser.new_context(viewport=VIEW, color_scheme="dark")
            await take(await open_editor(context, address, base))
            await context.close()


def main() -> None:
    servers = real_servers()
    if not servers:
        raise SystemExit("There is no real ComfyUI in the cache folder; see CONTRIBUTING.md.")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        base = Path(folder)
        own_data_folder(patch, base / "data")
        patch.setenv("COMFYUI_PATH", str(servers[0].path))
        settings = base / "user" / "default" / "comfy.settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
        (base / "input").mkdir()
        shutil.copy(servers[0].path / "input" / "example.png", base / "input")
        asyncio.run(record_a_run())
        with plain_server(servers[0], base, with_extension=True) as (address, _):
            asyncio.run(take_all(address, base))


if __name__ == "__main__":
    main()
