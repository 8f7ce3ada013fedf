"""One worker and the client that talks to it, kept together: start, join a start, death, stop.

Below `ComfyConnector`, and as many as one likes. What waits here waits on threads, never on one
event loop, so a script may call `asyncio.run` again and again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..errors import ExecutionError, WorkerDied
from .client.client import Client
from .client.run_state import RunState, name_of
from .keeper.kept_process import KeptProcess
from .keeper.record import has_keepers
from .launch.hello import Ready
from .launch.output_log import describe_exit
from .launch.process import WorkerProcess
from .launch.settings import Launch
from .launch.start_failures import not_ready
from .start_notice import wait_shown

log = logging.getLogger("discomfort.worker")

_LINES_IN_ERRORS = 12


class Worker:
    """A nested ComfyUI that is started when needed, and again after it died.

    Args:
        keep_s: for how many idle seconds it is to wait for the next script; 0: for none. None: one
            that waits already is taken, and left as it was.

    Attributes:
        starts: how many servers there were; what was learned from one holds for that one only.
    """

    def __init__(self, launch: Launch, keep_s: float | None = 0.0):
        self.launch = launch
        self.keep_s = keep_s
        self.starts = 0
        self._process: WorkerProcess | KeptProcess | None = None
        self._client: Client | None = None
        self._starting: Future[Client] | None = None
        self._lock = threading.Lock()

    @property
    def process(self) -> WorkerProcess | KeptProcess | None:
        return self._process

    @property
    def client(self) -> Client | None:
        """The client of the server that runs now; None when none does."""
        client = self._client
        return client if client is not None and not client.is_gone else None

    @property
    def is_starting(self) -> bool:
        return self._starting is not None and not self._starting.done()

    @property
    def has_failed(self) -> bool:
        """There was a server, or a try, and there is none now."""
        return self._process is not None and self.client is None and not self.is_starting

    async def ensure_ready(self, timeout_s: float | None = None) -> Client:
        """The client of a living server; starts one, or joins a start that is under way.

        Args:
            timeout_s: how long this caller waits for it.

        Raises:
            WorkerStartError: with the reason and the last lines of the log.
        """
        client = self.client
        if client is not None:
            return client
        # A caller who is cancelled leaves the start alone: others may wait for it.
        start = asyncio.shield(asyncio.wrap_future(self._begin()))
        start.add_done_callback(_look_at)  # it may fail after this caller has gone
        process = self._process
        assert process is not None
        if not await wait_shown(start, lambda: process.start_words, timeout_s):
            process.keeps_log = True  # the error names it
            lines, path = process.last_lines(_LINES_IN_ERRORS), process.log_path
            raise not_ready(timeout_s or 0.0, "start_timeout=", lines, path)
        return start.result()

    def _begin(self) -> Future[Client]:
        with self._lock:
            if self.client is None and not self.is_starting:
                process = self._make_process()
                starting: Future[Client] = Future()
                self._process, self._starting, self._client = process, starting, None
                process.start().add_done_callback(
                    lambda ready: self._on_ready(process, starting, ready)
                )
            assert self._starting is not None
            return self._starting

    def _make_process(self) -> WorkerProcess | KeptProcess:
        is_kept = has_keepers() if self.keep_s is None else self.keep_s > 0
        return KeptProcess(self.launch, self.keep_s) if is_kept else WorkerProcess(self.launch)

    def _on_ready(
        self,
        process: WorkerProcess | KeptProcess,
        starting: Future[Client],
        ready: Future[Ready],
    ) -> None:
        """In the worker's thread: make the client, or pass the failure on."""
        error = ready.exception()
        if error is not None:
            starting.set_exception(error)
            return
        server = ready.result()
        try:
            client = Client(
                f"http://{server.address}",
                server.auth_headers,
                kill=process.stop,
                log_path=process.log_path,
                pid=process.pid,
            )
        except Exception as e:  # those who wait must get it
            starting.set_exception(e)
            return
        client.folders = server.hello.get("folders") or {}
        self.starts += 1
        self._client = client
        process.on_end(lambda: client.server_gone(lambda run: worker_died(process, run)))
        log.info("The worker is ready at %s, pid %s.", server.address, server.hello.get("pid"))
        starting.set_result(client)

    @property
    def _ready(self) -> Ready | None:
        process = self._process
        if process is None or not process.ready.done() or process.ready.exception():
            return None
        return process.ready.result()

    @property
    def hello(self) -> dict[str, Any] | None:
        """What the running server said about itself."""
        ready = self._ready
        return ready.hello if ready else None

    @property
    def auth_headers(self) -> dict[str, str]:
        """What every request to the running server must have."""
        ready = self._ready
        return dict(ready.auth_headers) if ready else {}

    def journal_folder(self) -> Path | None:
        """The running server's own folder: the next start looks into it, if we can't."""
        return self._process.folder if self._process else None

    def stop(self) -> None:
        """End the server, if there is one. Blocks; safe at any time."""
        self._leave(lambda process: process.stop())

    def let_go(self) -> None:
        """Leave the server to the next script, if it is kept; end it otherwise. As `stop`."""

        def let_go(process: WorkerProcess | KeptProcess) -> None:
            if isinstance(process, KeptProcess):
                process.keep_s = self.keep_s
            process.let_go()

        self._leave(let_go)

    def _leave(self, leave: Callable[[WorkerProcess | KeptProcess], None]) -> None:
        with self._lock:
            process = self._process
        if process is not None:
            leave(process)
        client, self._client = self._client, None
        if client is not None:
            client.leave()


def _look_at(start: asyncio.Future[Client]) -> None:
    """Take note of a failure that may have no one left to look at it."""
    if not start.cancelled():
        start.exception()


def worker_died(process: WorkerProcess | KeptProcess, run: RunState | None) -> ExecutionError:
    """The error for a run that waited when the process ended; None: for one that was to begin."""
    if process.is_stopping:
        return WorkerDied(
            "The worker was stopped (shutdown, kill_api, or the end of the script).",
            prompt_id=run.prompt_id if run else None,
            exit_code=process.exit_code,
            log_path=process.log_path,
        )
    lines = process.last_lines(_LINES_IN_ERRORS)
    node_id = run.current_node if run else None
    where = ""
    if run is not None and node_id is not None:
        node_type, title = name_of(run.prompt, run.display_node)
        where = f" while node {node_id} {title!r} ({node_type}) ran"
    meaning = describe_exit(process.exit_code)
    tail = "".join(f"\n  | {line}" for line in lines)
    return WorkerDied(
        f"The worker died{where}: exit code {process.exit_code} ({meaning}). "
        f"The next run starts a new one. Its log: {process.log_path}{tail}",
        prompt_id=run.prompt_id if run else None,
        exit_code=process.exit_code,
        node_id=node_id,
        last_log_lines=lines,
        log_path=process.log_path,
    )
