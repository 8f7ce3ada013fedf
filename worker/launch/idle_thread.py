"""Runs inside a worker: work for ComfyUI's prompt thread, done when that is about to take a prompt.

It is idle then, and holds nothing of a run but what its executor keeps. Put in place by
`inside_comfyui.py`, for `clean_comfyui.py`.

Source: main.py `prompt_worker`, execution.py `PromptQueue` of 0.3.64 and 0.33.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

_WAKE = "discomfort"  # a flag that ComfyUI does not know: the thread looks, and comes back


class IdleThread:
    """Does one piece of work each time when the thread comes for a prompt.

    Args:
        queue: `PromptServer.instance.prompt_queue`, before the thread is started.
    """

    def __init__(self, queue: Any):
        self._queue = queue
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        take = queue.get

        def get(*arguments: Any, **options: Any) -> Any:
            self._do_next()
            with queue.not_empty:  # else it could be told of work just before it waits
                if self._work:
                    return take(timeout=0)
                return take(*arguments, **options)

        queue.get = get

    def do(self, work: Callable[[], Any]) -> Future[Any]:
        """Have the thread do it once it is idle. Any thread; what is not begun can be cancelled."""
        done: Future[Any] = Future()
        with self._queue.not_empty:
            self._work.append((done, work))
            self._queue.set_flag(_WAKE, True)
        return done

    def _do_next(self) -> None:
        if not self._work:
            return
        done, work = self._work.popleft()
        if not done.set_running_or_notify_cancel():
            self._do_next()
            return
        try:
            done.set_result(work())
        except Exception as e:  # who waits for it gets it; the thread goes on
            done.set_exception(e)
