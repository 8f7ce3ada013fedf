"""run(): a wrong workflow says which node, in ComfyUI's own words, and the next run works."""

from __future__ import annotations

import asyncio
import json
import operator
import pickle
from functools import partial

import pytest
import torch
from custom_nodes.discomfort.errors import (
    ExecutionError,
    MissingInputError,
    NodeFailed,
    RunTimeout,
    ValidationFailed,
    WorkflowError,
)
from custom_nodes.discomfort.worker.client.events import Queued

PICTURE = torch.rand(1, 64, 64, 3)


@pytest.fixture
async def good_run(discomfort, workflows):
    """After the error in a test: the same worker still works."""
    yield
    results = await discomfort.run(workflows / "loop_text.json", {"text": "x"})
    assert results["text"] == "x."


@pytest.mark.parametrize(
    ("workflow", "error", "words"),
    [
        ("error_doubled_output", WorkflowError, "same unique_id"),
        ("error_doubled_in_instances", WorkflowError, "same unique_id"),
        ("error_empty_id", WorkflowError, "no unique_id"),
        ("error_unknown_node", WorkflowError, "NodeThatNobodyHas"),
        ("error_broken_link", WorkflowError, "link"),
        ("error_value_out_of_range", ValidationFailed, "31"),
        ("error_file_not_found", ValidationFailed, "image"),
        ("error_wrong_type", ValidationFailed, "MASK"),
        ("error_missing_input", ValidationFailed, "Blur me"),
        ("error_node_raises", NodeFailed, "ImageBlur"),
    ],
)
@pytest.mark.usefixtures("good_run")
async def test_a_wrong_workflow_says_what_and_where(discomfort, workflows, workflow, error, words):
    inputs = dict.fromkeys(_inputs(discomfort, workflows / f"{workflow}.json"), PICTURE)
    with pytest.raises(error) as caught:
        await discomfort.run(workflows / f"{workflow}.json", inputs)
    assert words in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value) and str(again) == str(caught.value)


def _inputs(discomfort, path) -> list[str]:
    try:
        return list(discomfort.Tools.discover_ports(path)["inputs"])
    except WorkflowError:
        return []


@pytest.mark.usefixtures("good_run")
async def test_a_literal_out_of_range_names_node_and_port(discomfort, workflows):
    inputs = {"picture": torch.rand(1, 64, 64, 3), "radius": 99}
    with pytest.raises(ValidationFailed) as caught:
        await discomfort.run(workflows / "range_int.json", inputs)
    text = str(caught.value)
    assert "ImageBlur" in text and "31" in text
    assert "INPUT port 'radius'" in text
    assert caught.value.problems[0].node_type == "ImageBlur"


@pytest.mark.usefixtures("good_run")
async def test_a_loaded_value_out_of_range_names_the_port(discomfort, workflows):
    """What a workflow made, many values of it, is loaded: the loader must check what ComfyUI does
    not check of links."""
    numbers = {
        "1": {"class_type": "StubNumbers", "inputs": {"count": 40}},
        "2": {
            "class_type": "DiscomfortPort",
            "inputs": {"unique_id": "radius", "input_data": ["1", 0]},
        },
    }
    inputs = {"picture": torch.rand(1, 64, 64, 3)}
    with pytest.raises(NodeFailed, match="radius.*minimum 1") as caught:
        await discomfort.run([numbers, workflows / "range_int.json"], inputs)
    assert "'radius' is 0" in str(caught.value)


@pytest.mark.usefixtures("good_run")
async def test_a_value_of_the_wrong_type_names_the_port(discomfort, workflows):
    inputs = {"picture": {"not": "a picture"}, "radius": 3}
    with pytest.raises(WorkflowError, match="'picture' is dict.*IMAGE"):
        await discomfort.run(workflows / "range_int.json", inputs)


@pytest.mark.parametrize("value", ["examples/x.png", 5, [], [1, 2]])
@pytest.mark.usefixtures("good_run")
async def test_text_for_a_picture_names_the_port_before_anything_runs(discomfort, workflows, value):
    with pytest.raises(WorkflowError, match="'picture'.*IMAGE") as caught:
        await discomfort.run(workflows / "type_image.json", {"picture": value})
    assert ("pathlib.Path" in str(caught.value)) == isinstance(value, str)


@pytest.mark.parametrize(
    ("workflow", "given", "kind", "remedy"),
    [
        ("loop_text", {"text": None}, "STRING", "Give a value"),
        ("type_boolean", {"flag": None}, "BOOLEAN", "Give a value"),
        ("type_boolean", {"flag": "false"}, "BOOLEAN", "True or False"),
        ("type_boolean", {"flag": 2}, "BOOLEAN", "True or False"),
        ("type_int", {"number": 1.5}, "INT", "whole number"),
    ],
)
@pytest.mark.usefixtures("good_run")
async def test_a_value_that_would_become_another_is_refused_before_anything_runs(
    discomfort, workflows, workflow, given, kind, remedy
):
    ((name, value),) = given.items()
    events: list = []
    words = f"the value of '{name}' is {value!r}, but {kind} is needed"
    for call in (discomfort.plan, partial(discomfort.run, on_event=events.append)):
        with pytest.raises(WorkflowError, match=words) as caught:
            await call(workflows / f"{workflow}.json", given)
        assert remedy in str(caught.value)
    assert not any(isinstance(event, Queued) for event in events)


