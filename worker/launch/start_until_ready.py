"""Starts ComfyUI and waits until it is ours and ready, on another port where one is taken."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable

from ...errors import WorkerStartError
from .activity import Activity, read_signs
from .child import Child
from .hello import Answer, Ready, ask_hello
from .output_log import OutputLog
from .settings import Launch
from .spawn import spawn
from .start_failures import ended_early, lacks_packages, not_ready, stands_still, unguarded
from .tcp_ports import free_port, is_free, listening_ports
from .worker_folder import WorkerFolder

log = logging.getLogger("discomfort.worker")

STILL_S = 120.0  # a start in which nothing happens for so long will not end well
_LOOK_S = 2.0
_POLL_S = 0.05
_LONGEST_PAUSE_S = 1.0
_LINES = 15
_PORT_TRIES = 5


class Starter:
    """One start, in the thread that stays with the process.

    Args:
        keep: called with each program that was started, at once, so that others can end it.
        is_stopping: whether the start is to be given up.
    """

    def __init__(
        self,
        launch: Launch,
        folder: WorkerFolder,
        output: OutputLog,
        keep: Callable[[Child], None],
        is_stopping: Callable[[], bool],
    ):
        self._launch, self._folder, self._output = launch, folder, output
        self._keep, self._is_stopping = keep, is_stopping
        self._token = secrets.token_urlsafe(32)
        self._began = time.monotonic()

    def start_until_ready(self) -> tuple[Child, Ready]:
        """Start it, once or with several ports, until our own server answers.

        Raises:
            WorkerStartError, ConfigError: it may still run; the one who keeps it ends it.
        """
        first = self._launch.initial_port
        for attempt in range(_PORT_TRIES):
            port = free_port(first + attempt) if first else 0
            child = self._start(port)
            try:
                return child, self._wait_until_ready(child)
            except WorkerStartError:
                is_taken = bool(port) and child.exited.is_set() and not is_free(port)
                if not is_taken or attempt == _PORT_TRIES - 1:
                    raise
                log.info("Port %d was taken in the meantime; trying the next.", port)
                first = port
        raise AssertionError("unreachable")

    def _start(self, port: int) -> Child:
        child = Child(spawn(self._launch, self._folder, port, self._token), self._output)
        self._keep(child)
        child.follow()
        self._folder.note_process(child.pid)
        return child

    def _wait_until_ready(self, child: Child) -> Ready:
        """Until our server answers with our token; any other on any port is no answer.

        As long as it makes progress; or not longer than the configuration allows.
        """
        activity = Activity(time.monotonic(), read_signs(child.pid, self._output.count))
        next_look, asks = time.monotonic() + _LOOK_S, _Asks(self._token)
        while True:
            if self._is_stopping():
                raise WorkerStartError("The worker was stopped while it started.")
            if child.popen.poll() is not None:
                child.reap()
                raise ended_early(child.exit_code, self._output, self._launch.command[0])
            answer = asks.ask(listening_ports(child.pid))
            if isinstance(answer, Ready):
                if answer.hello.get("missing"):
                    raise lacks_packages(self._launch.command[0], answer.hello["missing"])
                return answer
            if answer is Answer.UNGUARDED:
                raise unguarded(self._output)
            now = time.monotonic()
            if now >= next_look:
                activity.look(now, read_signs(child.pid, self._output.count))
                next_look = now + _LOOK_S
            self._check_patience(child, activity.still_s)
            time.sleep(_POLL_S)

    def _check_patience(self, child: Child, still_s: float) -> None:
        """Raise if it took too long, or stands still."""
        limit_s = self._launch.start_timeout_s
        if limit_s is not None and time.monotonic() - self._began > limit_s:
            lines, path = self._output.last_lines(_LINES), self._output.path
            raise not_ready(limit_s, "comfy_serverless.json", lines, path)
        if still_s >= STILL_S:
            raise stands_still(still_s, child.pid, self._output)


class _Asks:
    """Asks the ports of one start; one that did not answer well ever more seldom.

    It may be an extension's own server: to ask it again and again would keep that busy.
    """

    def __init__(self, token: str):
        self._token = token
        self._next: dict[int, tuple[float, float]] = {}

    def ask(self, ports: Iterable[int]) -> Ready | Answer:
        for port in ports:
            due, pause_s = self._next.get(port, (0.0, _POLL_S))
            if time.monotonic() < due:
                continue
            answer = ask_hello(port, self._token)
            if answer is not Answer.NOTHING:
                return answer
            self._next[port] = time.monotonic() + pause_s, min(2 * pause_s, _LONGEST_PAUSE_S)
        return Answer.NOTHING
