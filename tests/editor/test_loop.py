"""DiscomfortLoopExecutor in a user's ComfyUI, through the API."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import numpy
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed, RunInterrupted, ValidationFailed
from custom_nodes.discomfort.system.config import WorkerConfig
from custom_nodes.discomfort.values.picture_files import open_image_as_tensor
from PIL import Image

from .outer import PROJECT, Outer, loop, show, told

pytestmark = pytest.mark.one_version

ENHANCE = str(PROJECT / "examples" / "workflows" / "enhance.json")
SETTINGS = "detail = 0.4\ntone = overlay\ntone_amount = 0.25"


async def texts(client, node: dict[str, Any], *slots: int) -> list[str]:
    """What a node puts out at these slots, as text."""
    prompt = {"1": node, **{f"show {slot}": show(["1", slot]) for slot in slots}}
    result = await client.execute(prompt, timeout=90)
    return [result.outputs[f"show {slot}"]["text"][0] for slot in slots]


async def test_values_go_round_so_many_times(client):
    node = loop("count.json", values="number = 1\nstep = 2", iterations=5)
    assert await texts(client, node, 0, 1) == ["5", "11"]


async def test_workflows_of_an_iteration_take_turns(client):
    node = loop("loop_ping.json", "loop_pong.json", values='text = "go: "', iterations=3)
    (text,) = await texts(client, node, 1)
    assert text == "go: " + "ping pong " * 3


async def test_the_condition_ends_the_loop(client):
    node = loop(
        "count.json",
        values="number = 0\nstep = 3",
        iterations=0,
        stop_when="number >= 10 and i > 2",
    )
    assert await texts(client, node, 0, 1) == ["4", "12"]


async def test_what_is_not_carried_begins_anew(client):
    node = loop("count.json", values="number = 1\nstep = 2", iterations=4, carry="")
    assert await texts(client, node, 0, 1) == ["4", "3"]


async def test_a_list_has_one_item_for_each_iteration(client):
    node = loop("count.json", values="number = 1\nstep = 1", iterations=3, collect="list")
    prompt = {"1": node, "2": {"class_type": "StubSum", "inputs": {"numbers": ["1", 1]}}}
    result = await client.execute(prompt, timeout=90)
    assert result.outputs["2"]["sum"] == [2 + 3 + 4]


@pytest.fixture
def picture(outer: Outer) -> Path:
    """A picture in the input folder of the user's ComfyUI."""
    path = outer.base / "input" / "noise.png"
    pixels = numpy.random.default_rng(7).integers(0, 256, (48, 64, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(path)
    return path


async def test_results_equal_those_of_the_same_loop_in_a_script_bit_for_bit(
    client, comfyui, picture: Path
):
    node = loop(ENHANCE, values=SETTINGS, iterations=3, collect="batch", input_1=["1", 0])
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": picture.name}},
        "2": node,
        "3": {"class_type": "StubDigest", "inputs": {"image": ["2", 1]}},
    }
    result = await client.execute(prompt, timeout=90)

    connector = ComfyConnector(WorkerConfig(COMFYUI_PATH=str(comfyui.path)))
    seen = []
    try:
        discomfort = Discomfort(connector)
        inputs = {"picture": open_image_as_tensor(picture), "detail": 0.4, "tone": "overlay"}
        await discomfort.run(
            ENHANCE,
            {**inputs, "tone_amount": 0.25},
            3,
            until=lambda context: seen.append(context.load("picture")),
        )
    finally:
        await connector.kill_api()
    data = b"".join(tensor.contiguous().numpy().tobytes() for tensor in seen)
    assert result.outputs["3"]["shape"] == [[3, 48, 64, 3]]
    assert result.outputs["3"]["digest"] == [hashlib.sha256(data).hexdigest()]


async def test_a_batch_of_unequal_sizes_is_an_error_that_says_so(client, picture: Path):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": picture.name}},
        "2": loop("loop_image.json", iterations=2, collect="batch", input_1=["1", 0]),
    }
    with pytest.raises(NodeFailed, match="can't be one batch: it changed its size"):
        await client.execute(prompt, timeout=90)


async def test_iterations_are_progress_and_an_interrupt_ends_them(client, outer: Outer):
    steps: list[tuple[float, float]] = []
    enough = asyncio.Event()

    def watch(event: Any) -> None:
        if type(event).__name__ == "Progress":
            steps.append((event.value, event.maximum))
            if event.value >= 2000:
                enough.set()

    node = loop("sleep.json", values="seconds = 0.1", iterations=100_000)
    task = asyncio.ensure_future(client.execute({"1": node}, on_event=watch, timeout=120))
    await asyncio.wait_for(enough.wait(), 60)
    await client.http.post("/interrupt", {})
    with pytest.raises(RunInterrupted):
        await task
    assert {maximum for _, maximum in steps} == {100_000_000}
    assert [value for value, _ in steps] == sorted(value for value, _ in steps)
    node = loop("count.json", values="number = 1\nstep = 2", iterations=2)
    assert await texts(client, node, 1) == ["5"]
    assert len(outer.nested()) == 1


COUNT = ("count.json",)
VALUES = "number = 0\nstep = 1"
REFUSED = {
    "syntax": (loop(*COUNT, values=VALUES, stop_when="number >="), "can't be read"),
    "unknown name": (loop(*COUNT, values=VALUES, stop_when="nmber > 3"), "uses 'nmber'"),
    "attribute": (
        loop(*COUNT, values=VALUES, stop_when="number.__class__"),
        "uses Attribute, which it may not",
    ),
    "call": (loop(*COUNT, values=VALUES, stop_when="__import__('os')"), "uses '__import__'"),
    "no end": (loop(*COUNT, values=VALUES, iterations=0), "nothing would end the loop"),
    "less than nothing": (loop(*COUNT, values=VALUES, iterations=-1), "iterations is -1. Set how"),
    "no number": (
        loop(*COUNT, values=VALUES, iterations="many"),
        "Failed to convert an input value to a INT value",
    ),
    "no way to collect": (
        loop(*COUNT, values=VALUES, collect="all"),
        "Value not in list",
    ),
    "no value of that type": (loop(*COUNT, values="number = cat\nstep = 1"), "needs INT"),
    "carry": (loop(*COUNT, values=VALUES, carry="step"), "carry has 'step'"),
    "no workflow": (loop("", values=VALUES), "No workflow is chosen"),
    "second missing": (loop("count.json", "gone.json", values=VALUES), "'gone.json'"),
    "no value": (loop("loop_image.json"), "the input 'picture'"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_bad_input_is_told_once_before_anything_runs(client, case):
    node, words = REFUSED[case]
    with pytest.raises(ValidationFailed) as caught:
        await client.execute({"1": node, "2": show(["1", 0])}, timeout=30)
    assert words in told(caught.value)


async def test_a_condition_that_the_values_do_not_bear_is_told_with_them(client):
    node = loop("count.json", values=VALUES, stop_when="len(number) > 3")
    with pytest.raises(NodeFailed, match="can't be computed after iteration 1.*number = 1"):
        await client.execute({"1": node}, timeout=90)
