"""ComfyUI's words for what went wrong become our errors."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import NodeFailed, RunInterrupted
from custom_nodes.discomfort.worker.client import events, failures
from custom_nodes.discomfort.worker.client.events import NodeStarted
from custom_nodes.discomfort.worker.client.run_state import advance, begin

A = "11111111-1111-4111-8111-111111111111"
PROMPT = {"1": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "my sampler"}}}


def test_node_error_says_all_that_comfyui_said():
    details = {
        "node_id": "1",
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "no VRAM\n",
        "traceback": ["line 1\n", "line 2\n"],
    }
    error = failures.ended_badly(begin(A, PROMPT), events.Done(A, "error", details), "/tmp/log")
    assert isinstance(error, NodeFailed)
    assert "my sampler" in str(error) and "no VRAM" in str(error)
    assert (error.node_type, error.comfy_traceback) == ("KSampler", "line 1\nline 2\n")
    assert (error.prompt_id, error.log_path) == (A, "/tmp/log")


@pytest.mark.parametrize(
    ("started", "blamed"),
    [
        (NodeStarted(A, "2.0.0.1", display_node="1"), "1"),  # node 2 is a loop with 1 in it
        (NodeStarted(A, "2.0.0.1", display_node="gone"), "2"),
        (NodeStarted(A, "2.0.0.1"), "2"),
        (NodeStarted(A, "2"), "2"),
        (NodeStarted(A, "1"), "2"),  # nodes at work side by side
    ],
)
def test_an_error_inside_what_a_node_made_names_the_node_that_is_shown(started, blamed):
    prompt = {**PROMPT, "2": {"class_type": "StartLoop", "inputs": {}}}
    state = advance(begin(A, prompt), started)
    done = events.Done(A, "error", {"node_id": "2", "exception_message": "no"})
    error = failures.ended_badly(state, done, None)
    assert isinstance(error, NodeFailed)
    assert error.node_id == blamed
    assert error.node_type == prompt[blamed]["class_type"]


def test_interruption_is_no_node_error():
    error = failures.ended_badly(
        begin(A, PROMPT), events.Done(A, "interrupted", {"node_id": "1"}), None
    )
    assert isinstance(error, RunInterrupted)


@pytest.mark.parametrize(
    ("reply", "raw", "words"),
    [
        (None, "Maximum request body size exceeded", "max-upload-size"),
        ({}, "", "refused"),
        ({"error": "just words", "node_errors": {}}, "", "just words"),
        ({"error": {"type": "odd"}, "node_errors": []}, "", "odd"),
        ({"error": {"message": "m", "details": "d"}, "node_errors": {}}, "", "m: d"),
        ({"node_errors": {"1": {"errors": [{"message": "too big"}]}}}, "", "my sampler"),
    ],
)
def test_every_refusal_is_put_into_words(reply: Any, raw: str, words: str):
    assert words in str(failures.refused(PROMPT, 413, reply, raw))
