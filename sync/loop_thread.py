"""The thread that the asynchronous API runs in, and waiting for it as plain Python waits.

One for each process, made when it is first needed. Any number of threads may wait.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import ExecutionError
from ..system.notebook import is_notebook

T = TypeVar("T")
log = logging.getLogger("discomfort")

# Windows lets no Ctrl+C through to a wait that has no end.
_LOOK_S = 0.2 if sys.platform == "win32" else None


class LoopThread:
    """An event loop in a thread of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="discomfort.sync", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def wait(self, make: Callable[[Caller], Coroutine[Any, Any, T]]) -> T:
        """What a coroutine returns, or raises.

        Ctrl+C cancels it, waits for its end, and is raised then; a second one is not waited for.

        Args:
            make: makes it; gets what calls functions back in this thread.
        """
        self._check_here()
        caller = Caller(self._loop)
        self._loop.call_soon_threadsafe(lambda: caller.begin(make))
        interrupted: KeyboardInterrupt | None = None
        while True:
            try:
                caller.answer_until_over()
                break
            except KeyboardInterrupt as e:
                if interrupted is not None:
                    raise
                interrupted = e
                log.warning("Ctrl+C was heard; press it again not to wait for the end of the run.")
                caller.cancel()
        if interrupted is not None:
            raise interrupted
        return caller.result()

    def _check_here(self) -> None:
        if os.getpid() != self.pid:
            raise ExecutionError(
                "This was made before the process forked, and its thread is not in the child. Make "
                "one there: Discomfort.create()."
            )
        if threading.current_thread() is self._thread:
            raise ExecutionError(
                "This waits for the thread that it is called in. Call it from another thread."
            )
        if _is_in_event_loop():
            raise ExecutionError(
                "This would block the event loop that it is called in. There, use `from discomfort "
                "import Discomfort` and `await`, or call it in a thread (asyncio.to_thread)."
            )


class Caller:
    """The thread that waits: it takes the functions of the caller that are to be called meanwhile,
    so that they may wait in turn.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self._loop = loop
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._task: asyncio.Future[Any] | None = None

    # -- in the loop ----------------------------------------------------------------------------

    def begin(self, make: Callable[[Caller], Coroutine[Any, Any, Any]]) -> None:
        """Run a coroutine as a task, whose end is heard of however it ends."""
        self._task = asyncio.ensure_future(make(self))
        self._task.add_done_callback(lambda _: self._calls.put(None))

    def notify(self, function: Callable[[Any], Any]) -> Callable[[Any], None]:
        """A function that has another one called in the waiting thread, and does not wait for it.
        What that raises ends the wait.
        """

        def notify(event: Any) -> None:
            self._calls.put(lambda: self._call(function, event))

        return notify

    def ask(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A coroutine function that gives what another function gives in the waiting thread."""

        async def ask(*arguments: Any) -> Any:
            answer = self._loop.create_future()
            self._calls.put(lambda: self._answer(function, arguments, answer))
            value = await answer
            return await value if inspect.isawaitable(value) else value

        return ask

    # -- in the waiting thread ------------------------------------------------------------------

    def answer_until_over(self) -> None:
        """Call what is to be called, until the coroutine has ended."""
        while True:
            try:
                call = self._calls.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if call is None:
                return
            call()

    def cancel(self) -> None:
        """Cancel the coroutine, which has begun, or begins before this is done."""

        def cancel() -> None:
            assert self._task is not None
            self._task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    def result(self) -> Any:
        if self._failure is not None:
            raise self._failure
        assert self._task is not None
        return self._task.result()

    def _call(self, function: Callable[[Any], Any], event: Any) -> None:
        if self._failure is not None:
            return
        try:
            function(event)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # sys.exit() too: the run is ended first
            self._failure = e
            self.cancel()

    def _answer(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], to: asyncio.Future[Any]
    ) -> None:
        try:
            value = function(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # as it is: a future takes no StopIteration
            self._failure = e
            self.cancel()
            return
        self._loop.call_soon_threadsafe(lambda: to.done() or to.set_result(value))


def _is_in_event_loop() -> bool:
    """Whether this thread runs an event loop that others depend on; a notebook's cell may block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not is_notebook()


_shared: LoopThread | None = None
_lock = threading.Lock()


def loop_thread() -> LoopThread:
    """This process's; a forked child makes its own."""
    global _shared
    with _lock:
        if _shared is None or _shared.pid != os.getpid():
            _shared = LoopThread()
        return _shared


def _new_lock() -> None:
    """A child may have been forked while another thread held the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)
