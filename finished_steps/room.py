"""Decides what has to go when there is no room for more, and what counts as used last. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_MOST_BYTES = 20 * 10**9
_SHARE = 10  # of the free disk


@dataclass(frozen=True, slots=True)
class Kept:
    """What one step takes.

    Attributes:
        used_ns: when it was used last, by `next_use`.
        record_bytes: of its record.
        blocks: name -> size; other steps may have the same ones.
    """

    key: str
    used_ns: int
    record_bytes: int
    blocks: Mapping[str, int]


def default_limit(free_bytes: int, used_bytes: int) -> int:
    """A tenth of the disk that would be free without what is kept here, at most 20 GB."""
    return min(_MOST_BYTES, (free_bytes + used_bytes) // _SHARE)


def next_use(now_ns: int, latest_ns: int) -> int:
    """The time to write down for a use: the clock's, but never before the latest one.

    A clock that was set back must not make what is used now look older than all the rest.
    """
    return max(now_ns, latest_ns + 1)


def choose_evicted(kept: Collection[Kept], most_bytes: int) -> list[str]:
    """The keys of the steps to remove, least recently used first, so that the rest fits."""
    uses: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    for step in kept:
        uses.update(step.blocks.keys())
        sizes.update(step.blocks)
    total = sum(sizes.values()) + sum(step.record_bytes for step in kept)
    evicted = []
    for step in sorted(kept, key=lambda step: (step.used_ns, step.key)):
        if total <= most_bytes:
            break
        evicted.append(step.key)
        total -= step.record_bytes
        for name in step.blocks:
            uses[name] -= 1
            if not uses[name]:
                total -= sizes[name]
    return evicted
