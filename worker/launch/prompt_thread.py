"""Runs inside ComfyUI: notices that its prompt thread has ended, and says so at once.

One thread runs all prompts and survives an `Exception` only: a node that calls `sys.exit` ends it,
while the server takes prompts as before and never runs one again. `inside_comfyui.py` calls this.

Source: main.py `prompt_worker`, execution.py `PromptExecutor.execute` of 0.3.64 and 0.33.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from ...errors import printable

log = logging.getLogger("discomfort.worker")

ENDED_EVENT = "discomfort_prompt_thread_ended"
EXIT_CODE = 70  # of a worker that ends itself for it; sysexits.h: an internal software error
_LAST_EVENTS_S = 1.0
_NOT_SAID = "nothing says why"


def watch_prompt_thread(instance: Any, is_worker: bool) -> None:
    """Watch the thread that will take prompts from the server's queue, until it ends.

    Then every client is told by an event, scripts that ask who this is as well, and a worker ends:
    its script starts another.

    Args:
        instance: `PromptServer.instance`, before the thread is started.
    """
    watch = _Watch()

    def on_end() -> None:
        about = {"reason": watch.reason, "prompt_id": getattr(instance, "last_prompt_id", None)}
        log.error(
            "ComfyUI's prompt thread has ended: %s. It can run nothing any more.", watch.reason
        )
        instance.discomfort_stopped = watch.reason
        instance.send_sync(ENDED_EVENT, about, None)
        if is_worker:
            _send_last_events(instance)
            os._exit(EXIT_CODE)

    instance.discomfort_stopped = None
    watch.begin(instance.prompt_queue, on_end)


class _Watch:
    """Finds the thread and waits for its end; keeps what it ended with."""

    def __init__(self) -> None:
        self.reason = _NOT_SAID
        self._thread: threading.Thread | None = None
        self._inner_hook = threading.excepthook

    def begin(self, queue: Any, on_end: Callable[[], None]) -> None:
        take = queue.get

        def get(*arguments: Any, **options: Any) -> Any:
            if self._thread is None:
                self._thread = threading.current_thread()
                threading.Thread(
                    target=self._wait, args=(on_end,), name="discomfort-prompts", daemon=True
                ).start()
            return take(*arguments, **options)

        queue.get = get
        threading.excepthook = self._hook

    def _wait(self, on_end: Callable[[], None]) -> None:
        assert self._thread is not None
        self._thread.join()
        on_end()

    def _hook(self, about: Any) -> None:
        """Python's own hook says nothing of a SystemExit."""
        if about.thread is self._thread and self._thread is not None:
            self.reason = _words(about.exc_type, about.exc_value)
            if issubclass(about.exc_type, SystemExit):
                lines = traceback.format_exception(
                    about.exc_type, about.exc_value, about.exc_traceback
                )
                log.error("%s", printable("".join(lines)).rstrip())
        self._inner_hook(about)


def _words(kind: type[BaseException], error: BaseException | None) -> str:
    text = printable(str(error)) if error is not None else ""
    return f"{kind.__name__}: {text}" if text else kind.__name__


def _send_last_events(instance: Any) -> None:
    """Let the server's loop send what waits: it says which node ran."""
    deadline = time.monotonic() + _LAST_EVENTS_S
    while not instance.messages.empty() and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), instance.loop).result(_LAST_EVENTS_S)
    except Exception as e:  # a loop that does not turn sends nothing
        log.debug("The last events are not known to be sent: %r", e)
