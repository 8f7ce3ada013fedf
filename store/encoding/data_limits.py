"""What a value from a stranger may be: how deep, how much, and what making it may cost.

`data_reader.py` asks while it reads. A few hundred bytes can stand for more than any machine has:
tuples that hold the same tuple twice, forty times over, take for ever to hash or to print.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterable
from typing import Any, NoReturn

from ...errors import CorruptValueError, UntrustedValueError

MOST_STEPS = 5_000_000  # of the stream; about as many objects
MOST_DEPTH = 500
MOST_HASHED = 20_000  # items of one key, those of its items counted
MOST_ITEMS = 50_000_000  # in all, with what stands in several places counted in each
_BASE_S, _PER_BYTE_S = 1.0, 2e-6  # of this thread's own time, not of the clock
_CHECKED_EVERY = 4096
_KEY_WEIGHT = 128

_SEQUENCES = (list, tuple, set, frozenset, collections.deque)
_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict)
_CONTAINERS = frozenset((*_SEQUENCES, *_MAPPINGS))
_HASHED = (tuple, frozenset)


def too_much(what: str) -> NoReturn:
    raise UntrustedValueError(
        f"it has {what}, which is not read from a source that is not trusted. If you know who "
        "wrote it, open it with trusted=True."
    )


class Budget:
    """Counts what reading one value costs, and ends it."""

    def __init__(self, size_bytes: int):
        self._left = MOST_STEPS
        self._until_check = 0
        self._deadline = time.thread_time() + _BASE_S + size_bytes * _PER_BYTE_S

    def spend(self, steps: int = 1, weight: int = 1) -> None:
        """Count some steps; the time is looked at the more often the more each may take."""
        self._left -= steps
        self._until_check -= steps * weight
        if self._until_check <= 0:
            self._until_check = _CHECKED_EVERY
            if self._left < 0:
                too_much(f"more than {MOST_STEPS:,} parts")
            if time.thread_time() > self._deadline:
                too_much("parts that take too long to put together")


class HashCosts:
    """How much there is to hash of each tuple and frozenset that was made."""

    def __init__(self) -> None:
        self._costs: dict[int, tuple[int, int]] = {}  # id -> items, depth

    def made(self, made: tuple | frozenset) -> None:
        """To be told of each one, before anything can be done with it."""
        items, depth = 1, 0
        for item in made:
            if type(item) in _HASHED:
                inner, inner_depth = self._costs.get(id(item), (1 + len(item), 1))
                items += inner
                depth = max(depth, inner_depth)
            else:
                items += 1
        if depth >= MOST_DEPTH:
            too_much(f"more than {MOST_DEPTH} values inside each other")
        self._costs[id(made)] = min(items, 1 << 62), depth + 1

    def check_key(self, key: Any, budget: Budget | None = None) -> None:
        """See that a key can be hashed, and compared, in no time."""
        if budget is not None:
            budget.spend(weight=_KEY_WEIGHT)  # keys may all have one hash
        if type(key) in _HASHED and self._costs.get(id(key), (0, 0))[0] > MOST_HASHED:
            too_much("a key that is larger than any key is")


class Unfinished:
    """What only other parts of a stream know what to do with, and is no value of its own."""


def check_extent(value: Any, budget: Budget) -> None:
    """See that what goes through a value, item by item, comes to an end soon.

    Lists and dicts can change after they were put somewhere, so this can be known at the end only.
    A value that holds itself is none that is large.
    """
    if isinstance(value, Unfinished):
        raise CorruptValueError("it is a part of a value only.")
    done: dict[int, tuple[int, int]] = {}  # id -> items, depth
    entered: set[int] = set()
    stack = [value] if type(value) in _CONTAINERS else []
    while stack:
        item = stack[-1]
        if id(item) in done:
            stack.pop()
            continue
        inner = _containers_in(item, budget)
        if id(item) not in entered:
            entered.add(id(item))
            stack.extend(i for i in inner if id(i) not in entered)
            continue
        stack.pop()
        known = [done[id(i)] for i in inner if id(i) in done]
        items = 1 + len(item) + sum(n for n, _ in known)
        depth = 1 + max((d for _, d in known), default=0)
        if items > MOST_ITEMS:
            too_much(f"more than {MOST_ITEMS:,} items")
        if depth > MOST_DEPTH:
            too_much(f"more than {MOST_DEPTH} values inside each other")
        done[id(item)] = items, depth


def _containers_in(item: Any, budget: Budget) -> list[Any]:
    budget.spend(1 + len(item) // 8)
    held: Iterable[Any] = item
    if type(item) in _MAPPINGS:
        held = [part for pair in item.items() for part in pair]
    if any(isinstance(part, Unfinished) for part in held):
        raise CorruptValueError("it holds what is a part of a value only.")
    return [part for part in held if type(part) in _CONTAINERS]
