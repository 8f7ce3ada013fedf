"""Other processes: whether one is still the same, and in words which it is, if it is suspended."""

from __future__ import annotations

import contextlib

_LONGEST_COMMAND = 80
# psutil derives start times from the clock, which may be set in between.
_CLOCK_S = 5.0


def started_at(pid: int) -> float | None:
    """When a process began; None: there is none, or it has ended."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.create_time()
    return None


def is_running(pid: int, started: float) -> bool:
    """Whether the process that began then still runs: its number may be another's by now."""
    found = started_at(pid) if pid > 0 else None
    return found is not None and abs(found - started) < _CLOCK_S


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
