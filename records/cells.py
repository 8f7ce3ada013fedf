"""One value as a cell of a table: small JSON that says what to show. PURE.

{"v": 0.5}                                  a number, text (cut when long), true, false, null
{"about": "Tensor float32 [1, 4, 8, 8]"}    what has no short text
{"version": ..., "type": ..., "bytes": n}   a stored value; its picture is kept beside
{"ref": true, "type": ...}                  by reference: the workflow that makes it
"""

from __future__ import annotations

import math
import reprlib
from typing import Any

MAX_CHARS = 500
_LARGEST_EXACT = 2**53 - 1  # a browser's numbers are floats: a seed of 64 bits would change


class _Short(reprlib.Repr):
    """Lists and dicts in a line; arrays by their shape, which costs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = 12
        self.maxstring = self.maxother = 80

    def repr_instance(self, x: Any, level: int) -> str:
        return f"<{describe(x)}>"


_SHORT = _Short()


def cell_of(value: Any) -> dict[str, Any]:
    """The cell of a value that is at hand."""
    if value is None or isinstance(value, bool):
        return {"v": value}
    if isinstance(value, str):
        if len(value) <= MAX_CHARS:
            return {"v": str.__str__(value)}
        return {"v": value[:MAX_CHARS], "chars": len(value)}
    if isinstance(value, int):
        return {"v": int(value) if abs(value) <= _LARGEST_EXACT else int.__repr__(value)}
    if isinstance(value, float):
        return {"v": float(value) if math.isfinite(value) else float.__repr__(value)}
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return {"v": _SHORT.repr(value)[:MAX_CHARS]}
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return cell_of(value.item())  # a number of numpy's, or a tensor that holds one
    return {"about": describe(value)}


def describe(value: Any) -> str:
    """What a value is, in a few words; arrays with type and shape."""
    shape = getattr(value, "shape", None)
    if shape is None or not hasattr(value, "dtype"):
        return type(value).__name__
    numbers = ", ".join(str(int(n)) for n in shape)
    return f"{type(value).__name__} {str(value.dtype).removeprefix('torch.')} [{numbers}]"


def stored_cell(version: str, kind: str, size_bytes: int) -> dict[str, Any]:
    """The cell of a value that stays in the store; `version` is a name no other value ever had."""
    return {"version": version, "type": kind, "bytes": size_bytes}


def reference_cell(kind: str) -> dict[str, Any]:
    """The cell of a value that is kept as the workflow that makes it."""
    return {"ref": True, "type": kind}
