"""Drives one server: queues prompts, waits for their end, cancels them.

A client lives as long as its server; `worker/server.py` makes a new one for a new server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import ExecutionError, Problem, RunLost, ValidationFailed
from ...system.ctrl_c import heard
from ...system.patience import Patience, wait_saying
from ...system.processes import describe
from .await_end import EndWatch
from .cancel import Canceller
from .events import Event, PromptThreadEnded
from .failures import ended_badly, never_sent, runs_nothing, timed_out
from .http import Transport, TransportError
from .listener import Listener
from .open_runs import MakeError, OpenRuns
from .options import TIME_IS_OVER, Limits, OutOfTime, OwnOptions, check_options
from .prompt_run import CallbackFailed, PromptRun
from .queries import HistoryTrimmer, Queries
from .queue_prompt import DEATH_WAIT_S, queue_prompt
from .run_state import RunResult, name_of, result_of
from .shown_files import names_files, shown_files

if TYPE_CHECKING:
    from typing_extensions import Unpack

log = logging.getLogger("discomfort.worker")

_CONNECT_WAIT_S = 5.0
_REMOVAL_WAIT_S = 5.0  # after a timeout, for the prompt to be out; the docstrings name it


class Client:
    """One server's runs.

    Attributes:
        folders: the server's on this machine, by type ("output", "temp", "input").

    Args:
        base_url: for instance "http://127.0.0.1:8188".
        headers: what the server wants to see in every request.
        kill: ends the server when a node does not heed an interrupt; None where it is not ours.
        log_path: of the server, for errors.
        pid: of the server, for what is said of it.
    """

    def __init__(
        self,
        base_url: str,
        headers: dict[str, str],
        *,
        kill: Callable[[], None] | None = None,
        log_path: str | None = None,
        pid: int | None = None,
    ):
        self.folders: Mapping[str, str] = {}
        self.http = Transport(base_url, headers)
        self._pid = pid
        self.ask = Queries(self.http, log_path, self.describe)
        self.log_path = log_path
        self._is_ours = kill is not None
        self._runs = OpenRuns(HistoryTrimmer(self.http))
        self._canceller = Canceller(self.http, self.ask, lambda: self.is_gone, kill, self.describe)
        self.listener = Listener(self.http.websocket_url, headers, self._feed)
        self._ends = EndWatch(self.ask, self.listener, None if self._is_ours else self.note_stopped)

    @property
    def is_gone(self) -> bool:
        """Whether the server has ended."""
        return self._runs.is_cut_off

    def note_process(self, pid: int | None) -> None:
        """The server was started anew, as this process."""
        self._pid = pid

    def describe(self) -> str:
        """The server in words, for instance "ComfyUI, process 123 (python main.py)"."""
        if self._pid is None:
            return f"The ComfyUI at {self.http.base_url}"
        return f"ComfyUI, {describe(self._pid)},"

    def server_gone(self, make_error: MakeError) -> None:
        """The server's process ended: every run that waits fails with `make_error(its state)`.

        Any thread.
        """
        self.listener.finish()  # the last events say which node ran
        self._runs.cut_off(make_error)
        self.http.close_soon()

    def note_stopped(self, reason: str) -> None:
        """The server's prompt thread has ended: it is of no use any more. Any thread.

        A worker of our own ends for it, which says more.
        """
        if not self._is_ours and not self.is_gone:
            self.server_gone(lambda run: runs_nothing(self.http.base_url, reason, run))

    def _feed(self, event: Event) -> None:
        """In the thread that reads the socket."""
        if isinstance(event, PromptThreadEnded):
            self.note_stopped(event.reason)
        else:
            self._runs.feed(event)

    async def execute(self, prompt: Mapping[str, Any], **options: Unpack[OwnOptions]) -> RunResult:
        """Queue a prompt and wait for its end.

        Args:
            options: see `ComfyConnector.execute`.

        Raises:
            ValidationFailed, NodeFailed, RunInterrupted, RunTimeout, RunLost, WorkerDied.
        """
        check_options(options)
        limits = Limits.from_now(options)
        run = PromptRun(prompt, options.get("on_event"), options.get("needed"))
        with heard(lambda: f"{_at(run)}; press it again not to wait for its end"):
            return await self._execute(run, options, limits)

    async def _execute(self, run: PromptRun, options: OwnOptions, limits: Limits) -> RunResult:
        await self._connect(limits)
        if not await self._canceller.wait_for_removals(limits.left_s):
            raise never_sent(self._is_ours, self.log_path)
        self._runs.add(run)
        queueing = asyncio.ensure_future(
            queue_prompt(self.http, self.ask, run, self.listener.client_id, options)
        )
        queueing.add_done_callback(_look_at)
        try:
            return await self._see_through(run, queueing, limits)
        except RunLost as e:
            e.log_path = self.log_path
            raise
        finally:
            self._runs.remove(run)

    async def _connect(self, limits: Limits) -> None:
        """Give the socket time to open; without it the history reports the end."""
        if not self.listener.is_connected:
            connecting = asyncio.to_thread(self.listener.wait_connected, _CONNECT_WAIT_S)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(connecting, limits.left_s)

    async def _see_through(
        self, run: PromptRun, queueing: asyncio.Future[None], limits: Limits
    ) -> RunResult:
        """Wait for the end; whatever else ends the wait takes the prompt out of the server."""
        try:
            await self._until_queued(run, queueing, limits)
            done = await self._ends.wait(run, limits)
        except CallbackFailed as e:
            await self._canceller.cancel(run, queueing)
            assert e.__cause__ is not None
            raise e.__cause__ from None
        except OutOfTime as e:
            left = await self._canceller.cancel(run, queueing, _REMOVAL_WAIT_S)
            raise timed_out(run.state, str(e), left, self._is_ours, self.log_path) from None
        except ValidationFailed as e:
            if e.prompt_id is not None:  # a part of it is in the queue
                await self._canceller.cancel(run, queueing)
            raise
        except asyncio.CancelledError:
            await self._canceller.cancel(run, queueing)
            raise
        if done.status != "success":
            raise ended_badly(run.state, done, self.log_path)
        return await self._result_of(run)

    async def _result_of(self, run: PromptRun) -> RunResult:
        outputs = run.state.outputs
        if not names_files(outputs):
            return result_of(run.state)
        found = await asyncio.to_thread(shown_files, outputs, self.folders)
        for text in found.refused:
            log.warning(text)
        return result_of(run.state, found.files)

    async def _until_queued(
        self, run: PromptRun, queueing: asyncio.Future[None], limits: Limits
    ) -> None:
        """Wait for the reply to POST /prompt, or for the end of the server."""
        words = Patience(log, lambda: f"{self.describe()} has not yet taken a prompt")
        await wait_saying((queueing, run.done), words, limits.left_s, asyncio.FIRST_COMPLETED)
        if queueing.done():
            queueing.result()
        elif not run.done.done():
            if run.state.current_node is not None:  # it runs; the reply is on the way
                raise OutOfTime(TIME_IS_OVER)
            raise OutOfTime("the worker has not yet said that it queued it")

    async def object_info(self) -> dict[str, Any]:
        """The server's /object_info, asked once."""
        return await self._answered(self.ask.object_info())

    async def node_replacements(self) -> dict[str, Any]:
        """The server's /node_replacements."""
        return await self._answered(self.ask.node_replacements())

    async def pack_rules(self) -> dict[str, Any]:
        """The rules that the server's node packs brought, asked once."""
        return await self._answered(self.ask.pack_rules())

    async def _answered(self, question: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Its answer.

        Raises:
            WorkerDied, ExecutionError: there is none.
        """
        try:
            return await question
        except TransportError as e:
            await self._wait_for_death()
            if self._runs.is_cut_off:
                raise self._runs.error_of(None) from e
            raise ExecutionError(
                f"The server does not answer ({e}). Run again; a worker that died is replaced.",
                log_path=self.log_path,
            ) from e

    async def _wait_for_death(self) -> None:
        """After a broken connection: wait until the process is known to have ended, if it did."""
        deadline = time.monotonic() + DEATH_WAIT_S
        # Another thread sets it, which an asyncio.Event does not bear.
        while self._is_ours and not self.is_gone:  # noqa: ASYNC110
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.02)

    def leave(self) -> None:
        """End the socket, and what was asked early. Any thread."""
        self.listener.close()
        self.ask.drop_early()

    async def close(self) -> None:
        """End the socket and this loop's connections. Runs that wait do not hear of it."""
        self.leave()
        await self.http.close()


def _at(run: PromptRun) -> str:
    """What an interrupt does to a run."""
    node_id = run.state.current_node
    if node_id is None:
        return "the prompt is taken out of ComfyUI"
    node = Problem("", node_id, *name_of(run.state.prompt, node_id))
    return f"ComfyUI is told to stop at {str(node).rstrip(': ')}"


def _look_at(task: asyncio.Future[None]) -> None:
    """Take note of a failure that may have no one left to look at it."""
    if not task.cancelled():
        task.exception()
