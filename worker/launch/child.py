"""One program that was started as a worker, with all that it starts: its process group or job.

`spawn.py` starts it, `end_process.py` ends it; `process.py` keeps it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading

from ...system.patience import Patience, looked_at
from .output_log import OutputLog
from .spawn import POSIX
from .windows_job import close_job, put_in_job

log = logging.getLogger("discomfort.worker")


class Child:
    """A running program, until it is reaped.

    Attributes:
        exited: set when the program and its group are gone; `exit_code` is known then.
    """

    def __init__(self, popen: subprocess.Popen[bytes], output: OutputLog):
        self.popen = popen
        self.exited = threading.Event()
        self.exit_code: int | None = None
        self._output = output
        self._job: int | None = None

    @property
    def pid(self) -> int:
        return self.popen.pid

    def follow(self) -> None:
        """Read its output, and on Windows tie it to this process. First of all, once."""
        self._output.follow(self.popen)
        self._job = put_in_job(self.popen)

    def wait(self) -> None:
        """Block until the program ends by itself, or because `end_process` makes it; reap it."""
        if hasattr(os, "waitid"):
            # Leaves it a zombie: its number can't go to another group before `reap` ends the group.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # type: ignore[attr-defined]
        else:
            self.popen.wait()
        self.reap()

    def reap(self) -> None:
        """Kill what is left of its group, then take its exit code."""
        if POSIX:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        words = f"process {self.pid} was killed, but the system (a driver, a disk) holds it"
        with looked_at(Patience(log, lambda: words)):
            self.exit_code = self.popen.wait()
        self._output.close()
        self.exited.set()
        job, self._job = self._job, None
        close_job(job)

    def kill(self) -> None:
        """End it at once, with its group, if it still runs; for a start that failed."""
        if not self.exited.is_set():
            if not POSIX:
                self.popen.kill()
            self.reap()
