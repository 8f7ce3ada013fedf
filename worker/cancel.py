"""Gets a prompt out of a server again: off the queue, or interrupted, until it is gone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from .queries import REPLY_TIMEOUT_S, Queries
from .runs import Run
from .transport import Transport, TransportError

log = logging.getLogger("discomfort.worker")

GRACE_S = 60.0  # a node that runs on after that is ended with its worker


class Canceller:
    """Cancels runs of one server.

    Args:
        is_gone: whether the server's process ended.
        kill: ends the server when a node does not heed an interrupt; None where it is not ours.
    """

    def __init__(
        self,
        http: Transport,
        ask: Queries,
        is_gone: Callable[[], bool],
        kill: Callable[[], None] | None,
    ):
        self._http, self._ask = http, ask
        self._is_gone, self._kill = is_gone, kill
        self._tasks: set[asyncio.Task[None]] = set()

    async def cancel(self, run: Run, queueing: asyncio.Future[None]) -> None:
        """Get the prompt out of the server, and return when it is.

        A second cancellation stops waiting.

        Args:
            queueing: ends with the reply to its POST /prompt.
        """
        task = asyncio.ensure_future(self._remove(run, queueing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _remove(self, run: Run, queueing: asyncio.Future[None]) -> None:
        """Delete it from the queue and interrupt it, again and again until it is neither there nor
        running.

        An interrupt is forgotten when a prompt starts right after it (0.3.64 to 0.33
        execution.py), and is seen only between nodes and in their progress.
        """
        await asyncio.wait((queueing,), timeout=GRACE_S)
        if queueing.done() and not queueing.cancelled():
            failure = queueing.exception()
            if failure is not None and getattr(failure, "prompt_id", None) is None:
                return  # refused: there is nothing to remove
        deadline, pause_s = time.monotonic() + GRACE_S, 0.02
        while not self._is_gone() and not run.is_history_written:
            try:
                await self._http.post("/queue", {"delete": [run.prompt_id]}, REPLY_TIMEOUT_S)
                await self._http.post("/interrupt", {"prompt_id": run.prompt_id}, REPLY_TIMEOUT_S)
            except TransportError as e:
                log.debug("The interrupt did not get through: %s", e)
            queue = await self._ask.queued_ids()
            if queue is not None and run.prompt_id not in queue:
                return
            if time.monotonic() > deadline:
                await self._give_up_on(run)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.25)

    async def _give_up_on(self, run: Run) -> None:
        if self._kill is None:
            log.error("Prompt %s does not heed the interrupt; it runs on.", run.prompt_id)
            return
        node = f"node {run.current_node}" if run.current_node else "ComfyUI, before its first node,"
        log.error("The interrupt has no effect on %s; the worker is ended.", node)
        await asyncio.to_thread(self._kill)
