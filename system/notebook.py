"""Notebooks: whether this process runs the cells of one, and a place under a cell that changes.

IPython is never imported: a notebook has it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from typing import Any

from ..errors import printable

log = logging.getLogger("discomfort")


def is_notebook() -> bool:
    """Whether this process is a kernel of Jupyter, Colab, VS Code or the like."""
    return getattr(_shell(), "kernel", None) is not None


def shows_html() -> bool:
    """Whether what is shown there may be HTML: Spyder and the Qt console are kernels with text."""
    is_console = any(name == "QT_API" or name.startswith("SPYDER") for name in os.environ)
    is_old_console = type(_shell()).__name__.lower().startswith(("qt", "spyder"))
    return is_notebook() and not is_console and not is_old_console


def cell_number() -> int:
    """Of the cell that runs; each run of a cell has a number of its own."""
    return int(getattr(_shell(), "execution_count", 0))


def _shell() -> Any:
    ipython: Any = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


class Place:
    """What is shown under the cell that runs, and changes there. Any thread may show it."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, html: str, text: str) -> None:
        """Show it in place of what was shown.

        Args:
            html: escaped, where it says what others wrote.
            text: for who shows no HTML.
        """
        bundle = {"text/html": printable(html), "text/plain": printable(text)}
        try:
            if self._handle is None:
                from IPython.display import display  # type: ignore[import-not-found]

                self._handle = display(bundle, raw=True, display_id=True)
            else:
                self._handle.update(bundle, raw=True)
        except Exception as e:  # the front end is gone: what is shown there must go on
            log.debug("nothing is shown in the notebook: %r", e)


def bar_class() -> Any:
    """The progress bar of tqdm that can be shown: its widget asks for ipywidgets, and warns."""
    if is_notebook() and importlib.util.find_spec("ipywidgets") is None:
        from tqdm.std import tqdm
    else:
        from tqdm.auto import tqdm
    return tqdm
