"""One nested ComfyUI: start, wait until it is ours and ready, watch, stop, clean up.

Everything here blocks and runs in threads of its own, so a worker outlives the event loop that
asked for it. `spawn.py` starts the program; `client.py` talks to the server.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from typing import Any

from ...errors import ConfigError, WorkerStartError
from ..client.uploads import remove_journaled
from .hello import Answer, Ready, ask_hello
from .launch import Launch
from .output_log import OutputLog, describe_exit, was_killed
from .spawn import POSIX, spawn
from .tcp_ports import free_port, is_free, listening_ports
from .windows_job import close_job, put_in_job
from .worker_folder import WorkerFolder, make_worker_folder

log = logging.getLogger("discomfort.worker")

_POLL_S = 0.05
_PORT_TRIES = 5


class StopStep(Enum):
    """The steps of stopping, each with the seconds it may take before the next."""

    ASK = 3.0
    TERMINATE = 2.0
    KILL = 10.0


class WorkerProcess:
    """A ComfyUI process of our own. `start` once, `stop` at any time, any number of times.

    Attributes:
        ready: resolves to `Ready`, or to the `WorkerStartError` that says why not.
        ended: set when the process is gone and cleaned up; `exit_code` is known then.
    """

    def __init__(self, launch: Launch):
        self.launch = launch
        self.ready: Future[Ready] = Future()
        self.ended = threading.Event()
        self.exit_code: int | None = None
        self.output: OutputLog | None = None
        self._on_end: list[Callable[[], None]] = []
        self._folder: WorkerFolder | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._exited = threading.Event()
        self._is_stopping = False
        self._lock = threading.Lock()
        self._token = secrets.token_urlsafe(32)

    # The thread that starts the process also stays with it: on Linux the worker gets its death
    # signal when that thread ends.
    def start(self) -> Future[Ready]:
        """Start in the background.

        Returns:
            `ready`.
        """
        _living.add(self)
        threading.Thread(target=self._live, name="discomfort-worker", daemon=True).start()
        return self.ready

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def log_path(self) -> str | None:
        return str(self._folder.log_path) if self._folder else None

    @property
    def folder(self) -> Path | None:
        """The worker's own folder, removed at its end."""
        return self._folder.path if self._folder else None

    @property
    def is_alive(self) -> bool:
        return self._popen is not None and not self._exited.is_set()

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back, in the worker's thread, once the process is gone. At once if it is already."""
        with self._lock:
            if not self.ended.is_set():
                self._on_end.append(callback)
                return
        callback()

    def stop(self) -> None:
        """Ask, terminate, kill; then wait until the folder is gone. Blocks, never raises."""
        self._is_stopping = True
        for step in StopStep:
            if self._exited.is_set():
                break
            self._signal(step)
            self._exited.wait(step.value)
        # A process in the midst of being started sees `_is_stopping` and ends itself.
        if not self.ended.wait(StopStep.KILL.value):
            log.error("The worker (pid %s) did not end, even when killed.", self.pid)

    def _signal(self, step: StopStep) -> None:
        popen = self._popen
        if popen is None:
            return
        log.debug("Stopping the worker, pid %s: %s.", popen.pid, step.name.lower())
        try:
            if not POSIX:
                popen.kill() if step is StopStep.KILL else popen.terminate()
            elif step is StopStep.ASK:
                os.kill(popen.pid, signal.SIGINT)
            else:
                number = signal.SIGTERM if step is StopStep.TERMINATE else signal.SIGKILL
                os.killpg(popen.pid, number)
        except (ProcessLookupError, PermissionError) as e:
            log.debug("pid %s: %s", popen.pid, e)

    def _live(self) -> None:
        """The whole life of the process, in its own thread."""
        job = None
        try:
            self._folder = make_worker_folder()
            self.output = OutputLog(self._folder.log_path)
            ready, job = self._start_until_ready(self._folder, self.output)
            self.ready.set_result(ready)
            self._wait_for_exit()
        except Exception as e:  # whatever it is, the one who waits for `ready` must hear of it
            self._end_now()
            if not self.ready.done():
                self.ready.set_exception(self._as_start_error(e))
            else:
                log.exception("The worker's thread failed.")
        finally:
            close_job(job)
            self._finish()

    def _start_until_ready(
        self, folder: WorkerFolder, output: OutputLog
    ) -> tuple[Ready, int | None]:
        """Launch, once or with several ports, until our own server answers."""
        first = self.launch.initial_port
        deadline = time.monotonic() + self.launch.start_timeout_s
        for attempt in range(_PORT_TRIES):
            port = free_port(first + attempt) if first else 0
            self._launch_process(folder, output, port)
            job = put_in_job(self._popen)
            try:
                return self._wait_until_ready(output, deadline), job
            except WorkerStartError:
                is_taken = bool(port) and self._exited.is_set() and not is_free(port)
                if not is_taken or attempt == _PORT_TRIES - 1:
                    raise
                close_job(job)
                log.info("Port %d was taken in the meantime; trying the next.", port)
                first = port
        raise AssertionError("unreachable")

    def _launch_process(self, folder: WorkerFolder, output: OutputLog, port: int) -> None:
        self._exited.clear()
        self._popen = spawn(self.launch, folder, port, self._token)
        output.follow(self._popen)
        folder.note_process(self._popen.pid)

    def _wait_until_ready(self, output: OutputLog, deadline: float) -> Ready:
        """Until our server answers with our token; any other on any port is no answer."""
        assert self._popen
        while time.monotonic() < deadline:
            if self._is_stopping:
                raise WorkerStartError("The worker was stopped while it started.")
            if self._popen.poll() is not None:
                self._reap()
                raise self._ended_early(self.exit_code)
            for port in listening_ports(self._popen.pid):
                answer = ask_hello(port, self._token)
                if isinstance(answer, Ready):
                    self._check_packages(answer.hello)
                    return answer
                if answer is Answer.UNGUARDED:
                    raise WorkerStartError(
                        "ComfyUI runs, but could not load this extension, so nothing guards it; it "
                        "was ended. The log has the reason after 'IMPORT FAILED'."
                        f"{self._where_to_look()}"
                    )
            time.sleep(_POLL_S)
        raise WorkerStartError(
            f"ComfyUI did not get ready within {self.launch.start_timeout_s:.0f} s. Raise "
            f"MAX_COMFY_START_ATTEMPTS if it only needs longer.{self._where_to_look()}"
        )

    def _ended_early(self, code: int | None) -> WorkerStartError:
        is_killed = was_killed(code)
        if is_killed:
            hint = "The next run tries again; if it is killed again, free memory first."
        else:
            hint = "Put right what the log complains of, and run again."
        return WorkerStartError(
            f"ComfyUI ended while it started, with exit code {code} ({describe_exit(code)}). {hint}"
            f"{self._where_to_look()}",
            was_killed=is_killed,
        )

    def _check_packages(self, hello: dict[str, Any]) -> None:
        missing = hello.get("missing")
        if missing:
            raise WorkerStartError(
                f"ComfyUI's Python lacks {', '.join(missing)}. This installs what is missing:\n"
                f'  "{self.launch.command[0]}" -m pip install {" ".join(missing)}'
            )

    def _where_to_look(self) -> str:
        lines = "\n".join(f"  | {line}" for line in self.last_lines(15))
        return f" Its log: {self.log_path}\n{lines}" if lines else f" Its log: {self.log_path}"

    def last_lines(self, count: int) -> tuple[str, ...]:
        """The newest lines of the worker's output."""
        return self.output.last_lines(count) if self.output else ()

    def _as_start_error(self, error: Exception) -> Exception:
        if isinstance(error, ConfigError):  # what was asked for is wrong, not the start
            return error
        if isinstance(error, WorkerStartError):
            error.log_path = self.log_path
            return error
        failure = WorkerStartError(
            f"The worker could not be started: {error}", log_path=self.log_path
        )
        failure.__cause__ = error
        return failure

    def _wait_for_exit(self) -> None:
        assert self._popen
        if hasattr(os, "waitid"):
            # Leaves it a zombie: its number can't go to another group before `_reap` ends the
            # group.
            os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)  # type: ignore[attr-defined]
        else:
            self._popen.wait()
        self._reap()

    def _reap(self) -> None:
        """End what the worker's nodes left running in its group, then take its exit code."""
        assert self._popen
        if POSIX:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self.exit_code = self._popen.wait()
        if self.output:
            self.output.close()
        self._exited.set()

    def _end_now(self) -> None:
        """Kill what a failed start left."""
        if self._popen is not None and not self._exited.is_set():
            if not POSIX:
                self._popen.kill()
            self._reap()

    def _finish(self) -> None:
        self._exited.set()
        if self._folder:
            is_clean = self._is_stopping and self.ready.exception() is None
            if self._is_stopping:  # after a crash, the next worker needs them
                remove_journaled(self._folder.path)
            try:
                self._folder.remove(with_log=is_clean)
            except OSError:
                log.exception("%s could not be removed.", self._folder.path)
        with self._lock:
            self.ended.set()
            callbacks, self._on_end = self._on_end, []
        _living.discard(self)
        for callback in callbacks:
            try:
                callback()
            except Exception:
                log.exception("What waited for the end of the worker failed.")


_living: set[WorkerProcess] = set()
_master_pid = os.getpid()


def stop_all() -> None:
    """Stop every worker of this process. Runs at exit too."""
    if os.getpid() != _master_pid:  # a forked child: they are not its own
        return
    for worker in list(_living):
        worker.stop()


atexit.register(stop_all)
