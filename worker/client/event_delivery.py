"""Carries events from the thread that reads the socket to `on_event` in the caller's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from .events import Event
from .latest_events import LatestEvents


class EventDelivery:
    """Calls `on_event` in `loop`, in the order of the events, whichever thread puts them.

    Args:
        on_failure: called in the loop, once, with what `on_event` raised; it gets no more then.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[Event], Any],
        on_failure: Callable[[BaseException], None],
    ):
        self._loop, self._on_failure = loop, on_failure
        self._on_event: Callable[[Event], Any] | None = on_event
        self._waiting = LatestEvents()
        self._lock = threading.Lock()

    def put(self, event: Event) -> None:
        """Have the event delivered. Any thread."""
        with self._lock:
            is_scheduled = bool(self._waiting)
            self._waiting.put(event)
        if not is_scheduled:
            with contextlib.suppress(RuntimeError):  # the loop is closed: no one waits any more
                self._loop.call_soon_threadsafe(self.deliver)

    def deliver(self) -> None:
        """Hand over all that waits. In the loop."""
        with self._lock:
            waiting, self._waiting = self._waiting, LatestEvents()
        while waiting and self._on_event is not None:
            try:
                self._on_event(waiting.take())
            except (Exception, asyncio.CancelledError) as e:  # asyncio would only log it
                self._on_event = None
                self._on_failure(e)
