"""run(): values in and out, loops, several workflows, concurrent runs."""

from __future__ import annotations

import asyncio
import logging

import numpy
import pytest
import torch
from custom_nodes.discomfort.errors import MissingInputError


def blue(height: int, width: int) -> torch.Tensor:
    picture = torch.zeros(1, height, width, 3)
    picture[..., 2] = 1
    return picture


@pytest.mark.parametrize(
    ("workflow", "inputs", "expected"),
    [
        ("type_int", {"number": 41}, {"same_number": 41}),
        ("type_int", {"number": numpy.int64(41)}, {"same_number": 41}),
        ("type_float", {"number": 0.25}, {"same_number": 0.25}),
        ("type_int", {"number": 41.0}, {"same_number": 41}),
        ("type_int", {"number": "41"}, {"same_number": 41}),
        ("type_boolean", {"flag": False}, {"same_flag": False}),
        ("type_boolean", {"flag": 1}, {"same_flag": True}),
        ("type_boolean", {"flag": numpy.bool_(True)}, {"same_flag": True}),
    ],
)
async def test_a_scalar_goes_in_and_comes_out(discomfort, workflows, workflow, inputs, expected):
    results = await discomfort.run(workflows / f"{workflow}.json", inputs)
    assert results == expected
    assert [type(v) for v in results.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize("value", [["A", 1], ["A", "B", True]])
async def test_a_list_for_a_port_of_text_is_one_text(discomfort, workflows, value):
    """Whether it goes through the prompt, or through a loader as what looks like a link does."""
    results = await discomfort.run(workflows / "loop_text.json", {"text": value})
    assert results["text"] == f"{value}."


async def test_a_picture_goes_in_and_comes_out(discomfort, workflows):
    picture = torch.rand(2, 48, 64, 3)
    results = await discomfort.run(workflows / "type_image.json", {"picture": picture})
    assert torch.equal(results["inverted"], 1.0 - picture)


async def test_a_numpy_picture_of_bytes_is_made_a_comfyui_picture(discomfort, workflows):
    picture = numpy.full((8, 16, 3), 255, dtype=numpy.uint8)
    results = await discomfort.run(workflows / "type_image.json", {"picture": picture})
    assert torch.equal(results["inverted"], torch.zeros(1, 8, 16, 3))


async def test_changing_a_result_changes_nothing_in_the_context(discomfort, workflows):
    with discomfort.Context() as context:
        results = await discomfort.run(workflows / "pair_make.json", context=context)
        assert torch.equal(results["picture"], blue(64, 64))
        results["picture"].fill_(0.5)
        assert torch.equal(context.load("picture"), blue(64, 64))


async def test_results_outlive_the_temporary_context(discomfort, workflows):
    results = await discomfort.run(workflows / "pair_make.json")
    await discomfort.run(workflows / "pair_make.json")
    assert torch.equal(results["picture"], blue(64, 64))
    assert results["amount"] == 0.25


async def test_what_one_workflow_saves_the_next_reads(discomfort, workflows):
    parts = [workflows / f"pair_{name}.json" for name in ("make", "use", "finish")]
    results = await discomfort.run(parts)
    assert set(results) == {"picture", "amount", "mixed", "small"}
    assert results["small"].shape == (1, 32, 32, 3)


async def test_a_loop_carries_a_value(discomfort, workflows):
    results = await discomfort.run(workflows / "loop_text.json", {"text": "a"}, iterations=5)
    assert results == {"text": "a.....", "length": 6}


async def test_a_loop_over_two_workflows_alternates(discomfort, workflows):
    both = [workflows / "loop_ping.json", workflows / "loop_pong.json"]
    results = await discomfort.run(both, {"text": ""}, iterations=2)
    assert results["text"].split() == ["ping", "pong", "ping", "pong"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_until_ends_the_iterations(discomfort, workflows, is_async):
    def is_long(context) -> bool:
        return len(context.load("text")) >= 4

    async def is_long_async(context) -> bool:
        await asyncio.sleep(0)
        return is_long(context)

    results = await discomfort.run(
        workflows / "loop_text.json",
        {"text": ""},
        iterations=None,
        until=is_long_async if is_async else is_long,
    )
    assert results["text"] == "...."


async def test_concurrent_runs_get_their_own_results(discomfort, workflows):
    runs = [
        discomfort.run(workflows / "loop_text.json", {"text": str(i)}, iterations=3)
        for i in range(8)
    ]
    results = await asyncio.gather(*runs)
    assert [r["text"] for r in results] == [f"{i}..." for i in range(8)]


async def test_concurrent_runs_on_one_context_get_their_own_results(discomfort, workflows):
    with discomfort.Context() as context:

        async def one(value: float) -> float:
            picture = torch.full((1, 256, 256, 3), value)
            inputs = {"picture": picture}
            results = await discomfort.run(workflows / "type_image.json", inputs, context=context)
            return float(results["inverted"].mean())

        found = await asyncio.gather(*(one(i / 8) for i in range(8)))
    # They share the keys: an input may be replaced before it is used, a result never.
    assert all(round((1 - value) * 8, 6).is_integer() for value in found)


async def test_a_comfyui_list_comes_out_whole_and_goes_in_again(discomfort, workflows):
    inputs = {"pictures": torch.rand(3, 8, 8, 3)}
    with discomfort.Context() as context:
        results = await discomfort.run(workflows / "type_list_out.json", inputs, context=context)
        pictures = results["picture_list"]
        assert [item.shape for item in pictures] == [(1, 8, 8, 3)] * 3
        # As a list that the context kept, and as one that Python gives.
        for given in ({}, {"picture_list": pictures}):
            back = await discomfort.run(workflows / "type_list_in.json", given, context=context)
            assert len(back["inverted_list"]) == 3
            assert torch.equal(back["inverted_list"][1], 1 - pictures[1])


@pytest.mark.parametrize("value", [["label", 0.9], ["1", 0], ["zz", True], [], [1, 2], (1, "x")])
async def test_a_list_that_looks_like_a_link_is_a_value(discomfort, workflows, value):
    results = await discomfort.run(workflows / "mode_port_to_port.json", {"text": value})
    assert results == {"same_text": value} and type(results["same_text"]) is type(value)


async def test_a_workflow_dict_and_a_prompt_run_like_a_file(discomfort, workflows):
    import json

    path = workflows / "loop_text.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    prompt = await discomfort.Worker.get_prompt_from_workflow(data)
    for source in (path, str(path), data, prompt, [data]):
        assert await discomfort.run(source, {"text": "x"}) == {"text": "x.", "length": 2}


async def test_the_api_prompt_with_ports_runs(discomfort, workflows):
    from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
    from custom_nodes.discomfort.workflow_tools import read_workflow

    prompt = read_workflow(workflows / "api_prompt.json")
    info = await discomfort.Worker.object_info_index()
    ports = find_ports_in_prompt(prompt, info)
    values = {"INT": 2, "FLOAT": 0.5, "STRING": "x", "IMAGE": torch.rand(1, 16, 16, 3)}
    inputs = {uid: values[ports.input_type(uid)] for uid in ports.inputs}
    results = await discomfort.run(prompt, inputs)
    assert set(results) == set(ports.outputs)


async def test_use_ram_false_keeps_values_on_disk(discomfort, workflows):
    with discomfort.Context() as context:
        await discomfort.run(workflows / "pair_make.json", use_ram=False, context=context)
        info = context.get_storage_info("picture")
        assert info["storage_type"] == "disk"
        assert torch.equal(context.load("picture"), blue(64, 64))


async def test_missing_values_are_named_all_at_once_and_nothing_is_queued(discomfort, workflows):
    events = []
    with pytest.raises(MissingInputError) as caught:
        await discomfort.run(
            [workflows / "pair_use.json", workflows / "loop_image.json"], on_event=events.append
        )
    text = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert "'picture' of type IMAGE" in text and "pair_use.json" in text
    assert "'amount'" not in text  # it has a default: what its widget has in the file
    assert "loop_image.json" in text
    assert not events


async def test_an_input_nobody_asks_for_is_warned_of(discomfort, workflows, caplog):
    with caplog.at_level(logging.WARNING, "discomfort.run"):
        await discomfort.run(workflows / "loop_text.json", {"text": "x", "txet": 1})
    assert "'txet'" in caplog.text and "did you mean 'text'?" in caplog.text


async def test_many_inputs_that_nobody_asks_for_are_one_short_warning(
    discomfort, workflows, caplog
):
    inputs = {"text": "x", **{f"spare {i}": i for i in range(300)}}
    with caplog.at_level(logging.WARNING, "discomfort.run"):
        await discomfort.run(workflows / "loop_text.json", inputs)
    (warning,) = (r.getMessage() for r in caplog.records if r.name == "discomfort.run")
    assert "'spare 9'" in warning and "'spare 10'" not in warning
    assert "and 290 more; they are stored but not used" in warning
    plan = await discomfort.plan(workflows / "loop_text.json", inputs)
    assert plan.notes == (warning,)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"workflows": 3}, TypeError),
        ({"workflows": []}, ValueError),
        ({"workflows": [3]}, TypeError),
        ({"workflows": "nowhere.json"}, FileNotFoundError),
        ({"workflows": {"no": "workflow"}}, ValueError),
        ({"inputs": ["x"]}, TypeError),
        ({"inputs": {"": 1}}, ValueError),
        ({"inputs": {3: 1}}, TypeError),
        ({"iterations": 0}, ValueError),
        ({"iterations": None}, ValueError),
        ({"iterations": "3"}, TypeError),
        ({"iterations": True}, TypeError),
        ({"until": 3}, TypeError),
        ({"on_event": asyncio.sleep}, TypeError),
        ({"context": "x"}, TypeError),
        ({"timeout": "5"}, TypeError),
        ({"seed": 1.5}, TypeError),
        ({"seed": True}, TypeError),
        ({"use_ram": "no"}, TypeError),
        ({"randomize_seeds": 1}, TypeError),
        ({"progress": "x"}, TypeError),
        ({"workflows": b"abc"}, TypeError),
        ({"workflows": ""}, FileNotFoundError),
        ({"timeout": 0}, ValueError),
        ({"retries": -1}, ValueError),
    ],
)
async def test_a_wrong_argument_is_refused_and_the_next_run_works(
    discomfort, workflows, arguments, error
):
    good = {"workflows": workflows / "loop_text.json", "inputs": {"text": "x"}}
    with pytest.raises(error):
        await discomfort.run(**{**good, **arguments})
    assert (await discomfort.run(**good))["text"] == "x."


