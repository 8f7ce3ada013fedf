"""The few classes that the stream of a value may call, and with what. Used by `data_reader.py`.

That a class is harmless says nothing of a call: `list(range(10**18))` fills any memory, and
`bytes(10**12)` too. So each takes only what Python's own pickles of it have.
"""

from __future__ import annotations

import collections
import datetime
import decimal
from collections.abc import Callable, Mapping
from typing import Any

from .data_limits import HashCosts, Unfinished
from .describe import SAFE_TYPES

_MOST_DIGITS = 20_000
_SCALARS = (int, float, str, bytes, bool, type(None))

Call = Callable[[tuple, HashCosts], Any]


class Callee(Unfinished):
    """Something with a name that a stream may call; `call` does what that does, for data."""

    def __init__(self, name: str, call: Call):
        self.__name__, self.call = name, call


class NotData(Exception):
    """The stream asks for something that no stream of data asks for."""


def _takes(*forms: tuple[type, ...]) -> Callable[[tuple], bool]:
    """Whether arguments are exactly of one of these forms."""
    return lambda args: tuple(map(type, args)) in forms


def _of(kind: Callable[..., Any], *forms: tuple[type, ...]) -> Call:
    """Calls `kind` with arguments of these types."""
    fits = _takes(*forms)

    def call(args: tuple, _: HashCosts) -> Any:
        if not fits(args):
            raise NotData
        return kind(*args)

    return call


def _slice(args: tuple, _: HashCosts) -> slice:
    if len(args) != 3 or any(type(a) not in _SCALARS for a in args):
        raise NotData
    return slice(*args)


def _decimal(args: tuple, _: HashCosts) -> decimal.Decimal:
    if not _takes((str,))(args) or len(args[0]) > _MOST_DIGITS:
        raise NotData
    made = decimal.Decimal(args[0])
    if made.is_finite() and abs(made.adjusted()) > _MOST_DIGITS:
        raise NotData  # as a whole number, it would fill the memory
    return made


def _deque(args: tuple, _: HashCosts) -> collections.deque:
    forms = ((), (tuple,), (tuple, int), (tuple, type(None)), (list,), (list, int))
    if not _takes(*forms)(args) or (args and len(args[0])):
        raise NotData
    return collections.deque(*args)


def _defaultdict(args: tuple, _: HashCosts) -> collections.defaultdict:
    if len(args) > 1 or (args and args[0] is not None and args[0] not in SAFE_TYPES):
        raise NotData
    return collections.defaultdict(*args)


def _set(kind: type) -> Call:
    def call(args: tuple, costs: HashCosts) -> Any:
        if not _takes((list,))(args):
            raise NotData
        for item in args[0]:
            costs.check_key(item)
        return kind(args[0])

    return call


def _timezone(args: tuple, _: HashCosts) -> datetime.timezone:
    if not _takes((datetime.timedelta,), (datetime.timedelta, str))(args):
        raise NotData
    return datetime.timezone(*args)


def _frozenset(args: tuple, costs: HashCosts) -> frozenset:
    made = _set(frozenset)(args, costs)
    costs.made(made)
    return made


_INTS = (int, int, int)
CALLS: Mapping[Any, Call] = {
    complex: _of(complex, (float, float)),
    range: _of(range, _INTS),
    slice: _slice,
    decimal.Decimal: _decimal,
    collections.OrderedDict: _of(collections.OrderedDict, ()),
    collections.deque: _deque,
    collections.defaultdict: _defaultdict,
    set: _set(set),
    frozenset: _frozenset,
    bytes: _of(bytes, ()),
    bytearray: _of(bytearray, (), (bytes,)),
    datetime.datetime: _of(datetime.datetime, (bytes,), (bytes, datetime.timezone)),
    datetime.date: _of(datetime.date, (bytes,)),
    datetime.time: _of(datetime.time, (bytes,), (bytes, datetime.timezone)),
    datetime.timedelta: _of(datetime.timedelta, _INTS),
    datetime.timezone: _timezone,
}
