"""Starts ComfyUI and waits until it is ours and ready, on another port where one is taken."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from ...errors import WorkerStartError
from .child import Child
from .hello import Answer, Ready, ask_hello
from .output_log import OutputLog
from .settings import Launch
from .spawn import spawn
from .start_failures import ended_early, lacks_packages, not_ready, unguarded
from .tcp_ports import free_port, is_free, listening_ports
from .worker_folder import WorkerFolder

log = logging.getLogger("discomfort.worker")

_POLL_S = 0.05
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
        self._deadline = time.monotonic() + launch.start_timeout_s

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
        """Until our server answers with our token; any other on any port is no answer."""
        while time.monotonic() < self._deadline:
            if self._is_stopping():
                raise WorkerStartError("The worker was stopped while it started.")
            if child.popen.poll() is not None:
                child.reap()
                raise ended_early(child.exit_code, self._output)
            for port in listening_ports(child.pid):
                answer = ask_hello(port, self._token)
                if isinstance(answer, Ready):
                    if answer.hello.get("missing"):
                        raise lacks_packages(self._launch.command[0], answer.hello["missing"])
                    return answer
                if answer is Answer.UNGUARDED:
                    raise unguarded(self._output)
            time.sleep(_POLL_S)
        raise not_ready(self._launch.start_timeout_s, self._output)
