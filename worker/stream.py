"""Events as an async iterator, for those who would rather loop than be called back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from .events import Event, Preview, Progress


async def stream_events(
    start: Callable[[Callable[[Event], None]], Awaitable[Any]],
) -> AsyncGenerator[Event, None]:
    """Run `start(on_event)` and yield its events; raise what it raises.

    Leaving the loop early cancels it (with `contextlib.aclosing` at once and for sure). A slow
    consumer keeps nothing waiting: of previews and steps in a row it gets the newest.
    """
    waiting: deque[Event] = deque()
    wake = asyncio.Event()

    def take(event: Event) -> None:
        if isinstance(event, (Preview, Progress)) and waiting and type(waiting[-1]) is type(event):
            waiting.pop()
        waiting.append(event)
        wake.set()

    task = asyncio.ensure_future(start(take))
    task.add_done_callback(lambda _: wake.set())
    try:
        while waiting or not task.done():
            if not waiting:
                wake.clear()
                await wake.wait()
                continue
            yield waiting.popleft()
        task.result()
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
