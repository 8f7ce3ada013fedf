"""Becomes the worker: ties its life to its parent's, then executes ComfyUI in its place.

Run by path on Linux and macOS as `python -I -S exec_child.py PARENT_PID PROGRAM ARGUMENTS...`;
standard library only. A function between fork and exec (`preexec_fn`) would do the same, but is
unsafe in a master that has threads.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    # A shell's background job, and some IDEs, ignore SIGINT; ComfyUI would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform.startswith("linux"):
        import ctypes

        # Outlives execv. It fires when the *thread* that started us ends; process.py keeps it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above
        sys.exit("The process that started this worker is gone.")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
