"""What the port's look costs in the editor: a frame of a workflow of 500 nodes.

    python bench/editor.py [how many of the 500 are ports, 50] [ComfyUI's folder]

Two pages of one browser show the same workflow on one real ComfyUI: one with this extension's
scripts, one for which they are not there. They take turns, and the quickest frame counts,
so that other programs on the machine disturb little. Also measured: one look at all ports, which
follows a change and no frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import _project  # noqa: F401
from support.front_end import browser_or_reason, open_editor
from support.servers import Server, plain_server, real_servers

ROUNDS, FRAMES = 20, 15
PAIRS = 250

BUILD = """async ([pairs, ports]) => {
    const side = 20;
    for (let i = 0; i < pairs; i++) {
        const at = [(i % side) * 620, Math.floor(i / side) * 180];
        const isPort = i % Math.round(pairs / ports) === 0;
        const port = LiteGraph.createNode(isPort ? "DiscomfortPort" : "ImageInvert");
        const invert = LiteGraph.createNode("ImageInvert");
        port.pos = at;
        invert.pos = [at[0] + 320, at[1]];
        app.graph.add(port);
        app.graph.add(invert);
        if (isPort) port.widgets[0].value = `value ${i}`;
        port.connect(0, invert, 0);
    }
    app.canvas.ds.scale = 0.55;
    app.canvas.ds.offset = [0, 80];
    window.dispatchEvent(new MouseEvent("mouseup"));
    await new Promise((go) => setTimeout(go, 1000));
    return app.graph._nodes.length;
}"""
DRAW = """(frames) => {
    let best = Infinity;
    for (let i = 0; i < frames; i++) {
        const start = performance.now();
        app.canvas.draw(true, true);
        best = Math.min(best, performance.now() - start);
    }
    return best;
}"""
LOOK = """async (times) => {
    const { findPorts } = await import("/extensions/discomfort/ports/find_ports.js");
    const start = performance.now();
    for (let i = 0; i < times; i++) findPorts(app.graph);
    return (performance.now() - start) / times;
}"""


async def open_page(browser: Any, address: str, base: Path, ports: int, has_extension: bool) -> Any:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    if not has_extension:
        await context.route("**/extensions/discomfort/**", lambda route: route.abort())
    editor = await open_editor(context, address, base)
    await editor.start_blank()
    assert await editor.js(BUILD, [PAIRS, ports]) == 2 * PAIRS
    badges = await editor.js("() => app.graph._nodes[0].badges.length")
    assert badges == (2 if has_extension else 1), badges
    return editor


async def measure(address: str, base: Path, ports: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        browser, reason = await browser_or_reason(stack)
        if browser is None:
            raise SystemExit(reason)
        pages = {
            kind: await open_page(browser, address, base, ports, kind) for kind in (True, False)
        }
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for kind, editor in pages.items():
                times[kind].append(await editor.js(DRAW, FRAMES))
        plain, ours = (min(times[kind]) for kind in (False, True))
        print(f"frame without the extension: {plain:.2f} ms; with it: {ours:.2f} ms")
        print(f"more: {ours - plain:.2f} ms (target: under 2 ms)")
        print(f"one look at all ports: {await pages[True].js(LOOK, 50):.2f} ms")


def main() -> None:
    ports = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    server = Server("asked", Path(sys.argv[2])) if len(sys.argv) > 2 else real_servers()[0]
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        settings = base / "user" / "default" / "comfy.settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}), encoding="utf-8")
        with plain_server(server, base, with_extension=True) as (address, _):
            print(f"{server.name}: {2 * PAIRS} nodes, {ports} of them ports")
            asyncio.run(measure(address, base, ports))


if __name__ == "__main__":
    main()
