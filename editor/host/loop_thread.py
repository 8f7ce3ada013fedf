"""Work on an event loop of our own, and a node that waits for it.

ComfyUI runs nodes in a thread that has a loop already (execution.py, 0.3.64 and 0.33), so ours is
in a thread of its own. The node's thread shows what happens and looks whether it is interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Emit = Callable[[Any], None]

POLL_S = 0.05


class LoopThread:
    """An event loop in a daemon thread, started when it is first needed."""

    def __init__(self, name: str):
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._run, args=(loop,), name=self._name, daemon=True
                ).start()
                self._loop = loop
            return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()

    def run(
        self,
        work: Callable[[Emit], Coroutine[Any, Any, T]],
        show: Callable[[Any], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> T:
        """Do the work on the loop, and return or raise what it does.

        Args:
            work: gets a function that hands something to `show`.
            show: called in this thread.
            check: called in this thread, several times a second. What it or `show` raises cancels
                the work, and is raised once the work has ended.
        """
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        ended = object()
        loop = self.loop
        outcome: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = loop.create_task(work(inbox.put))
            outcome.append(task)
            task.add_done_callback(lambda _: inbox.put(ended))

        loop.call_soon_threadsafe(begin)
        failure: BaseException | None = None
        while True:
            item: Any = None
            with contextlib.suppress(queue.Empty):
                item = inbox.get(timeout=POLL_S)
            if item is ended:
                break
            if failure is None:
                try:
                    check()
                    if item is not None:
                        show(item)
                except BaseException as e:  # ComfyUI's interrupt is a BaseException in 0.33
                    failure = e
                    loop.call_soon_threadsafe(lambda: outcome[0].cancel())
        task = outcome[0]
        error = None if task.cancelled() else task.exception()
        if failure is not None:
            raise failure
        if error is not None:
            raise error
        return task.result()
