"""Drives one server: queues prompts, waits for their end, cancels them.

The socket tells the end at once; where it does not (dropped, taken over, mute), ComfyUI's history
does. A client lives as long as its server; `comfy_serverless.py` makes a new one for a new server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...errors import ExecutionError, RunLost, ValidationFailed
from .cancel import Canceller
from .events import Event, HistoryWritten, QueueStatus, RunStarted
from .failures import ended_badly, never_sent, refused, timed_out
from .http import Transport, TransportError
from .listener import Listener
from .prompt_run import CallbackFailed, Run, RunResult
from .queries import HistoryTrimmer, Queries

log = logging.getLogger("discomfort.worker")

_FIRST_LOOK_S = 0.25  # how long the socket has before history is asked for the first time
_SLOWEST_LOOK_S = 1.0
_GRACE_FOR_SOCKET_S = 0.1  # between the end in the history and the same end on the socket
_CONNECT_WAIT_S = 5.0
_DEATH_WAIT_S = 3.0  # between a broken connection and the news of the process's end
_REMOVAL_WAIT_S = 5.0  # after a timeout, for the prompt to be out; the docstrings name it
_REFUSED_FOR_S = 10.0  # a server that is not ours and refuses connections is gone


class _OutOfTime(Exception):
    """A limit was reached; says which."""


class Client:
    """One server's runs.

    Args:
        base_url: for instance "http://127.0.0.1:8188".
        headers: what the server wants to see in every request.
        kill: ends the server when a node does not heed an interrupt; None where it is not ours.
        log_path: of the server, for errors.
    """

    def __init__(
        self,
        base_url: str,
        headers: dict[str, str],
        *,
        kill: Callable[[], None] | None = None,
        log_path: str | None = None,
    ):
        self.http = Transport(base_url, headers)
        self.ask = Queries(self.http)
        self._trimmer = HistoryTrimmer(self.http)
        self.log_path = log_path
        self._kill = kill
        self._runs: dict[str, Run] = {}
        self._running: Run | None = None
        self._gone: Callable[[Run | None], ExecutionError] | None = None
        self._canceller = Canceller(self.http, self.ask, lambda: self.is_gone, kill)
        self._lock = threading.Lock()
        scheme, _, rest = self.http.base_url.partition("://")
        ws_scheme = "wss" if scheme == "https" else "ws"
        self.listener = Listener(f"{ws_scheme}://{rest}/ws", headers, self._on_event)

    @property
    def is_gone(self) -> bool:
        return self._gone is not None

    def server_gone(self, make_error: Callable[[Run | None], ExecutionError]) -> None:
        """The server's process ended: every run that waits fails with `make_error(run)`.

        Any thread.
        """
        self.listener.finish()  # the last events say which node ran
        with self._lock:
            self._gone = make_error
            runs = list(self._runs.values())
        for run in runs:
            run.fail(make_error(run))
        self.http.close_soon()

    async def execute(
        self,
        prompt: Mapping[str, Any],
        *,
        client_data: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        silence_timeout: float | None = None,
        on_event: Callable[[Event], Any] | None = None,
        needed: Collection[str] | None = None,
    ) -> RunResult:
        """Queue a prompt and wait for its end.

        Args:
            client_data: goes into the prompt's `extra_data`.
            timeout: seconds from now, waiting in the queue included. The prompt is then taken out;
                a worker that does not get it out in 5 s is not waited for any longer.
            silence_timeout: seconds without any news of this prompt once it runs.
            on_event: called in this loop with every event. What it raises cancels the run, and is
                raised.
            needed: the ids of the nodes that events count; None: all.

        Raises:
            ValidationFailed, NodeFailed, RunInterrupted, RunTimeout, RunLost, WorkerDied.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self.listener.is_connected:
            connecting = asyncio.to_thread(self.listener.wait_connected, _CONNECT_WAIT_S)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(connecting, _left(deadline))
        run = Run(prompt, asyncio.get_running_loop(), on_event, needed)
        if not await self._canceller.wait_for_removals(_left(deadline)):
            raise never_sent(self._kill is not None, self.log_path)
        self._register(run)
        queueing = asyncio.ensure_future(self._queue(run, client_data))
        queueing.add_done_callback(_look_at)
        try:
            try:
                await self._until(queueing, run, deadline)
                return await self._wait_for_end(run, deadline, silence_timeout)
            except CallbackFailed as e:
                await self._canceller.cancel(run, queueing)
                assert e.__cause__ is not None
                raise e.__cause__ from None
            except _OutOfTime as e:
                left = await self._canceller.cancel(run, queueing, _REMOVAL_WAIT_S)
                raise timed_out(run, str(e), left, self._kill is not None, self.log_path) from None
            except (asyncio.CancelledError, ValidationFailed) as e:
                if not (isinstance(e, ValidationFailed) and e.prompt_id is None):
                    await self._canceller.cancel(run, queueing)
                raise
        finally:
            self._trimmer.note_finished(run.prompt_id, run.is_history_written)
            self._runs.pop(run.prompt_id, None)

    def _register(self, run: Run) -> None:
        with self._lock:
            if self._gone is not None:
                raise self._gone(None)
            self._runs[run.prompt_id] = run

    async def _until(
        self, queueing: asyncio.Future[None], run: Run, deadline: float | None
    ) -> None:
        """Wait for the reply to POST /prompt, or for the end of the server."""
        await asyncio.wait(
            (queueing, run.done), timeout=_left(deadline), return_when=asyncio.FIRST_COMPLETED
        )
        if queueing.done():
            queueing.result()
        elif not run.done.done():
            raise _OutOfTime("the worker has not yet said that it queued it")

    async def _queue(self, run: Run, client_data: Mapping[str, Any] | None) -> None:
        body = {
            "prompt": run.prompt,
            "prompt_id": run.prompt_id,
            "client_id": self.listener.client_id,
            "extra_data": dict(client_data or {}),
        }
        try:
            reply = await self.http.post("/prompt", body)
        except TransportError as e:
            await self._explain_silence(run, e)
            return
        answer = reply.json()
        if reply.status != 200 or not isinstance(answer, dict):
            raise refused(run.prompt, reply.status, answer, reply.text)
        if answer.get("node_errors"):
            # ComfyUI would run what is left of it (execution.py `validate_prompt`): half a result.
            failure = refused(run.prompt, reply.status, answer)
            failure.prompt_id = run.prompt_id
            raise failure
        run.tell_queued(answer.get("number") or 0)

    async def _explain_silence(self, run: Run, error: TransportError) -> None:
        """The connection broke while the prompt was sent: did the server die, or get it after
        all?
        """
        await asyncio.wait((run.done,), timeout=_DEATH_WAIT_S)
        if run.done.done() or await self.ask.is_known(run.prompt_id):
            return
        raise RunLost(
            f"The connection broke while the prompt was queued ({error}), and the server "
            "knows nothing of it. It can be run again.",
            prompt_id=run.prompt_id,
            log_path=self.log_path,
        )

    async def _wait_for_end(
        self, run: Run, deadline: float | None, silence_timeout: float | None
    ) -> RunResult:
        look_s, next_check = _FIRST_LOOK_S, time.monotonic() + _SLOWEST_LOOK_S
        while not run.done.done():
            limit, why = _limit(run, deadline, silence_timeout)
            if limit is not None and time.monotonic() >= limit:
                raise _OutOfTime(why)
            await asyncio.wait((run.done,), timeout=min(look_s, _left(limit) or look_s))
            is_check = time.monotonic() >= next_check
            with contextlib.suppress(asyncio.TimeoutError):  # a server that does not answer
                await asyncio.wait_for(self._look(run, is_check), _left(limit))
            if is_check:
                next_check = time.monotonic() + _SLOWEST_LOOK_S
            look_s = (
                min(look_s * 1.5, _SLOWEST_LOOK_S) if self.listener.is_connected else _FIRST_LOOK_S
            )
        done = run.done.result()
        if done.status != "success":
            raise ended_badly(run.prompt, done, self.log_path)
        return run.result()

    async def _look(self, run: Run, is_check: bool) -> None:
        """Ask about a run whose end was not told yet; with `is_check`, whether it is lost."""
        if not run.done.done():
            await self._look_at_history(run)
        if is_check and not run.done.done():
            await self._check_lost(run)

    async def _look_at_history(self, run: Run) -> None:
        entry = await self.ask.history(run.prompt_id)
        if entry is None:
            return
        await asyncio.wait((run.done,), timeout=_GRACE_FOR_SOCKET_S)
        if not run.done.done():
            log.debug("The socket did not tell the end of %s; history did.", run.prompt_id)
            self.listener.renew()
        run.take_history(entry)

    async def _check_lost(self, run: Run) -> None:
        """Raise if the server knows nothing of the prompt, or is there no more."""
        if run.done.done():
            return
        if await self.ask.is_known(run.prompt_id):
            refused = self.ask.refused_since
            if refused is None or time.monotonic() - refused < _REFUSED_FOR_S:
                return
            why = f"The server at {self.http.base_url} is gone: it refuses connections."
        else:
            why = (
                f"The server no longer knows the prompt {run.prompt_id}: somebody deleted it from "
                "the queue or the history."
            )
        raise RunLost(
            f"{why} It can't be told whether it ran.",
            prompt_id=run.prompt_id,
            log_path=self.log_path,
        )

    async def object_info(self) -> dict[str, Any]:
        """The server's /object_info, asked once."""
        try:
            return await self.ask.object_info(self.log_path)
        except TransportError as e:
            await self._wait_for_death()
            if self._gone is not None:
                raise self._gone(None) from e
            raise RunLost(
                f"The server does not answer ({e}). Run again; a worker that died is replaced.",
                log_path=self.log_path,
            ) from e

    async def _wait_for_death(self) -> None:
        """After a broken connection: wait until the process is known to have ended, if it did."""
        deadline = time.monotonic() + _DEATH_WAIT_S
        # Another thread sets it, which an asyncio.Event does not bear.
        while self._kill is not None and self._gone is None:  # noqa: ASYNC110
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.02)

    def _on_event(self, event: Event) -> None:
        """Hand an event to its run. Called in the listener's thread."""
        if isinstance(event, QueueStatus):
            return
        if isinstance(event, HistoryWritten) and event.prompt_id not in self._runs:
            self._trimmer.note_written(event.prompt_id)
            return
        if event.prompt_id:
            run = self._runs.get(event.prompt_id)
            if isinstance(event, RunStarted):
                self._running = run
        else:
            run = self._running  # the server named no prompt: it is about the one that runs
        if run is not None:
            run.feed(event)

    async def close(self) -> None:
        """End the socket and this loop's connections. Runs that wait are not told."""
        self.listener.close()
        await self.http.close()


def _look_at(task: asyncio.Future[None]) -> None:
    """Take note of a failure that nobody may be left to look at."""
    if not task.cancelled():
        task.exception()


def _left(deadline: float | None) -> float | None:
    """Seconds until then."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _limit(
    run: Run, deadline: float | None, silence_timeout: float | None
) -> tuple[float | None, str]:
    """When a run that is not done by then is to be ended, and why."""
    if silence_timeout is not None and run.is_started:
        silent = run.last_heard + silence_timeout
        if deadline is None or silent < deadline:
            return silent, f"nothing was heard of it for {silence_timeout} s"
    return deadline, "the time given by timeout= is over"
