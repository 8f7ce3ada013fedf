"""run(): a run that is refused, fails or is stopped leaves no input of its own in the context."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import (
    DiscomfortError,
    NodeFailed,
    RunTimeout,
    ValidationFailed,
    WorkflowError,
)
from custom_nodes.discomfort.events import NodeStarted

PICTURE = torch.rand(1, 16, 16, 3)


def port(unique_id: str, source: list[Any] | None = None) -> dict[str, Any]:
    inputs = {"unique_id": unique_id, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


def failing(kind: str, **inputs: Any) -> dict[str, Any]:
    """A prompt that takes "text" and then does what `kind` does."""
    return {
        "1": port("text"),
        "2": {"class_type": "StubTakeString", "inputs": {"value": ["1", 0]}},
        "3": port("taken", ["2", 0]),
        "4": {"class_type": kind, "inputs": inputs},
        "5": port("never", ["4", 0]),
    }


BLURRED = {
    "1": port("text"),
    "2": {"class_type": "StubTakeString", "inputs": {"value": ["1", 0]}},
    "3": port("taken", ["2", 0]),
    "4": {"class_type": "EmptyImage", "inputs": {
        "width": ["5", 0], "height": 8, "batch_size": 1, "color": 0}},
    "5": port("width"),
    "6": port("never", ["4", 0]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "extra", "error"),
    [
        (BLURRED, {"width": -5}, ValidationFailed),
        (BLURRED, {"width": 5.5}, WorkflowError),
        (BLURRED, {"width": torch.ones(2)}, WorkflowError),
        (BLURRED, {}, DiscomfortError),
        (failing("StubRaise", message="no"), {}, NodeFailed),
        (
            {"1": port("text"), "2": port("picture"), "3": port("text", ["2", 0])},
            {},
            DiscomfortError,
        ),
    ],
    ids=["ComfyUI refuses", "a literal", "a value", "one is missing", "a node raises", "ports"],
)
@pytest.mark.parametrize("before", [None, "before"])
async def test_a_key_gets_its_value_of_before_or_none(
    discomfort: Any, prompt: Any, extra: Any, error: Any, before: Any
) -> None:
    with discomfort.Context() as context:
        if before is not None:
            context.save("text", before)
        with pytest.raises(error):
            await discomfort.run(prompt, {"text": "new", **extra}, context=context)
        expected = {} if before is None else {"text": before}
        found = {key: context.load(key) for key in context.list_keys()}
        found.pop("taken", None)  # an output of the run that failed: it was made
        assert found == expected


async def test_what_a_finished_step_made_stays(discomfort: Any, workflows: Any) -> None:
    steps = [workflows / "loop_text.json", failing("StubRaise", message="no")]
    with discomfort.Context() as context:
        with pytest.raises(NodeFailed):
            await discomfort.run(steps, {"text": "a"}, context=context)
        assert context.load("text") == "a."


@pytest.mark.parametrize("how", ["timeout", "cancelled", "on_event"])
async def test_a_run_that_is_stopped_takes_back_too(discomfort: Any, how: str) -> None:
    prompt = failing("StubSleep", seconds=60)

    async def run(context: Any) -> None:
        inputs = {"text": "new", "unused": PICTURE}
        if how == "timeout":
            await discomfort.run(prompt, inputs, context=context, timeout=0.5)
        elif how == "on_event":
            await discomfort.run(prompt, inputs, context=context, on_event=stop)
        else:
            begun = asyncio.Event()
            task = asyncio.create_task(
                discomfort.run(prompt, inputs, context=context, on_event=lambda _: begun.set())
            )
            await begun.wait()
            task.cancel()
            await task

    def stop(event: Any) -> None:
        if isinstance(event, NodeStarted):
            raise ZeroDivisionError

    with discomfort.Context() as context:
        context.save("text", "before")
        with pytest.raises((RunTimeout, asyncio.CancelledError, ZeroDivisionError)):
            await run(context)
        assert context.load("text") == "before" and "unused" not in context.list_keys()
