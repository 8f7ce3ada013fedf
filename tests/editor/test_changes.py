"""When a node that runs workflows is run again: when what is inside would give something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from .outer import READ_NAMED, Outer, loop, runner, show, workflow

Node = Callable[..., dict[str, Any]]
both_nodes = pytest.mark.parametrize(
    ("node", "slot"), [(runner, 0), (loop, 1)], ids=["runner", "loop"]
)


async def run(client, node: dict[str, Any], slot: int = 0, **others: Any) -> tuple[str, bool]:
    """What the node puts out, and whether ComfyUI had it already."""
    prompt = {"1": node, "2": show(["1", slot]), **others}
    result = await client.execute(prompt, timeout=90)
    return result.outputs["2"]["text"][0], "1" in result.cached


def paint(outer: Outer, name: str, value: int) -> None:
    Image.new("RGB", (8, 8), (value, value, value)).save(outer.base / "input" / name)


def write(outer: Outer, name: str, text: str) -> None:
    (outer.base / "input" / name).write_text(text, encoding="utf-8")


@both_nodes
async def test_a_changed_picture_inside_is_read_again_and_an_unchanged_one_is_not(
    client, outer: Outer, node: Node, slot: int
):
    paint(outer, "inside.png", 0)
    paint(outer, "unused.png", 0)
    prompt = {
        "1": node("load_picture.json"),
        "2": {"class_type": "StubDigest", "inputs": {"image": ["1", slot]}},
    }
    first = await client.execute(prompt, timeout=90)
    again = await client.execute(prompt, timeout=90)
    assert set(again.cached) == {"1", "2"}

    paint(outer, "unused.png", 255)  # nothing needs it, so nothing would read it
    assert "1" in (await client.execute(prompt, timeout=90)).cached

    paint(outer, "inside.png", 255)
    changed = await client.execute(prompt, timeout=90)
    assert "1" not in changed.cached
    assert changed.outputs["2"]["digest"] != first.outputs["2"]["digest"]


@both_nodes
async def test_a_node_inside_that_always_runs_makes_it_run_always(client, node: Node, slot: int):
    for _ in range(3):
        _, is_cached = await run(client, node("always.json"), slot)
        assert not is_cached


@pytest.mark.parametrize("kind", ["StubReadText", "StubReadTextV3"])
async def test_nodes_are_asked_in_either_form(client, outer: Outer, kind: str):
    made = workflow(
        (kind, ["told.txt"], {}, ["STRING"]),
        ("DiscomfortPort", ["text", ""], {"input_data": (1, 0, "STRING")}, ["*"]),
    )
    (outer.workflows / f"{kind}.json").write_text(json.dumps(made), encoding="utf-8")
    write(outer, "told.txt", "before")
    assert await run(client, runner(f"{kind}.json")) == ("before", False)
    assert await run(client, runner(f"{kind}.json")) == ("before", True)
    write(outer, "told.txt", "after")
    assert await run(client, runner(f"{kind}.json")) == ("after", False)


@both_nodes
async def test_a_node_is_asked_about_the_constant_that_its_port_gets(
    client, outer: Outer, node: Node, slot: int
):
    write(outer, "named.txt", "before")
    asked = node("read_named.json", values="name = named.txt")
    await run(client, asked, slot)
    assert await run(client, asked, slot) == ("before", True)
    write(outer, "named.txt", "after")
    assert await run(client, asked, slot) == ("after", False)


async def test_what_is_read_in_a_later_iteration_counts_too(client, outer: Outer):
    write(outer, "first.txt", "second.txt")
    write(outer, "second.txt", "before")
    asked = loop("follow.json", values="name = first.txt", iterations=2)
    assert await run(client, asked, 1) == ("before", False)
    write(outer, "second.txt", "after")
    assert await run(client, asked, 1) == ("after", False)


async def test_a_node_that_reads_what_comes_through_a_link_runs_always(client, outer: Outer):
    write(outer, "linked.txt", "text")
    name = {"class_type": "PrimitiveString", "inputs": {"value": "linked.txt"}}
    for _ in range(2):  # as ComfyUI's own LoadImage does whose file name is linked
        asked = runner("read_named.json", input_1=["3", 0])
        assert await run(client, asked, 0, **{"3": name}) == ("text", False)


async def test_a_workflow_whose_name_comes_through_a_link_runs_always(client, outer: Outer):
    write(outer, "still.txt", "text")
    name = {"class_type": "PrimitiveString", "inputs": {"value": "read_named.json"}}
    for _ in range(2):
        asked = runner(["3", 0], values="name = still.txt")
        assert await run(client, asked, 0, **{"3": name}) == ("text", False)


@pytest.mark.parametrize("mode", [2, 4], ids=["muted", "bypassed"])
async def test_a_node_that_is_switched_off_is_not_asked(client, outer: Outer, mode: int):
    made = workflow(
        ("StubReadText", ["off.txt"], {}, ["STRING"]),
        ("StringConcatenate", ["", "always", ""], {"string_a": (1, 0, "STRING")}, ["STRING"]),
        ("DiscomfortPort", ["text", ""], {"input_data": (2, 0, "STRING")}, ["*"]),
    )
    made["nodes"][0]["mode"] = mode
    (outer.workflows / "off.json").write_text(json.dumps(made), encoding="utf-8")
    write(outer, "off.txt", "before")
    await run(client, runner("off.json"))
    write(outer, "off.txt", f"after {mode}")
    assert await run(client, runner("off.json")) == ("always", True)


async def test_a_node_that_is_only_moved_changes_nothing(client, outer: Outer):
    write(outer, "still.txt", "text")
    path = outer.workflows / "moved.json"
    path.write_text(json.dumps(READ_NAMED), encoding="utf-8")
    asked = runner("moved.json", values="name = still.txt")
    await run(client, asked)
    moved = json.loads(json.dumps(READ_NAMED))
    moved["nodes"][1]["pos"] = [0, 0]
    path.write_text(json.dumps(moved), encoding="utf-8")
    assert await run(client, asked) == ("text", True)
