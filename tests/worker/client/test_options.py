"""The options of one run, and the limits that follow from them."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.worker.client.events import Progress, RunStarted
from custom_nodes.discomfort.worker.client.options import (
    ExecuteOptions,
    Limits,
    StreamOptions,
    check_options,
)
from custom_nodes.discomfort.worker.client.run_state import RunState, advance, begin

A = "11111111-1111-4111-8111-111111111111"


def state(*, is_started: bool) -> RunState:
    return advance(begin(A, {}), RunStarted(A) if is_started else Progress(A))


@pytest.mark.parametrize(
    ("limits", "is_started", "moment", "why"),
    [
        (Limits(), True, None, ""),
        (Limits(130.0), True, 130.0, "timeout="),
        (Limits(130.0, 5.0), True, 105.0, "nothing was heard of it for 5.0 s"),
        (Limits(103.0, 5.0), True, 103.0, "timeout="),
        (Limits(None, 5.0), True, 105.0, "nothing was heard"),
        (Limits(None, 5.0), False, None, ""),
    ],
)
def test_the_next_limit_is_the_one_that_comes_first(
    limits: Limits, is_started: bool, moment: float | None, why: str
):
    found, words = limits.next_for(state(is_started=is_started), 100.0)
    assert found == moment and why in words


def test_timeout_counts_from_now_and_never_below_zero():
    before = time.monotonic()
    left_s = Limits.from_now({"timeout": 1000.0}).left_s
    assert left_s is not None and 1000.0 - (time.monotonic() - before) <= left_s <= 1000.0
    assert Limits(before - 1).left_s == 0.0
    assert Limits.from_now({}).left_s is None


def test_option_that_does_not_exist_is_refused():
    wrong: Any = {"timeout": 1.0, "timout": 2.0}
    with pytest.raises(TypeError, match=r"no option timout\.$"):
        check_options(wrong)


def test_the_door_lists_every_option_of_a_run():
    parameters = inspect.signature(ComfyConnector.execute).parameters
    assert set(parameters) - {"self", "prompt"} == ExecuteOptions.__optional_keys__
    assert ExecuteOptions.__optional_keys__ - StreamOptions.__optional_keys__ == {"on_event"}
