"""Shows what a ComfyUI that starts is doing to those who wait for it.

In a terminal or a notebook one line that changes, elsewhere a line in the log now and then.
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Callable
from typing import Any

from ..system.notebook import Place, shows_html
from ..system.patience import Patience
from ..system.terminal import is_watched

log = logging.getLogger("discomfort.worker")

_SHOWN_AFTER_S = 3.0
_LOGGED_AFTER_S = 15.0
_LOOK_S = 0.5


async def wait_shown(
    start: asyncio.Future[Any], words: Callable[[], str], timeout_s: float | None = None
) -> bool:
    """Wait for a start, and show `words()` meanwhile. Whether it came to an end in time."""
    loop = asyncio.get_running_loop()
    began, patience, line = (
        loop.time(),
        Patience(log, words, _LOGGED_AFTER_S, says_time=False),
        None,
    )
    try:
        while not start.done():
            waited_s = loop.time() - began
            if timeout_s is not None and waited_s >= timeout_s:
                return False
            left_s = _LOOK_S if timeout_s is None else min(_LOOK_S, timeout_s - waited_s)
            await asyncio.wait((start,), timeout=left_s)
            if start.done() or loop.time() - began < _SHOWN_AFTER_S:
                continue
            if not is_watched():
                patience.look()
                continue
            line = line or _open_line()
            line.set_description_str(words())
        return True
    finally:
        if line is not None:
            line.close()


class _NotebookLine:
    """As tqdm's, under a notebook's cell."""

    def __init__(self) -> None:
        self._place = Place()

    def set_description_str(self, words: str) -> None:
        self._place.show(f"<div>{html.escape(words)}</div>", words)

    def close(self) -> None:
        self._place.show("", "")


def _open_line() -> Any:
    if shows_html():
        return _NotebookLine()
    from tqdm.auto import tqdm

    return tqdm(total=0, bar_format="{desc}", leave=False, dynamic_ncols=True)
