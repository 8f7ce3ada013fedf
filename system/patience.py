"""Waits that say what they wait for: nothing at first, then a line in the log, ever more seldom."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

FIRST_WORDS_S = 5.0


class Patience:
    """One wait. `look` at it again and again while it lasts.

    Args:
        log: of the one who waits.
        what: gives what is waited for, when it is to be said: "Waiting for ...", without a full
            stop.
        first_s: seconds until it is said for the first time; then after twice as long, and so on.
    """

    def __init__(
        self, log: logging.Logger, what: Callable[[], str], first_s: float = FIRST_WORDS_S
    ):
        self._log, self._what, self._pause_s = log, what, first_s
        self._since = time.monotonic()
        self._next = self._since + first_s

    @property
    def left_s(self) -> float:
        """Seconds until the next words are due."""
        return max(0.0, self._next - time.monotonic())

    def look(self) -> None:
        """Say it, if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._log.warning("%s. %.0f s so far.", self._what(), now - self._since)
        self._pause_s *= 2
        self._next = now + self._pause_s


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
