"""Other processes in words, for messages: which one it is, and whether it is suspended."""

from __future__ import annotations

import contextlib

_LONGEST_COMMAND = 80


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
