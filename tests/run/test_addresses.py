"""Inputs and outputs by the names of nodes, results without OUTPUT ports, defaults: on servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import ValidationFailed, WorkflowError
from custom_nodes.discomfort.events import SeedsChanged
from support.prompts import port
from support.servers import wait_for


def node(
    node_id: int,
    kind: str,
    values: list,
    inputs: Sequence[Any] = (),
    links: Sequence[int] = (),
    **more: Any,
):
    """A node whose inputs are `(name, type, link)`, and `(name, type, link, True)` of a widget."""
    slots = [
        {"name": n, "type": t, "link": li, **({"widget": {"name": n}} if w else {})}
        for n, t, li, *w in inputs
    ]
    return {
        "id": node_id,
        "type": kind,
        "widgets_values": values,
        "inputs": slots,
        "outputs": [{"name": "o", "type": "*", "links": list(links)}],
        **more,
    }


def downloaded(width: int = 16) -> dict[str, Any]:
    """A workflow as it is downloaded: no ports."""
    nodes = [
        node(1, "EmptyImage", [width, 8, 1, 255], (), [1], title="Paper"),
        node(2, "ImageInvert", [], [("image", "IMAGE", 1)], [2]),
        node(3, "PreviewImage", [], [("images", "IMAGE", 2)], title="Picture"),
    ]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]
    return {"nodes": nodes, "links": links, "version": 0.4}


async def test_a_downloaded_workflow_gives_what_it_shows(discomfort):
    results = await discomfort.run(downloaded())
    assert list(results) == ["Picture"]
    assert results["Picture"].shape == (1, 8, 16, 3)
    assert results["Picture"][0, 0, 0].tolist() == [1.0, 1.0, 0.0]


async def test_widgets_are_given_by_title_class_and_id(discomfort):
    given = {"Paper.width": 32, "EmptyImage.height": 24, "1.batch_size": 2}
    results = await discomfort.run(downloaded(), given)
    assert results["Picture"].shape == (2, 24, 32, 3)


async def test_a_picture_takes_the_place_of_a_link(discomfort):
    picture = torch.full((1, 4, 4, 3), 0.25)
    results = await discomfort.run(downloaded(), {"ImageInvert.image": picture})
    assert torch.equal(results["Picture"], 1 - picture)


async def test_what_is_given_to_the_node_that_shows_it_comes_back(discomfort):
    picture = torch.full((1, 4, 4, 3), 0.25)
    results = await discomfort.run(downloaded(), {"Picture.images": picture})
    assert list(results) == ["Picture"] and torch.equal(results["Picture"], picture)


@pytest.mark.parametrize("asked", ["3", "Picture", "3.images"])
async def test_so_it_does_when_the_node_is_asked_for(discomfort, asked):
    picture = torch.full((1, 4, 4, 3), 0.25)
    results = await discomfort.run(downloaded(), {"3.images": picture}, outputs=[asked])
    assert torch.equal(results[asked], picture)


async def test_so_it_does_when_a_marker_names_the_node(discomfort):
    workflow, picture = downloaded(), torch.full((1, 4, 4, 3), 0.25)
    workflow["nodes"][2]["title"] = "$output.made"
    for options in ({}, {"randomize_seeds": True}):
        results = await discomfort.run(workflow, {"3.images": picture}, **options)
        assert list(results) == ["made"] and torch.equal(results["made"], picture)
    assert (await discomfort.run(workflow))["made"].shape == (1, 8, 16, 3)


async def test_a_port_whose_widget_an_address_takes_is_told(discomfort, caplog):
    with caplog.at_level(logging.WARNING, "discomfort.run"):
        results = await discomfort.run(seeded(), {"seed": 3, "PrimitiveInt.value": 4})
    assert results["out"] == 4 and "'seed' is given and not used" in caplog.text


async def test_a_picture_for_a_choice_says_where_it_goes(discomfort):
    load = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    with pytest.raises(WorkflowError, match="to the input that this node feeds"):
        await discomfort.run(load, {"LoadImage.image": torch.zeros(1, 4, 4, 3)})


async def test_outputs_are_had_by_name(discomfort):
    asked = ["Paper.IMAGE", "2", "Picture"]
    results = await discomfort.run(downloaded(), outputs=asked)
    assert list(results) == asked
    assert torch.equal(results["2"], 1 - results["Paper.IMAGE"])
    assert torch.equal(results["2"], results["Picture"])


async def test_an_address_leaves_nothing_behind(discomfort):
    with discomfort.Context() as context:
        picture = torch.full((1, 512, 512, 3), 0.25)
        given = {"2.image": picture, "Paper.width": 32}
        await discomfort.run(downloaded(), given, context=context)
        assert context.list_keys() == []
        assert context.get_usage()["ram_usage_bytes"] == 0
        results = await discomfort.run(downloaded(), context=context)
        assert results["Picture"].shape == (1, 8, 16, 3)


async def test_a_run_that_is_cancelled_while_a_picture_is_stored_leaves_nothing(discomfort):
    picture = torch.full((1, 2048, 2048, 3), 0.25)
    with discomfort.Context() as context:
        for _ in range(3):
            run = asyncio.ensure_future(
                discomfort.run(downloaded(), {"2.image": picture}, context=context)
            )
            await asyncio.sleep(0.01)
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run
        blocks = context.internal.store.blocks
        await wait_for(lambda: not blocks.has_pins, "the blocks to be let go of")


async def test_results_are_not_what_a_later_workflow_reads(discomfort):
    reader = {"1": port("Picture"), "2": port("copy", ["1", 0])}
    with pytest.raises(WorkflowError, match="'Picture'"):
        await discomfort.run([downloaded(), reader])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Paper.widht", "node 1 'Paper' .EmptyImage.: it has no input 'widht'. .*'width'"),
        ("ImageInvert.strength", "node 2 .*it has no input 'strength'"),
    ],
)
async def test_what_is_misspelt_is_refused_before_anything_runs(discomfort, name, says):
    events: list[Any] = []
    with pytest.raises(WorkflowError, match=says):
        await discomfort.run(downloaded(), {name: 1}, on_event=events.append)
    assert not events


async def test_a_name_that_names_nothing_is_warned_of_with_the_closest(discomfort, caplog):
    with caplog.at_level(logging.WARNING, "discomfort.run"):
        await discomfort.run(downloaded(), {"Papr.width": 32})
    assert "did you mean 'Paper.width'?" in caplog.text


async def test_a_stored_value_under_an_address_is_warned_of_and_not_used(discomfort, caplog):
    with discomfort.Context() as context:
        context.save("Paper.width", 32)
        with caplog.at_level(logging.WARNING, "discomfort.run"):
            results = await discomfort.run(downloaded(), context=context)
    assert results["Picture"].shape == (1, 8, 16, 3)
    assert "give it in inputs={'Paper.width': ...}" in caplog.text


async def test_saving_under_an_address_is_refused_once_it_is_known_as_one(discomfort):
    with discomfort.Context() as context:
        await discomfort.run(downloaded(), {"Paper.width": 32}, context=context)
        with pytest.raises(ValueError, match=r"address .* give it in inputs="):
            context.save("Paper.width", 32)
        context.save("Paper.height", 32)


async def test_a_wrong_value_names_the_node(discomfort):
    with pytest.raises(WorkflowError, match="node 1 'Paper' .*'Paper.width' is 3.5, but INT"):
        await discomfort.run(downloaded(), {"Paper.width": 3.5})


async def test_what_comfyui_refuses_names_the_address(discomfort):
    with pytest.raises(ValidationFailed, match="width comes from the address 'Paper.width'"):
        await discomfort.run(downloaded(), {"Paper.width": -1})
    assert (await discomfort.run(downloaded(), {"Paper.width": 24}))["Picture"].shape[2] == 24


async def test_ports_win(discomfort):
    workflow = downloaded()
    workflow["nodes"].append(node(9, "DiscomfortPort", ["Paper.width", ""], (), [3]))
    workflow["nodes"][0]["inputs"] = [
        {"name": "height", "type": "INT", "link": 3, "widget": {"name": "height"}}
    ]
    workflow["links"].append([3, 9, 0, 1, 0, "INT"])
    results = await discomfort.run(workflow, {"Paper.width": 40})
    assert results["Picture"].shape == (1, 40, 16, 3)


async def test_an_api_prompt_takes_addresses_too(discomfort):
    prompt = {
        "7": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
        },
        "8": {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}},
    }
    results = await discomfort.run(prompt, {"7.width": 24})
    assert results["PreviewImage"].shape == (1, 8, 24, 3)


async def test_a_plan_shows_addresses_as_ports(discomfort):
    plan = await discomfort.plan(downloaded(), {"Paper.width": 32}, outputs=["Paper"])
    hows = {p.unique_id: (p.how, p.value) for p in plan.workflows[0].ports}
    assert hows == {"Paper.width": ("literal", 32), "Paper": ("result", None)}
    assert not plan.given_bytes


async def test_an_address_is_frozen_into_a_reference(discomfort):
    load = {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": "in the file"}},
        "2": port("model", ["1", 0]),
    }
    use = {
        "1": port("model"),
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 0}},
        "5": port("told", ["3", 0]),
    }
    with discomfort.Context() as context:
        await discomfort.run(load, {"StubLoadModel.name": "given"}, context=context)
        assert "given" in str(context.load("model"))
        results = await discomfort.run(use, context=context)
    assert "given" in str(results["told"])


async def test_a_model_can_be_had_by_its_address_and_given_at_one(discomfort):
    load = {"1": {"class_type": "StubLoadModel", "inputs": {"name": "by address"}}}
    use = {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": "in the file"}},
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 0}},
        "5": port("told", ["3", 0]),
    }
    plan = await discomfort.plan(load, outputs=["1.MODEL"])
    assert [p.how for p in plan.workflows[0].ports] == ["keep"]
    made = await discomfort.run(load, outputs=["1.MODEL"])
    results = await discomfort.run(use, {"StubUseModel.model": made["1.MODEL"]})
    assert "by address" in str(results["told"])


def seeded(control: str = "randomize") -> dict[str, Any]:
    """An INPUT port "seed" that feeds the seed of a node, whose OUTPUT is "out"."""
    nodes = [
        node(9, "DiscomfortPort", ["seed", ""], (), [1]),
        node(1, "PrimitiveInt", [5, control], [("value", "INT", 1, True)], [2]),
        node(8, "DiscomfortPort", ["out", ""], [("input_data", "*", 2)]),
    ]
    return {"nodes": nodes, "links": [[1, 9, 0, 1, 0, "INT"], [2, 1, 0, 8, 0, "INT"]]}


async def test_a_port_that_is_given_nothing_has_the_value_in_the_file(discomfort):
    with discomfort.Context() as context:
        assert (await discomfort.run(seeded(), context=context))["out"] == 5
        assert context.list_keys() == ["out"]
        assert (await discomfort.run(seeded(), {"seed": 7}, context=context))["out"] == 7
        assert (await discomfort.run(seeded(), context=context))["out"] == 7


async def test_a_carried_value_wins_over_the_default(discomfort):
    workflow = seeded()
    workflow["nodes"][2]["widgets_values"] = ["seed", ""]
    adding = {"1": port("seed"), "2": {"class_type": "StubAdd", "inputs": {"a": ["1", 0], "b": 1}}}
    adding["3"] = port("seed", ["2", 0])
    results = await discomfort.run([workflow, adding], iterations=3)
    assert results["seed"] == 8


async def test_a_default_is_drawn_as_the_widget_is(discomfort):
    events: list[Any] = []
    options = {"randomize_seeds": True, "seed": 3, "on_event": events.append}
    drawn = (await discomfort.run(seeded(), **options))["out"]
    assert drawn != 5
    (changed,) = [e for e in events if isinstance(e, SeedsChanged)]
    assert list(changed.seeds.values()) == [drawn]
    assert (await discomfort.run(seeded("fixed"), **options))["out"] == 5
    assert (await discomfort.run(seeded(), {"seed": 7}, **options))["out"] == 7
    results = await discomfort.run(seeded("increment"), iterations=3, **options)
    assert results["out"] == 8


async def test_a_seed_that_is_given_at_an_address_is_not_drawn(discomfort):
    workflow = seeded()
    given = {"PrimitiveInt.value": 9}
    results = await discomfort.run(workflow, given, randomize_seeds=True, seed=3)
    assert results["out"] == 9


async def test_a_plan_says_what_a_default_is(discomfort):
    plan = await discomfort.plan(seeded())
    (line,) = [p for p in plan.workflows[0].ports if p.unique_id == "seed"]
    assert (line.how, line.value) == ("default", 5)
    assert "= 5 (as in the file)" in str(plan) and not plan.missing


@pytest.mark.parametrize("given", [[], "Picture", [1], [""]])
async def test_outputs_that_are_no_names_are_refused(discomfort, given):
    if given == []:
        assert await discomfort.run(downloaded(), outputs=given) == {}
        return
    with pytest.raises(TypeError, match="VAE Decode.IMAGE"):
        await discomfort.run(downloaded(), outputs=given)
