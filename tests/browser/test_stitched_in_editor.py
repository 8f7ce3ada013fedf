"""Stitched workflows open in the editor as the files they came from do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.workflow_tools import WorkflowTools
from support.front_end import Editor
from support.opened_in_editor import assert_opens

WORKFLOWS = Path(__file__).resolve().parents[2] / "test_workflows"
CASES = {
    "a model in four files": ["load_model", "add_lora", "encode_text", "sample", "decode"],
    "a picture in four files": ["load_model", "encode", "sample_latent", "decode"],
    "a value handed on": ["pair_make", "pair_use", "pair_finish"],
    "a loop's two halves": ["loop_ping", "loop_pong", "loop_ping"],
    "subgraphs": ["subgraph_nested", "subgraph_ports_inside", "subgraph_across_edge"],
    "one definition in several files": ["subgraph_two_instances"] * 3,
    "reroutes and muted nodes": ["reroute", "muted_source", "bypassed_source", "mode_port_chain"],
}
cases = pytest.mark.parametrize("names", list(CASES.values()), ids=list(CASES))
FRAMES = """() => app.graph._groups.map((group) => {
    group.recomputeInsideNodes();
    return {title: group.title, nodes: group._nodes.map((n) => Number(n.id))};
})"""


def stitch(names: list[str], **options: bool) -> dict[str, Any]:
    return WorkflowTools().stitch_workflows([WORKFLOWS / f"{n}.json" for n in names], **options)


async def assert_stitched_opens(editor: Editor, stitched: dict[str, Any]) -> None:
    """The editor shows all of it, queues what our own conversion gives, and finds its ports."""
    shown = await assert_opens(editor, stitched["stitched_workflow"])
    found = WorkflowTools().discover_ports(shown)
    for side in ("inputs", "outputs"):
        assert found[side].keys() == stitched[side].keys()


@cases
async def test_it_opens_and_queues_what_our_conversion_gives(editor: Editor, names):
    stitched = stitch(names)
    await assert_stitched_opens(editor, stitched)
    frames = [f for f in await editor.js(FRAMES) if f["title"] in names]
    assert [frame["title"] for frame in frames] == names
    held = [sorted(frame["nodes"]) for frame in frames]
    assert sum(held, []) == sorted(n["id"] for n in stitched["stitched_workflow"]["nodes"])


@pytest.mark.parametrize("option", ["delete_input_ports", "delete_output_ports"])
@pytest.mark.parametrize("names", [CASES["a model in four files"], CASES["subgraphs"]])
async def test_it_opens_without_its_open_ports(editor: Editor, names, option):
    stitched = stitch(names, **{option: True})
    assert not stitched["inputs" if option == "delete_input_ports" else "outputs"]
    await assert_stitched_opens(editor, stitched)


async def test_different_definitions_of_one_id_stay_apart(editor: Editor):
    """The editor shows each instance with the inside that its own file gave it."""
    tools = WorkflowTools()
    first = tools.stitch_workflows([WORKFLOWS / "subgraph_promoted.json"])["stitched_workflow"]
    second = tools.stitch_workflows([WORKFLOWS / "subgraph_promoted.json"])["stitched_workflow"]
    inside = second["definitions"]["subgraphs"][0]
    inside["nodes"] = [{**n, "title": f"other {n['type']}"} for n in inside["nodes"]]
    inside["name"] = "the other"
    stitched = tools.stitch_workflows([first, second])
    await assert_stitched_opens(editor, stitched)
    names = await editor.js(
        "() => app.graph._nodes.filter((n) => n.subgraph).map((n) => n.subgraph.name)"
    )
    assert len(set(names)) == 2 and "the other" in names


async def test_a_stitched_workflow_runs_from_the_button(editor: Editor):
    """Ports pass their value on in the editor, joined ones as well."""
    stitched = stitch(["loop_ping", "loop_pong"])["stitched_workflow"]
    await editor.load(stitched)
    (text,) = [n["id"] for n in stitched["nodes"] if n["type"] == "DiscomfortPort"][:1]
    source = await editor.add("PrimitiveString", (-400, 0), value="go")
    show = await editor.add("PreviewAny", (3000, 0))
    last = [n["id"] for n in stitched["nodes"] if n["type"] == "DiscomfortPort"][-1]
    await editor.connect(source, 0, text, "input_data")
    await editor.connect(last, 0, show, "source")
    entry = await editor.queue()
    assert entry["outputs"][str(show)]["text"][0].startswith("go")
