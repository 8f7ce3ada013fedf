"""The types of ports as names, and which of two says more. ANY stands for every type."""

from __future__ import annotations

from typing import Any

ANY = "ANY"
# What says nothing: LiteGraph writes "*", "" or 0, and a match type is a placeholder for another
# type.
_ANY_TYPES = {"*", "", "0", ANY, "COMFY_MATCHTYPE_V3"}


def type_name(kind: Any) -> str:
    """A slot's type as a name: a list of options is a COMBO, what says nothing is ANY."""
    if isinstance(kind, (list, tuple)):
        return "COMBO"
    name = str(kind).upper()
    return ANY if name in _ANY_TYPES else name


def more_specific(first: str, second: str) -> str:
    """Of two types the one that says more; the first, if both say as much.

    "INT" says more than "INT,FLOAT".
    """
    if first == ANY:
        return second
    if second == ANY:
        return first
    return second if second.count(",") < first.count(",") else first
