"""The events of a run as an async iterator, for callers that would rather loop than be called."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from ...errors import RunInterrupted
from .latest_events import LatestEvents

log = logging.getLogger("discomfort.worker")


class EventStream:
    """The events of one run: `async for event in stream`. What the run raises, the loop raises.

    Leaving the loop early (`break`, an exception) cancels the run. In a block,
    `async with stream: async for event in stream: ...`, the end of the block waits until the
    worker is idle; without one the worker is interrupted while the script goes on. A slow loop
    keeps nothing waiting: of a node's steps and previews it gets the newest.
    """

    def __init__(self, events: AsyncGenerator[Any, None]):
        self._events = events
        self._is_over = False

    def __aiter__(self) -> EventStream:
        if self._is_over:
            raise RuntimeError("The run of this stream is over. Call stream() again for another.")
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            self._is_over = True
            raise

    async def aclose(self) -> None:
        """Cancel the run, if it still goes on, and return when the worker is done with it."""
        await self._events.aclose()

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def stream_events(
    start: Callable[[Callable[[Any], None]], Awaitable[Any]],
    make_last: Callable[[Any], Any] | None = None,
) -> EventStream:
    """The events that `start(on_event)` emits; begins with the first turn of the loop.

    Args:
        make_last: makes the last event, of what `start` returned.
    """
    return EventStream(_events(start, make_last))


async def _events(
    start: Callable[[Callable[[Any], None]], Awaitable[Any]],
    make_last: Callable[[Any], Any] | None,
) -> AsyncGenerator[Any, None]:
    waiting, wake = LatestEvents(), asyncio.Event()

    def take(event: Any) -> None:
        waiting.put(event)
        wake.set()

    task = asyncio.ensure_future(start(take))
    task.add_done_callback(lambda _: wake.set())
    try:
        while waiting or not task.done():
            if not waiting:
                wake.clear()
                await wake.wait()
                continue
            yield waiting.take()
        if task.cancelled():
            raise RunInterrupted("The run was cancelled, for instance by shutdown().")
        result = task.result()
        if make_last is not None:
            yield make_last(result)
    finally:
        await _end(task)


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancel it, and return when it is over."""
    if task.done():
        return
    task.cancel()
    # Not `await task`: a cancellation that ended the wait could be the task's or our own.
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is not None:
        log.warning("A run that was left early ended with: %s", task.exception())
