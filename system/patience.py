"""Waits that say what they wait for: nothing at first, then a line in the log, ever more seldom."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

FIRST_WORDS_S = 5.0
_LOOK_S = 0.2


class Patience:
    """One wait. `look` at it again and again while it lasts.

    Args:
        log: of the one who waits.
        what: gives what is waited for, when it is to be said: "Waiting for ...", without a full
            stop.
        first_s: seconds until it is said for the first time (None: 5); then after twice as long,
            and so on.
        says_time: how long it has lasted is added.
    """

    def __init__(
        self,
        log: logging.Logger,
        what: Callable[[], str],
        first_s: float | None = None,
        says_time: bool = True,
    ):
        self._log, self._what, self._says_time = log, what, says_time
        self._pause_s = FIRST_WORDS_S if first_s is None else first_s
        self._since = time.monotonic()
        self._next = self._since + self._pause_s

    @property
    def left_s(self) -> float:
        """Seconds until the next words are due."""
        return max(0.0, self._next - time.monotonic())

    def look(self) -> None:
        """Say it, if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        so_far = f" {now - self._since:.0f} s so far." if self._says_time else ""
        self._log.warning("%s.%s", self._what(), so_far)
        self._pause_s *= 2
        self._next = now + self._pause_s


class _Waits:
    """Looks at the waits of threads that can't do it, since the system keeps them."""

    def __init__(self) -> None:
        self._waiting: dict[object, Patience] = {}
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def looked_at(self, patience: Patience) -> Iterator[None]:
        """Have the wait in this block looked at."""
        key = object()
        self._waiting[key] = patience
        if self._thread is None or not self._thread.is_alive():  # in a forked child it is not
            self._thread = threading.Thread(target=self._look, name="discomfort-waits", daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            del self._waiting[key]

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            for patience in list(self._waiting.values()):
                patience.look()
            if not self._waiting:
                self._thread = None  # first: who comes now starts another
                if not self._waiting:
                    return


_waits = _Waits()
looked_at = _waits.looked_at


async def wait_saying(
    futures: Collection[asyncio.Future[Any]],
    patience: Patience,
    timeout_s: float | None = None,
    return_when: str = asyncio.ALL_COMPLETED,
) -> bool:
    """`asyncio.wait` that says what it waits for. Whether it came to that in time."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        pause_s = patience.left_s if left_s is None else min(left_s, patience.left_s)
        done, pending = await asyncio.wait(futures, timeout=pause_s, return_when=return_when)
        if not pending or (done and return_when == asyncio.FIRST_COMPLETED):
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
        patience.look()
