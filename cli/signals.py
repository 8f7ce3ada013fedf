"""Being asked to end: Ctrl+C, and SIGTERM and SIGHUP, which are answered as Ctrl+C is.

A run is interrupted, the worker ends, nothing is left. Whoever asks twice does not wait.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from .failures import INTERRUPTED

_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")
_heard: list[int] = []
_answered: list[bool] = []


@contextlib.contextmanager
def heeded(before_start: Any = None) -> Iterator[None]:
    """While this block runs, the other signals that end a program are heard as Ctrl+C is.

    Args:
        before_start: in place of this handler, Ctrl+C gets Python's own.
    """
    if before_start is not None and signal.getsignal(signal.SIGINT) is before_start:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _heard.clear()
    _answered.clear()
    before = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) != signal.SIG_DFL:  # nohup ignores SIGHUP
            continue
        with contextlib.suppress(ValueError):  # not in the main thread
            before[number] = signal.signal(number, _hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(ValueError):
                signal.signal(number, handler)


def _hear(number: int, frame: Any) -> None:
    _heard.append(number)
    as_ctrl_c = signal.getsignal(signal.SIGINT)  # asyncio's own, while a loop runs
    if callable(as_ctrl_c):
        as_ctrl_c(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt


def answer(text: str) -> str:
    """What is said of a Ctrl+C while a run goes on, with the name of the signal that it was."""
    _answered.append(True)
    return text.replace("Ctrl+C", signal.Signals(_heard[0]).name) if _heard else text


def is_answered() -> bool:
    """Whether somebody was told already that the signal was heard."""
    return bool(_answered)


def exit_code() -> int:
    """130 after Ctrl+C; 143 and 129 after SIGTERM and SIGHUP, as shells count."""
    return 128 + _heard[0] if _heard else INTERRUPTED


def words() -> str:
    """What is said of the end."""
    return f"Ended by {signal.Signals(_heard[0]).name}." if _heard else "Interrupted."
