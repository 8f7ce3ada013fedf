"""run(): other tools' markers act like ports, and like nothing where they are given nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import ExecutionError
from support.prompts import port


def empty(title: str, **more: Any) -> dict[str, Any]:
    inputs = {"width": 16, "height": 8, "batch_size": 1, "color": 255, **more}
    return {"class_type": "EmptyImage", "inputs": inputs, "_meta": {"title": title}}


def node(kind: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}


KIT = {
    "1": empty("Size, $width!, $tall.height"),
    "2": node("ImageInvert", "$picture.image", image=["1", 0]),
    "3": node("PreviewImage", "$output.cover", images=["2", 0]),
}


def shape(results: dict[str, Any]) -> tuple[int, ...]:
    return tuple(results["cover"].shape[1:3])


async def test_a_marker_that_is_given_nothing_changes_nothing(discomfort):
    assert shape(await discomfort.run(KIT)) == (8, 16)


async def test_a_marker_takes_a_value_and_gives_one(discomfort):
    results = await discomfort.run(KIT, {"width": 24, "tall": 40})
    assert set(results) == {"cover"} and shape(results) == (40, 24)


async def test_a_marked_socket_takes_a_picture_in_place_of_its_link(discomfort):
    picture = torch.rand(1, 4, 6, 3)
    results = await discomfort.run(KIT, {"picture": picture})
    assert torch.allclose(results["cover"], 1 - picture)


async def test_what_is_given_to_a_marker_is_kept_in_the_context(discomfort):
    with discomfort.Context() as context:
        await discomfort.run(KIT, {"width": 24}, context=context)
        assert context.load("width") == 24
        assert shape(await discomfort.run(KIT, context=context)) == (8, 24)


async def test_a_marked_output_feeds_a_marked_input_in_a_loop(discomfort):
    loop = {
        "1": empty("Picture", color=0),
        "2": node("ImageInvert", "$it.image", image=["1", 0]),
        "3": node("PreviewImage", "$output.it", images=["2", 0]),
    }
    with discomfort.Context() as context:
        first = await discomfort.run(loop, context=context)
        assert torch.equal(first["it"], torch.ones(1, 8, 16, 3))
        second = await discomfort.run(loop, iterations=2, context=context)
        assert torch.equal(second["it"], torch.ones(1, 8, 16, 3))


async def test_an_address_takes_the_place_of_a_marker_of_the_same_input(discomfort):
    results = await discomfort.run(KIT, {"1.width": 32})
    assert shape(results) == (8, 32)


async def test_a_plan_says_what_a_marker_has(discomfort):
    plan = await discomfort.plan(KIT, {"width": 24})
    hows = {p.unique_id: p.how for p in plan.workflows[0].ports}
    assert hows == {"width": "literal", "tall": "default", "picture": "default", "cover": "save"}
    assert not plan.missing


async def test_a_refused_value_names_the_node_and_the_input(discomfort):
    with pytest.raises(ExecutionError, match=r"the address 'width'"):
        await discomfort.run(KIT, {"width": 10**9})


async def test_a_refused_value_of_the_file_is_not_said_to_be_given(discomfort):
    wide = {**KIT, "1": empty("Size, $width!, $tall.height", width=10**9)}
    with pytest.raises(ExecutionError) as caught:
        await discomfort.run(wide)
    assert "inputs[" not in str(caught.value) and "width" in str(caught.value)


async def test_nodes_see_what_a_marker_was_given_typed_in(discomfort):
    seen = {
        "1": node("StubSees", "$word.nonce", nonce="as in the file"),
        "2": port("seen", ["1", 0]),
    }
    assert "as in the file" in (await discomfort.run(seen))["seen"]
    told = (await discomfort.run(seen, {"word": "given now"}))["seen"]
    assert "given now" in told and "discomfort-marker" not in told


REFERENCE = {
    "nodes": [
        {
            "id": 1,
            "type": "StubLoadModel",
            "title": "$model.name",
            "outputs": [
                {"name": "MODEL", "type": "MODEL", "links": [1]},
                {"name": "CLIP", "type": "CLIP", "links": []},
            ],
            "widgets_values": ["marked-file"],
        },
        {
            "id": 2,
            "type": "DiscomfortPort",
            "inputs": [{"name": "input_data", "type": "*", "link": 1}],
            "outputs": [{"name": "*", "type": "*", "links": []}],
            "widgets_values": ["marked_model", ""],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "MODEL"]],
}
USE = {
    "1": port("marked_model"),
    "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 1}},
    "4": port("told", ["3", 0]),
}


async def test_what_a_marker_was_given_is_frozen_into_a_reference(discomfort):
    with discomfort.Context() as context:
        given = await discomfort.run([REFERENCE, USE], {"model": "marked-given"}, context=context)
        assert given["told"].startswith("marked-given")
        assert "marked-given" in json.dumps(context.load("marked_model"))
        again = await discomfort.run(USE, context=context)
        assert again["told"].startswith("marked-given")
    plain = await discomfort.run([REFERENCE, USE])
    assert plain["told"].startswith("marked-file")


async def test_the_object_inspects_by_the_classes_of_its_worker(discomfort):
    await discomfort.run(KIT)
    found = discomfort.inspect(KIT)
    assert {p.name: p.mode for p in found.ports} == {
        "width": "input",
        "tall": "input",
        "picture": "input",
        "cover": "output",
    }
    assert not found.notes and not found.problems
