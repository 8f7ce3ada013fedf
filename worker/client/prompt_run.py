"""One queued prompt: its state, which the socket's thread replaces, and the future of its end.

What events mean is in `run_state.py`; here is only what a value can't be: the lock, the future of
one event loop, and the caller's `on_event`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .event_delivery import EventDelivery
from .events import Done, Event, HistoryWritten, Queued
from .run_state import HistoryRead, RunState, advance, begin, emitted


class CallbackFailed(Exception):
    """`on_event` raised; the cause is its exception."""


class PromptRun:
    """Make it in the event loop that will wait for it.

    Args:
        needed: the ids of the nodes that events count; None: all.

    Attributes:
        done: how it ended, or the error that ended it. Belongs to the loop.
        heard_at: when its last event arrived (monotonic).
        is_given_up: nobody waits for its end any more; it is to be taken out of the server.
    """

    def __init__(
        self,
        prompt: Mapping[str, Any],
        on_event: Callable[[Event], Any] | None = None,
        needed: Collection[str] | None = None,
    ):
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Done] = loop.create_future()
        self.heard_at = time.monotonic()
        self.is_given_up = False
        self._state = begin(str(uuid.uuid4()), prompt, needed)
        self._lock = threading.Lock()
        self._delivery = EventDelivery(loop, on_event, self._fail_callback) if on_event else None

    @property
    def prompt_id(self) -> str:
        return self._state.prompt_id

    @property
    def state(self) -> RunState:
        """What is known now. A value: what comes later makes another one. Any thread."""
        return self._state

    def feed(self, event: Event) -> None:
        """Take in one event of this prompt. Any thread."""
        self.heard_at = time.monotonic()
        self._take(event)
        if isinstance(event, Done):
            self._in_loop(self._finish, event)

    def note_queued(self, number: float) -> None:
        """The server accepted the prompt."""
        self._take(Queued(self.prompt_id, number))

    def fail(self, error: BaseException) -> None:
        """End with an error that no event reports, for instance the worker's death. Any thread."""
        self._in_loop(self._finish, error)

    def take_history(self, entry: Mapping[str, Any]) -> None:
        """End as ComfyUI's history says, where the socket did not report it. In the loop."""
        if self.done.done():
            self._take(HistoryWritten(self.prompt_id))
            return
        self._take(HistoryRead(self.prompt_id, entry))
        if self._delivery is not None:
            self._delivery.deliver()
        end = self._state.end
        assert end is not None
        self._finish(end)

    def _take(self, event: Event) -> None:
        # Put under the lock, so that two threads can't change the order of what they emit.
        with self._lock:
            before, self._state = self._state, advance(self._state, event)
            if self._delivery is not None:
                for news in emitted(before, self._state, event):
                    self._delivery.put(news)

    def _fail_callback(self, error: BaseException) -> None:
        failure = CallbackFailed()
        failure.__cause__ = error
        self._finish(failure)

    def _finish(self, end: Done | BaseException) -> None:
        if self.done.done():
            return
        if isinstance(end, Done):
            self.done.set_result(end)
        else:
            self.done.set_exception(end)
            self.done.exception()  # looked at: of a cancelled run, no one else does

    def _in_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: no one waits any more
            self.done.get_loop().call_soon_threadsafe(function, *arguments)
