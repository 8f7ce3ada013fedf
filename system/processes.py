"""Other processes: whether one is still the same, and in words which it is, if it is suspended."""

from __future__ import annotations

import contextlib
import os
import sys

_LONGEST_COMMAND = 80
_STARTED = 21  # of the fields of /proc/PID/stat, the first of which is 0: proc_pid_stat(5)
_CLOSE_S = 0.05  # numbers that went through a file


def started_at(pid: int) -> float | None:
    """When a process began, in seconds; None: there is none, or it has ended.

    To be compared with what this says at another time, and with nothing else: what it counts from
    is the system's. Setting the clock does not change it; psutil's answer on Linux would.
    """
    import psutil

    with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return _boot_time_of(pid) if sys.platform == "linux" else process.create_time()
    return None


def _boot_time_of(pid: int) -> float:
    """Seconds from the start of the machine to that of a process of Linux."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        after_name = file.read().rpartition(b")")[2].split()  # a name may have blanks
    return int(after_name[_STARTED - 2]) / os.sysconf("SC_CLK_TCK")


def is_running(pid: int, started: float) -> bool:
    """Whether the process that began then still runs: its number may be another's by now."""
    found = started_at(pid) if pid > 0 else None
    return found is not None and abs(found - started) < _CLOSE_S


def is_suspended(pid: int) -> bool:
    """Whether somebody stopped it (Ctrl+Z, a debugger): it does nothing until it is continued."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return False


def describe(pid: int) -> str:
    """For instance "process 123 (python train.py), which is suspended"."""
    import psutil

    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):  # also: no descriptor left to look with
        return f"process {pid}"
    if len(command) > _LONGEST_COMMAND:
        command = command[: _LONGEST_COMMAND - 3] + "..."
    suspended = ", which is suspended" if is_suspended(pid) else ""
    return f"process {pid} ({command}){suspended}"