@pytest.mark.parametrize(("name", "kind"), [("model", "MODEL"), ("picture", "IMAGE")])
@pytest.mark.usefixtures("good_run")
async def test_none_is_no_picture_and_no_model(discomfort, name, kind):
    taker = "StubUseModel" if name == "model" else "ImageInvert"
    inputs = {"model": ["1", 0], "seed": 1} if name == "model" else {"image": ["1", 0]}
    prompt = {
        "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": name}},
        "2": {"class_type": taker, "inputs": inputs},
        "3": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "o", "input_data": ["2", 0]}},
    }
    words = f"'{name}' is None, but {kind} is needed. Give a value"
    with pytest.raises(WorkflowError, match=words):
        await discomfort.run(prompt, {name: None})


async def test_a_port_of_any_type_takes_none(discomfort, workflows):
    results = await discomfort.run(workflows / "mode_port_to_port.json", {"text": None})
    assert results == {"same_text": None}


@pytest.mark.parametrize(
    ("workflow", "name", "value"),
    [
        ("loop_text", "text", operator.add),
        ("loop_text", "text", {"a": 1}),
        ("loop_text", "text", [["a"]]),
        ("type_boolean", "flag", {"a": 1}),
    ],
)
@pytest.mark.usefixtures("good_run")
async def test_an_object_is_no_text_and_not_true(discomfort, workflows, workflow, name, value):
    with pytest.raises(WorkflowError, match=f"The value of '{name}' is .*(expected|is needed)"):
        await discomfort.run(workflows / f"{workflow}.json", {name: value})


@pytest.mark.usefixtures("good_run")
async def test_a_number_for_a_unique_id_is_told_to_be_no_text(discomfort, workflows):
    data = json.loads((workflows / "type_int.json").read_text(encoding="utf-8"))
    port = next(node for node in data["nodes"] if node["type"] == "DiscomfortPort")
    port["widgets_values"] = [5, ""]
    with pytest.raises(WorkflowError, match="unique_id of the port must be text, but 5"):
        await discomfort.run(data)


@pytest.mark.parametrize(("mode", "how"), [(2, "muted"), (4, "bypassed")])
@pytest.mark.usefixtures("good_run")
async def test_an_output_behind_a_muted_node_is_told_with_that_node(
    discomfort, workflows, mode, how
):
    data = json.loads((workflows / "type_int.json").read_text(encoding="utf-8"))
    number = next(node for node in data["nodes"] if node["type"] == "PrimitiveInt")
    number["mode"] = mode
    for slot in number["inputs"]:
        slot["link"] = None
    data["links"] = [link for link in data["links"] if link[3] != number["id"]]
    with pytest.raises(MissingInputError, match="'same_number'") as caught:
        await discomfort.run(data, {"number": 1})
    assert f"comes from node {number['id']} " in str(caught.value)
    assert f"which is {how}" in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ({"1": {"class_type": "NopeNode", "inputs": {}}}, "NopeNode"),
        ({"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}, "nothing to run"),
        ({"nodes": [], "links": []}, "nothing to run"),
    ],
)
@pytest.mark.usefixtures("good_run")
async def test_nothing_to_run_is_said(discomfort, prompt, words):
    with pytest.raises(WorkflowError, match=words):
        await discomfort.run(prompt)


@pytest.mark.usefixtures("good_run")
async def test_a_cancelled_run_leaves_context_and_worker_good(discomfort, workflows):
    with discomfort.Context() as context:
        context.save("text", "")
        running = asyncio.create_task(
            discomfort.run(
                workflows / "loop_text.json",
                context=context,
                iterations=None,
                until=lambda context: False,
            )
        )
        while len(context.load("text")) < 3:  # noqa: ASYNC110  the runs go on in between
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        results = await discomfort.run(workflows / "loop_text.json", context=context)
        assert len(results["text"]) > 3


@pytest.mark.usefixtures("good_run")
async def test_a_node_that_raises_is_named_with_its_words(discomfort, workflows):
    with pytest.raises(NodeFailed) as caught:
        await discomfort.run(workflows / "error_node_raises.json")
    error = caught.value
    assert isinstance(error, RuntimeError) and isinstance(error, ExecutionError)
    assert error.node_type == "ImageBlur" and error.node_id and error.title
    assert error.exception_type and error.exception_message
    assert "Traceback" in error.comfy_traceback or "File " in error.comfy_traceback
    assert error.exception_message.strip() in str(error)


async def test_what_was_saved_before_an_error_is_still_there(discomfort, workflows):
    with discomfort.Context() as context:
        with pytest.raises(NodeFailed):
            await discomfort.run(
                [workflows / "pair_make.json", workflows / "error_node_raises.json"],
                context=context,
            )
        assert context.load("amount") == 0.25
        results = await discomfort.run(workflows / "pair_use.json", context=context)
        assert results["mixed"].shape == (1, 64, 64, 3)


@pytest.mark.usefixtures("good_run")
async def test_a_run_that_takes_too_long_is_ended(discomfort, workflows):
    with pytest.raises(RunTimeout) as caught:
        await discomfort.run(
            workflows / "loop_text.json",
            {"text": ""},
            iterations=None,
            until=lambda context: False,
            timeout=1.0,
        )
    assert isinstance(caught.value, TimeoutError)
