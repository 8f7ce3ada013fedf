"""How much a folder of finished steps takes and may take, and who has to go for it.

Used by `steps.py` only. What goes first is decided in `room.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .record import Record
from .room import Kept, choose_evicted, default_limit, next_use
from .shelf import Shelf

_LEFT_SHARE = 10  # of the limit: what making room leaves free, so that it is not done at each step
_LOOK_SHARE = 20  # of the limit: after as much of our own, we look what other processes wrote


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept in a folder, and how much may be.

    Attributes:
        values: how many different ones.
    """

    folder: Path
    size_bytes: int
    limit_bytes: int
    steps: int
    values: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was removed."""

    steps: int
    size_bytes: int


class Budget:
    """The room of one shelf, as one process sees it. Threads may share it.

    Args:
        limit_bytes: None: what `default_limit` says.
    """

    def __init__(self, shelf: Shelf, limit_bytes: int | None):
        self._shelf, self._given = shelf, limit_bytes
        self._lock = threading.Lock()
        self._seen: Usage | None = None  # when we looked last, and what we wrote since
        self._own_bytes = 0
        self._latest_ns = 0

    def look(self) -> Usage:
        """What all processes together keep, looked up now."""
        records, blocks, latest_ns = self._shelf.sizes()
        size = sum(records) + sum(blocks)
        limit = self._given
        if limit is None:
            limit = default_limit(self._shelf.free_bytes(), size)
        usage = Usage(self._shelf.folder, size, limit, len(records), len(blocks))
        with self._lock:
            self._latest_ns = max(self._latest_ns, latest_ns)
            self._seen, self._own_bytes = usage, 0
        return usage

    def limit_bytes(self) -> int:
        """As it was when we looked last."""
        return (self._seen or self.look()).limit_bytes

    def note_written(self, size_bytes: int) -> None:
        with self._lock:
            self._own_bytes += size_bytes

    def forget(self) -> None:
        """The disk is not as it seemed: look before the next decision."""
        with self._lock:
            self._seen = None

    def use_now(self) -> int:
        """The time to note for what is used just now."""
        with self._lock:
            self._latest_ns = next_use(time.time_ns(), self._latest_ns)
            return self._latest_ns

    def make_room(self, need_bytes: int) -> None:
        """Remove what was not used for longest, if else there would be more than may be."""
        seen = self._seen
        if seen is None or self._own_bytes > seen.limit_bytes // _LOOK_SHARE:
            seen = self.look()
        if seen.size_bytes + self._own_bytes + need_bytes <= seen.limit_bytes:
            return
        most = seen.limit_bytes - seen.limit_bytes // _LEFT_SHARE - need_bytes
        with self._shelf.lock:
            kept = [step for step, _ in self._shelf.kept()]
            self._remove(choose_evicted(kept, max(0, most)), kept)
        self.look()

    def clear(self, older_than: float | None, workflow: str | None) -> Cleared:
        """See `FinishedSteps.clear`."""
        with self._shelf.lock:
            before = self.look()
            now_ns = max(time.time_ns(), self._latest_ns)
            kept = list(self._shelf.kept())
            oldest_ns = None if older_than is None else now_ns - int(older_than * 1e9)
            meant = [step.key for step, r in kept if _is_meant(step, r, oldest_ns, workflow)]
            self._remove(meant, [step for step, _ in kept])
            after = self.look()
        return Cleared(before.steps - after.steps, before.size_bytes - after.size_bytes)

    def _remove(self, keys: Collection[str], kept: Collection[Kept]) -> None:
        gone = set(keys)
        self._shelf.remove(gone)
        self._shelf.sweep({n for step in kept if step.key not in gone for n in step.blocks})


def _is_meant(step: Kept, record: Record, oldest_ns: int | None, workflow: str | None) -> bool:
    is_old = oldest_ns is None or step.used_ns <= oldest_ns
    return is_old and workflow in (None, record.about.get("workflow"))
