"""Which processes are a dead worker's, to be ended by the purge at the next start; and ending them.

A process id is given out again, so it says nothing. Each worker has a mark of its own, a random
variable that all that it starts inherits, and that grants nothing. Used by `worker_folder.py`.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

log = logging.getLogger("discomfort.worker")

MARK_VARIABLE = "DISCOMFORT_WORKER_MARK"
# psutil derives start times from the clock, which may be set in between.
_CLOCK_S = 5.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SAME_BOOT_S = 120.0


@dataclass(frozen=True, slots=True)
class Life:
    """The recorded life of one worker.

    Attributes:
        started: when its process began; nothing that began before is its.
        boot: of the system, which ends all processes.
    """

    worker_pid: int
    started: float
    mark: str
    boot: str
    master_pid: int

    @classmethod
    def of_now(cls, pid: int, mark: str) -> Life:
        """Of the worker that was just started."""
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            started = time.time()
        return cls(pid, started, mark, this_boot(), os.getpid())

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, path: Path) -> Life | None:
        """What was recorded; None for a record of earlier versions, which had no mark."""
        try:
            about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            life = cls(
                int(about["worker_pid"]),
                float(about["started"]),
                str(about["mark"]),
                str(about["boot"]),
                int(about["master_pid"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return life if life.mark else None


def this_boot() -> str:
    """A name for the time since the system was started."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return str(round(psutil.boot_time()))


def is_same_boot(recorded: str, now: str) -> bool:
    """Whether the system was not started anew. Where it has no name, its clock may have drifted."""
    if recorded.isdigit() and now.isdigit():
        return abs(int(recorded) - int(now)) < _SAME_BOOT_S
    return recorded == now


def end_leftovers(life: Life) -> None:
    """Kill the worker, and what it started in its session, if any of it still runs."""
    if not is_same_boot(life.boot, this_boot()):
        return
    for process in psutil.process_iter():
        try:
            if _is_of(process, life):
                log.info("Ending process %d, which a dead script's worker left.", process.pid)
                process.kill()  # not, if its id was given out again since
        except (OSError, psutil.Error):
            continue


def _is_of(process: psutil.Process, life: Life) -> bool:
    # The worker leads a session of its own: what left that was to live on.
    if hasattr(os, "getsid") and os.getsid(process.pid) != life.worker_pid:
        return False
    if process.create_time() < life.started - _CLOCK_S:
        return False
    return process.environ().get(MARK_VARIABLE) == life.mark
