"""`python -m discomfort`, and the installed program: the command line, see `cli/`.

Nothing is imported before Ctrl+C is heeded: one that comes while the rest is, ends the program.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any


def _leave(_number: int, _frame: Any) -> None:
    """Nothing has begun that would have to be ended."""
    os._exit(130)


def run_and_exit() -> None:
    """Run what was typed."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from .cli.main import main

    sys.exit(main(before_start=_leave))


if __name__ == "__main__":
    run_and_exit()
