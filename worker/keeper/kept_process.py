"""What a script has of a worker that is kept: the same as `WorkerProcess`, whose place it takes.

The process itself is its keeper's. The connection to that is the script's hold on the worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil

from ...errors import ConfigError, WorkerStartError
from ...system.processes import is_running, started_at
from ..launch.hello import Ready
from ..launch.process import END_WAIT_S
from ..launch.settings import Launch
from ..launch.start_failures import as_start_error
from ..launch.start_words import doing, starting
from .job import Job, Script
from .start_keeper import Started, join_keeper, start_keeper
from .wire import Wire, no_keeper
from .worker_key import worker_key

log = logging.getLogger("discomfort.worker")

_LINES_TO_READ = 20
_LAST_BYTES = 1 << 18  # of the log: enough for the lines of an error
_LEAVE_WAIT_S = 2.0


class KeptProcess:
    """A worker that this script holds. `start` once; then `let_go`, or `stop` to end it for good.

    Args:
        keep_s: how long it is to wait for the next script; None: as it did before this one, and
            not at all if it is started for this one.

    Attributes:
        ready: resolves to `Ready`, or to the `WorkerStartError` that says why not.
        ended: set when this script does not have it any more.
        is_stopping: this script gave it up.
        exit_code: of the process, if it ended while this script had it.
        keeps_log: an error has named the log of its start, which stays.
        was_joined: it was there already; None: not yet known.
    """

    def __init__(self, launch: Launch, keep_s: float | None):
        self.launch = launch
        self.keep_s = keep_s
        self.ready: Future[Ready] = Future()
        self.ended = threading.Event()
        self.is_stopping = False
        self.keeps_log = False
        self.exit_code: int | None = None
        self.was_joined: bool | None = None
        self._began = time.monotonic()
        self._pid = os.getpid()
        self._about: dict[str, Any] = {}
        self._last_lines: tuple[str, ...] | None = None
        self._wire: Wire | None = None
        self._keeper: tuple[int, float] | None = None
        self._left = threading.Event()
        self._on_end: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def start(self) -> Future[Ready]:
        """Join a worker that waits, or have one started, in the background.

        Returns:
            `ready`.
        """
        threading.Thread(target=self._live, name="discomfort-kept-worker", daemon=True).start()
        return self.ready

    @property
    def pid(self) -> int | None:
        return self._about.get("worker_pid")

    @property
    def is_alive(self) -> bool:
        return self.pid is not None and not self.ended.is_set()

    @property
    def log_path(self) -> str | None:
        return self._about.get("log_path")

    @property
    def folder(self) -> Path | None:
        """The worker's own folder."""
        folder = self._about.get("folder")
        return Path(folder) if folder else None

    def last_lines(self, count: int) -> tuple[str, ...]:
        """The newest lines of the worker's output since this script has it."""
        lines = self._last_lines
        if lines is None:
            lines = _tail(self.log_path)
        return lines[-count:] if count > 0 else ()

    @property
    def start_words(self) -> str:
        """What it is doing while it starts, in one line for people."""
        return starting(time.monotonic() - self._began, doing(self.last_lines(_LINES_TO_READ)))

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back once this script does not have it any more. At once if that is so already."""
        with self._lock:
            if not self.ended.is_set():
                self._on_end.append(callback)
                return
        callback()

    def let_go(self) -> None:
        """Leave it to the next script. Blocks for seconds at most, never raises.

        The connection stays open: what nodes saved is kept until this process ends.
        """
        wire = self._give_up()
        if wire is None:
            return
        try:
            wire.send(do="let_go", keep_s=self.keep_s)
            self._left.wait(_LEAVE_WAIT_S)
        except OSError as e:
            log.debug("The keeper has gone: %s", e)
        self._finish()

    def stop(self) -> None:
        """End it for good, at once. Blocks, never raises."""
        wire = self._give_up()
        if wire is None:
            return
        with contextlib.suppress(OSError):
            wire.send(do="end")
        if not self.ended.wait(END_WAIT_S):
            log.error("The keeper of the worker (pid %s) does not answer; it is killed.", self.pid)
            self._kill_keeper()
            self._finish()

    def _give_up(self) -> Wire | None:
        """The connection, if there is something to be given up; then nobody waits for it."""
        if os.getpid() != self._pid or self.ended.is_set():  # a forked child: it is not its own
            return None
        with self._lock:
            self.is_stopping = True
            wire = self._wire
        if self.ready.done():
            return wire
        if wire is not None:  # a start, which its keeper ends
            with contextlib.suppress(OSError):
                wire.send(do="end", keeps_log=self.keeps_log)
        self.ended.wait(END_WAIT_S)
        return None

    def _kill_keeper(self) -> None:
        """The system ends the worker with it."""
        if self._keeper is not None and is_running(*self._keeper):
            with contextlib.suppress(psutil.Error):
                psutil.Process(self._keeper[0]).kill()

    def _live(self) -> None:
        started: Started | None = None
        try:
            script = Script(self._pid, started_at(self._pid) or 0.0, self.keep_s)
            key = worker_key(self.launch)
            joined = join_keeper(key, script)
            self.was_joined = joined is not None
            if joined is not None:
                self._hold(joined.wire, joined.ready)
                self.ready.set_result(_ready_of(joined.ready))
            else:
                started = start_keeper(Job(self.launch, key, script))
                self._hold(started.wire, {})
                self.ready.set_result(self._wait_until_ready(started))
            self._read_until_end()
        except Exception as e:  # whatever it is, those who wait for `ready` must get it
            if not self.ready.done():
                self.ready.set_exception(as_start_error(e, self.log_path))
                self._read_until_end()
            else:
                log.exception("The connection to the keeper failed.")
        finally:
            self._finish()
            if self._wire is not None:
                self._wire.close()
            if started is not None:
                started.errors.close()

    def _hold(self, wire: Wire, about: dict[str, Any]) -> None:
        with self._lock:
            self._wire = wire
        self._note(about)
        if self.is_stopping:  # it was given up before it could be told so
            wire.close()
            raise WorkerStartError("The worker was stopped while it started.")

    def _note(self, about: dict[str, Any]) -> None:
        self._about = {**self._about, **about}
        pid = about.get("keeper_pid")
        if pid is not None:
            self._keeper = pid, float(about["keeper_started"])

    def _wait_until_ready(self, started: Started) -> Ready:
        while (message := started.wire.receive()) is not None:
            if message.get("what") == "ready":
                self._note(message)
                return _ready_of(message)
            if message.get("what") == "failed":
                self._note({"log_path": message["log_path"]})
                if message["is_config"]:
                    raise ConfigError(message["text"])
                raise WorkerStartError(message["text"], was_killed=message["was_killed"])
            if message.get("what") == "begun":
                self._note(message)
        if self.is_stopping:
            raise WorkerStartError("The worker was stopped while it started.")
        raise no_keeper(f"has ended: {started.last_words() or 'it did not say why'}")

    def _read_until_end(self) -> None:
        """Until the worker, or its keeper, has ended; also after this script has let it go."""
        wire = self._wire
        while wire is not None and (message := wire.receive()) is not None:
            if message.get("what") == "left":
                self._left.set()
            elif message.get("what") == "ended" and not self.ended.is_set():
                self.exit_code = message.get("exit_code")
                self._last_lines = tuple(message.get("lines") or ())
                self._finish()

    def _finish(self) -> None:
        with self._lock:
            if self.ended.is_set():
                return
            if self._last_lines is None:
                self._last_lines = _tail(self.log_path)
            self.ended.set()
            callbacks, self._on_end = self._on_end, []
        self._left.set()
        for callback in callbacks:
            try:
                callback()
            except Exception:
                log.exception("What waited for the end of the worker failed.")


def _ready_of(message: dict[str, Any]) -> Ready:
    return Ready(message["address"], message["headers"], message["hello"])


def _tail(path: str | None) -> tuple[str, ...]:
    """The newest lines of a log file."""
    if path is None:
        return ()
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_BYTES))
            return tuple(file.read().decode(errors="replace").splitlines())
    except OSError:
        return ()
