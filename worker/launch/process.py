"""The life of one worker: start, ready, watched, stopped, cleaned up.

Everything here blocks and runs in threads of its own, so a worker outlives the event loop that
asked for it. `start_until_ready.py` starts it, `end_process.py` ends it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from ..client.uploads import remove_journaled
from .child import Child
from .end_process import StopStep, end_process
from .hello import Ready
from .output_log import OutputLog
from .settings import Launch
from .start_failures import as_start_error
from .start_until_ready import Starter
from .start_words import doing, starting
from .worker_folder import WorkerFolder, make_worker_folder

log = logging.getLogger("discomfort.worker")

_LINES_TO_READ = 20
# As long as all steps, and the last once more: a start that is under way ends its process itself.
END_WAIT_S = sum(step.value for step in StopStep) + StopStep.KILL.value


class WorkerProcess:
    """A ComfyUI process of our own. `start` once, `stop` at any time, any number of times.

    Attributes:
        ready: resolves to `Ready`, or to the `WorkerStartError` that says why not.
        ended: set when the process is gone and cleaned up.
        is_stopping: `stop` was called.
        keeps_log: an error has named its log, which stays.
    """

    def __init__(self, launch: Launch):
        self.launch = launch
        self.ready: Future[Ready] = Future()
        self.ended = threading.Event()
        self.is_stopping = False
        self.keeps_log = False
        self._began = time.monotonic()
        self._child: Child | None = None
        self._folder: WorkerFolder | None = None
        self._output: OutputLog | None = None
        self._on_end: list[Callable[[], None]] = []
        self._lock = threading.Lock()

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
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """Of the process; None as long as it runs."""
        return self._child.exit_code if self._child else None

    @property
    def is_alive(self) -> bool:
        return self._child is not None and not self._child.exited.is_set()

    @property
    def log_path(self) -> str | None:
        return str(self._folder.log_path) if self._folder else None

    @property
    def folder(self) -> Path | None:
        """The worker's own folder, removed at its end, but for what nodes saved in it."""
        return self._folder.path if self._folder else None

    def last_lines(self, count: int) -> tuple[str, ...]:
        """The newest lines of the worker's output."""
        return self._output.last_lines(count) if self._output else ()

    def begin_log_anew(self) -> None:
        """The log and its newest lines begin here: those before were another script's."""
        if self._output is not None:
            self._output.begin_anew()

    @property
    def start_words(self) -> str:
        """What it is doing while it starts, in one line for people."""
        return starting(time.monotonic() - self._began, doing(self.last_lines(_LINES_TO_READ)))

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back, in the worker's thread, once the process is gone. At once if it is already."""
        with self._lock:
            if not self.ended.is_set():
                self._on_end.append(callback)
                return
        callback()

    def stop(self) -> None:
        """Ask, terminate, kill; then wait until the folder is gone. Blocks, never raises."""
        self.is_stopping = True
        # One that is being started sees `is_stopping` and is ended by the thread that starts it.
        if self._child is not None:
            end_process(self._child)
        if not self.ended.wait(END_WAIT_S):
            log.error("The worker (pid %s) did not end, even when killed.", self.pid)

    let_go = stop  # nobody comes after this script

    def _live(self) -> None:
        """The whole life of the process, in its own thread."""
        try:
            self._folder = make_worker_folder()
            self._output = OutputLog(self._folder.log_path)
            child, ready = self._make_starter(self._folder, self._output).start_until_ready()
            self.ready.set_result(ready)
            child.wait()
        except Exception as e:  # whatever it is, those who wait for `ready` must get it
            # A start that was given up explains nothing.
            self.keeps_log = self.keeps_log or not self.is_stopping
            # First: a process that the system holds may not end for long.
            if not self.ready.done():
                self.ready.set_exception(as_start_error(e, self.log_path))
            else:
                log.exception("The worker's thread failed.")
            if self._child is not None:
                self._child.kill()
        finally:
            self._finish()

    def _make_starter(self, folder: WorkerFolder, output: OutputLog) -> Starter:
        def keep(child: Child) -> None:
            self._child = child

        return Starter(self.launch, folder, output, keep, lambda: self.is_stopping)

    def _finish(self) -> None:
        if self._folder:
            is_clean = self.is_stopping and not self.keeps_log
            if self.is_stopping:  # after a crash, the next worker needs them
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
