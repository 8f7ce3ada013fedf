"""Runs as streams of events, and their end with the facade that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..events import EventStream, Finished, stream_events


class OpenStreams:
    """The streams that go on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def open(
        self, run: Callable[[Callable[[Any], None]], Awaitable[Mapping[str, Any]]]
    ) -> EventStream:
        """The events of `run(on_event)`, which begins with the first turn of the loop."""

        async def start(on_event: Callable[[Any], None]) -> Mapping[str, Any]:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                return await run(on_event)
            finally:
                self._tasks.discard(task)

        return stream_events(start, Finished)

    async def end(self) -> None:
        """Cancel those of this event loop, and return when they are over."""
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._tasks if task.get_loop() is loop]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
