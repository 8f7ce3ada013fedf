"""Cancels a prompt: deletes it from the queue or interrupts it, until it neither waits nor runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from enum import Enum

from ...system.patience import Patience, wait_saying
from .http import Transport, TransportError
from .prompt_run import PromptRun
from .queries import REPLY_TIMEOUT_S, Queries

log = logging.getLogger("discomfort.worker")

GRACE_S = 60.0  # a prompt that is not gone after that is ended with its worker
_FIRST_TRY_S = 1.0  # what a try has at least, where the reply to the POST took all the time
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.25


class Left(Enum):
    """What became of a prompt that was to be taken out of a server."""

    GONE = "it is out"
    RUNNING = "the server answers, but what runs does not heed the interrupt"
    SILENT = "the server does not answer"


class Canceller:
    """Cancels runs of one server.

    Args:
        is_gone: whether the server's process ended.
        kill: ends the server when a node does not heed an interrupt; None where it is not ours.
        who: the server in words.
    """

    def __init__(
        self,
        http: Transport,
        ask: Queries,
        is_gone: Callable[[], bool],
        kill: Callable[[], None] | None,
        who: Callable[[], str],
    ):
        self._who = who
        self._http, self._ask = http, ask
        self._is_gone, self._kill = is_gone, kill
        self._tasks: dict[asyncio.Task[None], PromptRun] = {}
        self._unfinished: list[PromptRun] = []
        self._answered: set[str] = set()
        self._has_jobs = True  # until the server says that it has no such route

    async def cancel(
        self, run: PromptRun, queueing: asyncio.Future[None] | None, wait_s: float | None = None
    ) -> Left:
        """Take the prompt out of the server, and return when it is out.

        A second cancellation stops waiting, as the end of `wait_s` does; the removal goes on.

        Args:
            queueing: ends with the reply to its POST /prompt.
            wait_s: seconds to wait for it; None: as long as it takes.
        """
        task = self._begin(run, queueing)
        await wait_saying((task,), Patience(log, lambda: self._what_is_waited_for([run])), wait_s)
        if task.done():
            task.result()
            return Left.GONE
        return Left.RUNNING if run.prompt_id in self._answered else Left.SILENT

    async def wait_for_removals(self, wait_s: float | None) -> bool:
        """Wait until no prompt that was given up is in the server any more, or the server is gone.

        What is sent before would wait behind it, and end with a worker that is ended for it.

        Returns:
            Whether it came to that within `wait_s` seconds.
        """
        unfinished, self._unfinished = self._unfinished, []
        for run in unfinished:
            self._begin(run, None)
        loop = asyncio.get_running_loop()
        tasks = {task: run for task, run in self._tasks.items() if task.get_loop() is loop}
        if not tasks:
            return True
        words = Patience(log, lambda: self._what_is_waited_for(tasks.values()))
        return await wait_saying(tasks.keys(), words, wait_s)

    def _what_is_waited_for(self, runs: Iterable[PromptRun]) -> str:
        nodes = [run.state.current_node for run in runs if run.state.current_node]
        where = f" (at node {', '.join(nodes)})" if nodes else ""
        return f"{self._who()} is not yet done with a prompt that was given up{where}"

    def _begin(self, run: PromptRun, queueing: asyncio.Future[None] | None) -> asyncio.Task[None]:
        run.is_given_up = True
        task = asyncio.ensure_future(self._remove_or_keep(run, queueing))
        self._tasks[task] = run
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    async def _remove_or_keep(self, run: PromptRun, queueing: asyncio.Future[None] | None) -> None:
        try:
            await self._remove(run, queueing)
        except asyncio.CancelledError:
            self._unfinished.append(run)  # the loop ends: the next one goes on with it
            raise
        finally:
            self._answered.discard(run.prompt_id)

    async def _remove(self, run: PromptRun, queueing: asyncio.Future[None] | None) -> None:
        """Delete it from the queue and interrupt it, until it neither waits nor runs.

        An interrupt is forgotten when a prompt starts right after it (0.3.64 to 0.33
        execution.py), and is seen only between nodes and in their progress.
        """
        deadline, pause_s = time.monotonic() + GRACE_S, _FIRST_PAUSE_S
        if queueing is not None and not await _is_sent(queueing, GRACE_S):
            return
        while not self._is_gone() and not run.state.is_history_written:
            left = max(_FIRST_TRY_S, deadline - time.monotonic())
            if await self._try_to_remove(run.prompt_id, min(left, REPLY_TIMEOUT_S)):
                return
            if time.monotonic() > deadline:
                await self._give_up_on(run)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _try_to_remove(self, prompt_id: str, timeout_s: float) -> bool:
        """Ask once; whether the server says that it has the prompt no more."""
        try:
            await self._ask_to_remove(prompt_id, timeout_s)
        except TransportError as e:
            log.debug("The interrupt did not get through: %s", e)
            self._answered.discard(prompt_id)
            return False
        queue = await self._ask.queued_ids()
        if queue is None:
            return False
        self._answered.add(prompt_id)
        return prompt_id not in queue

    async def _ask_to_remove(self, prompt_id: str, timeout_s: float) -> None:
        """In one step where the server knows how (0.33 does): it never hits another prompt, and
        misses none that starts between two requests.
        """
        if self._has_jobs:
            reply = await self._http.post(f"/api/jobs/{prompt_id}/cancel", {}, timeout_s)
            if reply.status == 200:
                return
            self._has_jobs = reply.status not in (404, 405)
        await self._http.post("/queue", {"delete": [prompt_id]}, timeout_s)
        await self._http.post("/interrupt", {"prompt_id": prompt_id}, timeout_s)

    async def _give_up_on(self, run: PromptRun) -> None:
        if self._kill is None:
            log.error("Prompt %s does not heed the interrupt; it runs on.", run.prompt_id)
            return
        node_id = run.state.current_node
        node = f"node {node_id}" if node_id else "ComfyUI, before its first node,"
        log.error("The interrupt has no effect on %s; the worker is ended.", node)
        await asyncio.to_thread(self._kill)


async def _is_sent(queueing: asyncio.Future[None], wait_s: float) -> bool:
    """Wait for the reply to a POST /prompt; whether there may be a prompt to remove."""
    await asyncio.wait((queueing,), timeout=wait_s)
    if not queueing.done() or queueing.cancelled():
        return True
    failure = queueing.exception()
    return failure is None or getattr(failure, "prompt_id", None) is not None
