"""Waits for the end of a queued prompt: from the socket, else from ComfyUI's history.

The socket reports an end at once, but may be dropped, taken over or mute; so the history is asked
too, seldom, and now and then whether the server still knows the prompt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from ...errors import RunLost
from ...system.patience import Patience
from .events import Done
from .listener import Listener
from .options import Limits, OutOfTime, left_s
from .prompt_run import PromptRun
from .queries import Queries
from .queue_prompt import REFUSED_FOR_S

log = logging.getLogger("discomfort.worker")

_FIRST_LOOK_S = 0.25  # how long the socket has before history is asked for the first time
_SLOWEST_LOOK_S = 1.0
_QUEUE_WORDS_S = 30.0  # in a queue, until the log says so
_GRACE_FOR_SOCKET_S = 0.1  # between the end in the history and the same end on the socket


class EndWatch:
    """Waits for ends of one server's runs.

    Args:
        note_stopped: called with the reason when the server's prompt thread has ended; None where
            its process ends for it, which others watch.
    """

    def __init__(
        self, ask: Queries, listener: Listener, note_stopped: Callable[[str], None] | None = None
    ):
        self._ask, self._listener, self._note_stopped = ask, listener, note_stopped
        self._is_shared = note_stopped is not None  # others may have filled its queue

    async def wait(self, run: PromptRun, limits: Limits) -> Done:
        """How the run ended.

        Raises:
            OutOfTime: a limit was reached before.
            RunLost: the server does not know the prompt any more.
            CallbackFailed, WorkerDied: what ended the run.
        """
        look_s, next_check = _FIRST_LOOK_S, time.monotonic() + _SLOWEST_LOOK_S
        queue = Patience(log, lambda: self._what_is_before(run), _QUEUE_WORDS_S)
        while not run.done.done():
            if self._is_shared and not run.state.is_started:
                queue.look()
            limit, why = limits.next_for(run.state, run.heard_at)
            if limit is not None and time.monotonic() >= limit:
                raise OutOfTime(why)
            await asyncio.wait((run.done,), timeout=min(look_s, left_s(limit) or look_s))
            is_check = time.monotonic() >= next_check
            with contextlib.suppress(asyncio.TimeoutError):  # a server that does not answer
                await asyncio.wait_for(self._look(run, is_check), left_s(limit))
            if is_check:
                next_check = time.monotonic() + _SLOWEST_LOOK_S
            is_slower = self._listener.is_connected
            look_s = min(look_s * 1.5, _SLOWEST_LOOK_S) if is_slower else _FIRST_LOOK_S
        return run.done.result()

    def _what_is_before(self, run: PromptRun) -> str:
        return (
            f"Prompt {run.prompt_id} waits in the queue of the ComfyUI at {self._ask.base_url}, "
            "which works at others"
        )

    async def _look(self, run: PromptRun, is_check: bool) -> None:
        """Ask about a run that has not ended so far; with `is_check`, whether it is lost."""
        if not run.done.done():
            await self._look_at_history(run)
        if is_check and not run.done.done():
            await self._check_stopped(run)
        if is_check and not run.done.done():
            await self._check_lost(run)

    async def _look_at_history(self, run: PromptRun) -> None:
        entry = await self._ask.history(run.prompt_id)
        if entry is None:
            return
        await asyncio.wait((run.done,), timeout=_GRACE_FOR_SOCKET_S)
        if not run.done.done():
            log.debug("The socket did not report the end of %s; history did.", run.prompt_id)
            self._listener.renew()
        run.take_history(entry)

    async def _check_lost(self, run: PromptRun) -> None:
        """Raise if the server said that it knows nothing of the prompt, or is there no more.

        No answer is not that: it may be busy, or this process out of descriptors.
        """
        if await self._ask.says_unknown(run.prompt_id):
            await asyncio.wait((run.done,), timeout=_GRACE_FOR_SOCKET_S)
            why = (
                f"The server no longer knows the prompt {run.prompt_id}: it was deleted from the "
                "queue or the history."
            )
        else:
            refused = self._ask.refused_since
            if refused is None or time.monotonic() - refused < REFUSED_FOR_S:
                return
            why = f"The server at {self._ask.base_url} is gone: it refuses connections."
        if not run.done.done():
            raise RunLost(f"{why} Whether it ran is not known.", prompt_id=run.prompt_id)

    async def _check_stopped(self, run: PromptRun) -> None:
        """End the wait for a server that runs nothing any more, where its socket did not say so."""
        reason = None if self._note_stopped is None else await self._ask.stopped()
        if reason is not None and self._note_stopped is not None:
            self._note_stopped(reason)
            await asyncio.wait((run.done,), timeout=_GRACE_FOR_SOCKET_S)
