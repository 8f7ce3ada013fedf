"""Whether somebody watches: a progress bar is for people, and a line in the log for the rest."""

from __future__ import annotations

import os
import sys

from .notebook import is_notebook


def is_watched() -> bool:
    """Whether what is written to stderr is seen while it is written: a terminal, that can take a
    line back, or a notebook.
    """
    is_terminal = bool(getattr(sys.stderr, "isatty", lambda: False)())
    if is_terminal and os.environ.get("TERM") != "dumb":
        return True
    return is_notebook()