async def test_nothing_is_run_again_that_did_not_change(discomfort, workflows):
    """A literal is cached by ComfyUI as if typed in, a loaded value by its version."""
    from custom_nodes.discomfort.worker.client.events import NodeStarted

    with discomfort.Context() as context:
        context.save("picture", torch.rand(1, 16, 16, 3))
        started: list[list[str]] = []
        for _ in range(2):
            events: list = []
            await discomfort.run(
                workflows / "range_int.json",
                {"radius": 3},
                context=context,
                on_event=events.append,
            )
            started.append([e.node_type for e in events if isinstance(e, NodeStarted)])
    assert "ImageBlur" in started[0]
    assert started[1] == ["DiscomfortContextSaver"]


async def test_a_picture_that_comfyui_saves_holds_its_workflow_and_runs_again(
    discomfort, workflows
):
    from pathlib import Path

    from custom_nodes.discomfort.worker.client.events import OutputLanded

    events: list = []
    inputs = {"picture": blue(16, 16), "prefix": "kept"}
    await discomfort.run(workflows / "save_image.json", inputs, on_event=events.append)
    (saved,) = next(e.output["images"] for e in events if isinstance(e, OutputLanded))
    folders = await _folders(discomfort)
    path = Path(folders["output"], saved["subfolder"], saved["filename"])
    found = discomfort.Tools.workflow_from_image(path)
    original = discomfort.Tools.discover_ports(workflows / "save_image.json")
    assert discomfort.Tools.discover_ports(found)["inputs"] == original["inputs"]
    await discomfort.run(path, inputs)
    prompts = [
        await discomfort.Worker.get_prompt_from_workflow(source)
        for source in (path, workflows / "save_image.json")
    ]
    assert prompts[0] == prompts[1]


