"""What a caller may ask of one run, and the limits that follow from it.

The one list of these options: `ComfyConnector.execute` and `stream` and `Client.execute` take them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from ...system.login import Login
from .events import Event
from .run_state import RunState


class StreamOptions(TypedDict, total=False):
    """Options of `stream`.

    client_data: goes into the prompt's `extra_data`.
    timeout: seconds for the run, its time in the queue included.
    silence_timeout: seconds without any news of the prompt once it runs.
    needed: the ids of the nodes that events count; None: all.
    """

    client_data: Mapping[str, Any] | None
    timeout: float | None
    silence_timeout: float | None
    needed: Collection[str] | None


class ExecuteOptions(StreamOptions, total=False):
    """Options of `execute`. `on_event` is called in the caller's loop with every event."""

    on_event: Callable[[Event], Any] | None


class OwnOptions(ExecuteOptions, total=False):
    """Options of prompts that Discomfort itself has made.

    run_data: what this run alone knows, beside the prompt (`launch/run_data.py`); None, or not
        given: our internal nodes do nothing in this prompt.
    login: for ComfyUI's own API nodes in it (`launch/account.py`).
    """

    run_data: Mapping[str, Any] | None
    login: Login | None


def check_options(options: OwnOptions) -> None:
    """Refuse what is none of the options, as Python does for a list of parameters."""
    unknown = options.keys() - OwnOptions.__optional_keys__
    if unknown:
        raise TypeError(f"execute() has no option {', '.join(sorted(unknown))}.")


TIME_IS_OVER = "the time given by timeout= is over"


class OutOfTime(Exception):
    """A limit of a run was reached; says which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run that is not done is to be ended. `deadline` is a moment (monotonic)."""

    deadline: float | None = None
    silence_s: float | None = None

    @classmethod
    def from_now(cls, options: ExecuteOptions) -> Limits:
        timeout = options.get("timeout")
        deadline = None if timeout is None else time.monotonic() + timeout
        return cls(deadline, options.get("silence_timeout"))

    @property
    def left_s(self) -> float | None:
        """Seconds until the deadline."""
        return left_s(self.deadline)

    def next_for(self, state: RunState, heard_at: float) -> tuple[float | None, str]:
        """The next moment at which a run that was last heard of then is to be ended, and why."""
        if self.silence_s is not None and state.is_started:
            silent = heard_at + self.silence_s
            if self.deadline is None or silent < self.deadline:
                return silent, f"nothing was heard of it for {self.silence_s} s"
        return self.deadline, TIME_IS_OVER


def left_s(moment: float | None) -> float | None:
    """Seconds until then."""
    return None if moment is None else max(0.0, moment - time.monotonic())
