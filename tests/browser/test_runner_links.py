"""Links of nodes that run workflows, which have several sockets of one type, when a workflow is
opened and saved.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.flow import Flow
from support.front_end import Editor
from support.runner_nodes import sockets_are

pytestmark = pytest.mark.every_front_end

HERE = Path(__file__).resolve().parent
NAME = "three_pictures.json"
INPUTS, OUTPUTS = ["a", "b", "c"], ["x", "y", "z"]


def save_three_pictures(base: Path) -> None:
    """A workflow with three pictures in and three out."""
    flow = Flow()
    for a, x in zip(INPUTS, OUTPUTS, strict=True):
        flow.port(x, flow.node("ImageInvert", flow.port(a), names=("image",)))
    text = json.dumps(flow.json()).replace('"T"', '"IMAGE"')
    (base / "user" / "default" / "workflows" / NAME).write_text(text, encoding="utf-8")


async def two_runners(editor: Editor) -> tuple[int, int]:
    """A runner that feeds a loop. Between connected sockets are others that are not."""
    save_three_pictures(editor.base)
    first, second, third = [
        await editor.add("EmptyImage", (0, 250 * i), width=101 + i) for i in range(3)
    ]
    runner = await editor.add("DiscomfortTestRunner", (300, 0))
    await editor.set_widget(runner, "workflow", NAME)
    await sockets_are(editor, runner, INPUTS, OUTPUTS)
    loop = await editor.add("DiscomfortLoopExecutor", (700, 0))
    await editor.set_widget(loop, "workflows", NAME)
    await sockets_are(editor, loop, INPUTS, OUTPUTS)
    shown = [await editor.add("PreviewImage", (1100, 300 * i)) for i in range(2)]
    await editor.connect(first, 0, runner, "input_1")
    await editor.connect(second, 0, runner, "input_3")
    await editor.connect(runner, 2, loop, "input_2")
    await editor.connect(third, 0, loop, "input_3")
    await editor.connect(runner, 1, shown[0], "images")
    await editor.connect(loop, "output_3", shown[1], "images")
    return runner, loop


def links_of(graph: dict[str, Any]) -> set[tuple[str, int, str, str]]:
    """From which output to which input, by its name; both ends of each link must agree on it."""
    nodes = {str(node["id"]): node for node in graph["nodes"]}
    found = set()
    for link in graph["links"]:
        if isinstance(link, dict):  # inside a subgraph
            keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            link = [link[key] for key in keys]
        link_id, origin, output, target, entry = link[:5]
        name = str(entry)
        if str(target) in nodes:
            slot = nodes[str(target)]["inputs"][entry]
            assert slot["link"] == link_id
            name = slot["name"]
        if str(origin) in nodes:
            assert link_id in nodes[str(origin)]["outputs"][output]["links"]
        found.add((str(origin), output, str(target), name))
    return found


def all_links(workflow: dict[str, Any]) -> list[set[tuple[str, int, str, str]]]:
    inner = workflow.get("definitions", {}).get("subgraphs", [])
    return [links_of(graph) for graph in (workflow, *inner)]


@pytest.mark.parametrize("is_inside", [False, True], ids=["root", "subgraph"])
async def test_links_stay_however_often_a_workflow_is_saved_and_opened(drawn: Editor, is_inside):
    runner, loop = await two_runners(drawn)
    if is_inside:
        await drawn.select(runner, loop)
        convert = "Comfy.Graph.ConvertToSubgraph"
        await drawn.js("(name) => app.extensionManager.command.execute(name)", convert)
        await drawn.wait_for("() => app.graph._nodes.some((n) => n.subgraph)")
        await drawn.frame()
    prompt, links = await drawn.prompt(), all_links(await drawn.workflow())
    given = {
        tuple(node["inputs"]["width"] for node in prompt.values() if "width" in node["inputs"])
    }
    assert given == {(101, 102, 103)}
    assert sum(map(len, links)) == (11 if is_inside else 6)
    name = f"{'vue' if await drawn.js('() => LiteGraph.vueNodesMode') else 'classic'} {is_inside}"
    for number in range(3):
        saved = await drawn.save_and_reload(f"{name} {number}")
        await drawn.frame()
        assert all_links(saved) == links
        assert all_links(await drawn.workflow()) == links
        assert await drawn.prompt() == prompt
