"""One question to the server for all who ask it at the same time.

Without it, two hundred runs that wait would each ask for the same megabytes.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class AskTogether(Generic[T]):
    """Asks once for all who came before the question was sent. Each event loop asks for itself.

    Who comes while an answer is under way waits for the next one: that one could be older than
    what is asked for. With `join_sent` any answer will do, also one that is under way.

    Args:
        ask: sends the question.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], join_sent: bool = False):
        self._ask, self._join_sent = ask, join_sent
        self._waiting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[T]] = (
            weakref.WeakKeyDictionary()
        )
        self._sent: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[T]] = (
            weakref.WeakKeyDictionary()
        )

    async def answer(self) -> T:
        """The answer. What asking raises, all who wait for it get."""
        loop = asyncio.get_running_loop()
        sent = self._sent.get(loop)
        if self._join_sent and sent is not None and not sent.done():
            return await asyncio.shield(sent)
        task = self._waiting.get(loop)
        if task is None or task.done():
            task = asyncio.ensure_future(self._ask_after(loop, sent))
            task.add_done_callback(_look_at)
            self._waiting[loop] = task
        return await asyncio.shield(task)  # one who gives up leaves it to the others

    async def _ask_after(
        self, loop: asyncio.AbstractEventLoop, before: asyncio.Task[T] | None
    ) -> T:
        if before is not None and not before.done():
            await asyncio.wait((before,))
        self._sent[loop] = self._waiting.pop(loop)
        return await self._ask()


def _look_at(task: asyncio.Task[T]) -> None:
    """Take note of a failure that may have no one left to look at it."""
    if not task.cancelled():
        task.exception()
