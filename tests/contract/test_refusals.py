"""What a server refuses, and nodes that fail: the error says who and why; then a good run."""

from __future__ import annotations

import time
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.errors import NodeFailed, ValidationFailed
from support.servers import assert_works, one_node, stub, until_nothing_is_queued

pytestmark = pytest.mark.usefixtures("leaves_nothing")

EMPTY = {"width": 8, "height": 8, "batch_size": 1, "color": 0}


def invert(source: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": dict(EMPTY)},
        "2": {"class_type": "ImageInvert", "inputs": {"image": source}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }


def empty(**changes: Any) -> dict[str, Any]:
    prompt = invert(["1", 0])
    inputs = {**EMPTY, **changes}
    prompt["1"] = {
        "class_type": "EmptyImage",
        "inputs": {k: v for k, v in inputs.items() if v is not None},
    }
    prompt["1"]["_meta"] = {"title": "my picture"}
    return prompt


SCALE = {
    "image": ["1", 0],
    "upscale_method": "no such method",
    "width": 4,
    "height": 4,
    "crop": "disabled",
}

REFUSED = [
    pytest.param(empty(width=None), "1", "required", id="missing-input"),
    pytest.param(empty(width=0), "1", "smaller than min", id="below-min"),
    pytest.param(empty(width=99999), "1", "bigger than max", id="above-max"),
    pytest.param(empty(width="wide"), "1", "convert", id="not-a-number"),
    pytest.param(
        {**invert(["1", 0]), "2": {"class_type": "ImageScale", "inputs": SCALE}},
        "2",
        "not in list",
        id="not-in-list",
    ),
    pytest.param(
        {**invert(["1", 0]), "1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}},
        "2",
        "mismatch",
        id="wrong-type",
    ),
    pytest.param(invert(["99", 0]), "2", "99", id="dangling-link"),
    pytest.param(invert(["1", 7]), "2", "", id="no-such-slot"),
    pytest.param(invert([]), "2", "linked input", id="bad-link"),
    pytest.param(
        {"5": {"class_type": "NoSuchNode", "inputs": {}, "_meta": {"title": "lost"}}, **one_node()},
        "5",
        "NoSuchNode",
        id="unknown-node",
    ),
    pytest.param(
        {
            "1": {"class_type": "LoadImage", "inputs": {"image": "nowhere.png"}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        },
        "1",
        "nowhere.png",
        id="custom-check",
    ),
]


@pytest.mark.parametrize(("prompt", "node_id", "words"), REFUSED)
async def test_refused_prompt_names_node_and_reason(
    shared: ComfyConnector, prompt: dict, node_id: str, words: str
):
    with pytest.raises(ValidationFailed) as caught:
        await shared.execute(prompt)
    problems = {p.node_id: p for p in caught.value.problems}
    # 0.3.64 reports an unknown class without the node's id in a field of its own.
    found = problems.get(node_id) or problems[None]
    assert words.lower() in f"{found.reason} {caught.value}".lower()
    if node_id in problems:
        assert found.node_type == prompt[node_id]["class_type"]
        title = prompt[node_id].get("_meta", {}).get("title")
        assert title is None or title in str(caught.value)
    await assert_works(shared)


async def test_prompt_without_outputs_is_refused(shared: ComfyConnector):
    with pytest.raises(ValidationFailed, match="no outputs"):
        await shared.execute({"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}})
    await assert_works(shared)


async def test_cycle_is_refused(shared: ComfyConnector):
    prompt = {
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    with pytest.raises(ValidationFailed):
        await shared.execute(prompt)
    await assert_works(shared)


async def test_prompt_that_is_good_in_part_is_refused_and_not_run(shared: ComfyConnector):
    name = str(time.monotonic_ns())
    prompt = {
        **empty(width=0),
        "7": {"class_type": "StubSleep", "inputs": {"seconds": 30.0, "nonce": 1}},
        "8": {"class_type": "StubCount", "inputs": {"name": name, "value": 1}},
        "9": {"class_type": "PreviewAny", "inputs": {"source": ["8", 0]}},
    }
    with pytest.raises(ValidationFailed, match="smaller than min") as caught:
        await shared.execute(prompt)
    assert [p.node_id for p in caught.value.problems] == ["1"]
    await until_nothing_is_queued(shared)
    await assert_works(shared)


async def test_node_that_raises_gives_its_place_words_and_traceback(shared: ComfyConnector):
    with pytest.raises(NodeFailed) as caught:
        await shared.execute(stub("StubRaise", message="the milk is sour"))
    error = caught.value
    assert (error.node_id, error.node_type, error.title) == ("1", "StubRaise", "my StubRaise")
    assert (error.exception_type, error.exception_message) == ("ValueError", "the milk is sour")
    assert "stub_nodes" in error.comfy_traceback and "raise ValueError" in error.comfy_traceback
    assert error.prompt_id and error.log_path
    await assert_works(shared)
