"""Ends a worker's process: asks it, terminates it, kills it.

`WorkerProcess.stop` calls this. The other ways in which a worker ends with its master: the kernel's
signal (`exec_child.py`), the job of Windows (`windows_job.py`), the watchdog (`inside_comfyui.py`),
and the purge at the next start (`worker_folder.py`).
"""

from __future__ import annotations

import logging
import os
import signal
from enum import Enum

from .child import Child
from .spawn import POSIX

log = logging.getLogger("discomfort.worker")


class StopStep(Enum):
    """The steps of stopping, each with the seconds it may take before the next."""

    ASK = 3.0
    TERMINATE = 2.0
    KILL = 10.0


def end_process(child: Child) -> None:
    """Go through the steps until the process is gone. Blocks, never raises."""
    for step in StopStep:
        if child.exited.is_set():
            return
        _signal(child, step)
        child.exited.wait(step.value)


def _signal(child: Child, step: StopStep) -> None:
    log.debug("Stopping the worker, pid %s: %s.", child.pid, step.name.lower())
    try:
        if not POSIX:
            child.popen.kill() if step is StopStep.KILL else child.popen.terminate()
        elif step is StopStep.ASK:
            os.kill(child.pid, signal.SIGINT)
        else:
            number = signal.SIGTERM if step is StopStep.TERMINATE else signal.SIGKILL
            os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError) as e:
        log.debug("pid %s: %s", child.pid, e)
