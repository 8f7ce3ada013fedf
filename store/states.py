"""Objects whose class answers for attributes that are not there, as `__getattr__` lets it.

pickle asks the new, empty object for `__setstate__` (and Python 3.10 the old one for
`__getstate__`) before it does what it does for all others. Whoever answers None to everything is
called as a function then; whoever looks into himself finds nothing there yet. So for these objects
pickle is told what to do, and asks nobody.
"""

from __future__ import annotations

import contextlib
import copyreg
from typing import Any

_OWN_WAYS = ("__getstate__", "__getnewargs__", "__getnewargs_ex__")


def reduce(obj: Any) -> tuple | None:
    """What pickle is to write of such an object; None for all others."""
    kind = type(obj)
    if not _defines(kind, "__getattr__") or _defines(kind, "__setstate__"):
        return None
    if isinstance(obj, type) or kind in copyreg.dispatch_table:
        return None
    is_plain = (
        kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and not any(_defines(kind, name) for name in _OWN_WAYS)
    )
    reduced = _reduce_plain(obj) if is_plain else obj.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or reduced[2] is None:
        return reduced
    made = (*reduced, None, None, None)[:6]
    return made if made[5] is not None else (*made[:5], set_state)


def set_state(obj: Any, state: Any) -> None:
    """What pickle does with the state of an object that has no `__setstate__`."""
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        obj.__dict__.update(state)
    for name, value in (slots or {}).items():
        object.__setattr__(obj, name, value)


def _defines(kind: type, name: str) -> bool:
    """Whether a class has it of its own, or of a parent but `object`."""
    return any(name in vars(parent) for parent in kind.__mro__[:-1])


def _reduce_plain(obj: Any) -> tuple:
    """`object.__reduce_ex__` of Python 3.11, which asks no object anything."""
    kind = type(obj)
    slots = {}
    for name in ("__dict__", *copyreg._slotnames(kind)):  # type: ignore[attr-defined]
        with contextlib.suppress(AttributeError):  # nothing was put in it
            slots[name] = object.__getattribute__(obj, name)
    state = slots.pop("__dict__", None) or None
    items = iter(obj) if isinstance(obj, list) else None
    pairs = iter(dict.items(obj)) if isinstance(obj, dict) else None
    return copyreg.__newobj__, (kind,), (state, slots) if slots else state, items, pairs  # type: ignore[attr-defined]
