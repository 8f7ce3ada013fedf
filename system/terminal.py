"""Whether somebody watches: a progress bar is for people, and a line in the log for the rest."""

from __future__ import annotations

import sys


def is_watched() -> bool:
    """Whether what is written to stderr is seen while it is written: a terminal or a notebook."""
    is_terminal = bool(getattr(sys.stderr, "isatty", lambda: False)())
    return is_terminal or is_notebook()


def is_notebook() -> bool:
    """Whether this process is a kernel of Jupyter, Colab, VS Code or the like."""
    return "ipykernel" in sys.modules
