"""Says at once that Ctrl+C was heard, where it takes a while until something comes of it.

asyncio only cancels the main task then, which may have to wait until ComfyUI is done with a node.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

try:  # without the conversions to enums: they take ten times as long, in each run
    from _signal import getsignal as _get_handler  # pyright: ignore[reportMissingImports]
    from _signal import signal as _set_handler  # pyright: ignore[reportMissingImports]
except ImportError:  # another Python than CPython
    from signal import getsignal as _get_handler
    from signal import signal as _set_handler

log = logging.getLogger("discomfort")

_SIGINT = int(signal.SIGINT)
_what: dict[object, Callable[[], str]] = {}
_installed: Any = None


@contextlib.contextmanager
def heard(what: Callable[[], str]) -> Iterator[None]:
    """While this block runs in the main thread, Ctrl+C is answered by what happens now.

    Whatever handler there is does its work as before.

    Args:
        what: gives it, for instance "ComfyUI is being ended".
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    key = object()
    _what[key] = what
    _install()
    try:
        yield
    finally:
        del _what[key]
        if not _what:
            _remove()


def say_what_follows(what: str) -> None:
    """Say what is done now, if it is done because of a Ctrl+C (or a cancelled task): that may have
    come while nothing of ours ran, which could answer it.
    """
    kind = sys.exc_info()[0]
    if kind is not None and issubclass(kind, (KeyboardInterrupt, asyncio.CancelledError)):
        log.warning("%s.", what)


def _install() -> None:
    global _installed
    before = _get_handler(_SIGINT)
    if before is _installed or not callable(before):  # ignored, or not Python's
        return

    def on_signal(number: int, frame: Any) -> Any:
        _say()
        return before(number, frame)

    on_signal.before = before  # type: ignore[attr-defined]
    with contextlib.suppress(ValueError):  # not the main interpreter
        _set_handler(_SIGINT, on_signal)
        _installed = on_signal


def _remove() -> None:
    """Put back what was there, unless somebody else put in another since."""
    global _installed
    if _installed is not None and _get_handler(_SIGINT) is _installed:
        _set_handler(_SIGINT, _installed.before)
    _installed = None


def _say() -> None:
    newest = list(_what.values())[-1:]
    text = f"Ctrl+C was heard: {newest[0]()}." if newest else "Ctrl+C was heard."
    # In a thread of its own: the main one may be in the middle of a write to the same stream.
    threading.Thread(target=log.warning, args=("%s", text), daemon=True).start()
