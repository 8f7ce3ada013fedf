"""What pickle can't do by itself with values that need code. Used by `picklers.py` only.

Objects whose class has a `__getattr__`: pickle asks a new, still empty object for `__setstate__`
(and Python 3.10 the old one for `__getstate__`), and that `__getattr__` may answer anything: None,
which is then called as a function, or an error, since the object has no attributes yet. For these
objects the stream says what to do, so that pickle need not ask them.

Classes of modules that were loaded from a file under its path as their name, as ComfyUI loads
nodes: `import` takes a dot in that path for one between packages, and finds nothing.

None of this is ever read for a value that claims to be data.
"""

from __future__ import annotations

import contextlib
import copyreg
import importlib
import operator
import sys
from types import FunctionType
from typing import Any

SET_STATE, NAMED = "set_state", "named"
_OWN_WAYS = ("__getstate__", "__getnewargs__", "__getnewargs_ex__")


def describe(obj: Any) -> tuple | None:
    """The persistent id of what pickle can't name, or must not; None for all others."""
    if obj is set_state:  # not by its module's name: our package has several
        return (SET_STATE,)
    if not isinstance(obj, (type, FunctionType)):
        return None
    module, name = obj.__module__, obj.__qualname__
    is_path = isinstance(module, str) and not module.replace(".", "").isidentifier()
    if not is_path or "." not in module or module not in sys.modules:
        return None
    with contextlib.suppress(AttributeError):  # one that a function made
        return (NAMED, module, name) if _find(module, name) is obj else None
    return None


def rebuild(pid: Any) -> Any:
    """What `describe` described.

    Raises:
        ImportError, AttributeError: it is a class or function that this process does not have.
    """
    return set_state if pid[0] == SET_STATE else _find(pid[1], pid[2])


def _find(module: str, name: str) -> Any:
    found = sys.modules.get(module) or importlib.import_module(module)
    return operator.attrgetter(name)(found)


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
    """`object.__reduce_ex__` of Python 3.11: it asks the object for nothing."""
    kind = type(obj)
    slots = {}
    for name in ("__dict__", *copyreg._slotnames(kind)):  # type: ignore[attr-defined]
        with contextlib.suppress(AttributeError):  # nothing was put in it
            slots[name] = object.__getattribute__(obj, name)
    state = slots.pop("__dict__", None) or None
    items = iter(obj) if isinstance(obj, list) else None
    pairs = iter(dict.items(obj)) if isinstance(obj, dict) else None
    return copyreg.__newobj__, (kind,), (state, slots) if slots else state, items, pairs  # type: ignore[attr-defined]