async def _folders(discomfort) -> dict[str, str]:
    import aiohttp

    worker = discomfort.Worker
    async with (
        aiohttp.ClientSession(headers=worker.auth_headers) as session,
        session.get(f"{worker.server_address}/discomfort/hello") as reply,
    ):
        return (await reply.json())["folders"]


def seeded(workflows, control: str) -> dict:
    """The number 5 with this control beside it goes out as `same_number`."""
    import json

    data = json.loads((workflows / "type_int.json").read_text(encoding="utf-8"))
    for node in data["nodes"]:
        if node["type"] == "PrimitiveInt":
            node["widgets_values"] = [5, control]
            for slot in node["inputs"]:
                slot["link"] = None
    data["links"] = [link for link in data["links"] if link[3] != 2]
    data["nodes"] = [node for node in data["nodes"] if node["id"] != 1]
    return data


async def test_a_seed_has_the_value_in_the_file(discomfort, workflows):
    results = await discomfort.run(seeded(workflows, "randomize"), iterations=2)
    assert results == {"same_number": 5}


async def test_seeds_change_on_request_as_the_editor_changes_them(discomfort, workflows):
    results = await discomfort.run(
        seeded(workflows, "increment"), iterations=3, randomize_seeds=True
    )
    assert results == {"same_number": 8}
    results = await discomfort.run(seeded(workflows, "fixed"), randomize_seeds=True)
    assert results == {"same_number": 5}


async def test_changed_seeds_are_told_and_repeatable(discomfort, workflows):
    from custom_nodes.discomfort.events import SeedsChanged

    drawn: list[list[int]] = []
    for _ in range(2):
        events: list = []
        results = await discomfort.run(
            seeded(workflows, "randomize"),
            iterations=3,
            randomize_seeds=True,
            seed=7,
            on_event=events.append,
        )
        told = [e.seeds["2", "value"] for e in events if isinstance(e, SeedsChanged)]
        assert told[-1] == results["same_number"]
        drawn.append(told)
    assert drawn[0] == drawn[1] and len(set(drawn[0])) == 3
