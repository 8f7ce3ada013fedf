"""What a value is where text, a number, true or false, or an option is asked for.

The one step before anything looks at a value that meets a port of such a type: literals, loaders,
plans and the runner nodes take it. What is stored, and what inputs of other types get, is the
object that was given.
"""

from __future__ import annotations

import contextlib
import math
import numbers
from decimal import Decimal
from typing import Any

PLAIN_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})
_BUILTINS = (bool, int, float, str)
_MAX_EXPONENT = 4000  # of a Decimal that becomes a whole number


def is_plain_type(kind: str) -> bool:
    """Whether all values of a type are plain. A type may be several, as "INT,FLOAT"."""
    return PLAIN_TYPES.issuperset(kind.split(","))


def is_builtin(value: Any) -> bool:
    """Whether a value is plain as it is: None, a builtin and no subclass of one, a list of them."""
    items = value if type(value) is list else [value]
    return all(item is None or type(item) in _BUILTINS for item in items)


def plain_value(value: Any, kind: str) -> Any:
    """The builtin that a value stands for, where a plain type is asked for; of a list, each item's.

    One that stands for none (a dict, a tensor of many elements) comes back as it is. Whether the
    builtin is of the type that is asked for is not looked at: "x" for an INT stays "x".
    """
    if type(value) is list:
        return [_plain_item(item, kind) for item in value]
    return _plain_item(value, kind)


def _plain_item(value: Any, kind: str) -> Any:
    if value is None or type(value) in _BUILTINS:
        return value
    single = _single_element(value)
    if isinstance(single, bool):
        return single
    if isinstance(single, str):
        return str.__str__(single)  # of an Enum that is text, too, its value
    if isinstance(single, int):
        return int.__pos__(single)
    if isinstance(single, float):
        return float.__pos__(single)
    if hasattr(type(single), "__fspath__"):
        path = type(single).__fspath__(single)
        return str.__str__(path) if isinstance(path, str) else value
    if isinstance(single, (Decimal, numbers.Real)):
        return _number(single, kind, value)
    return value


def _single_element(value: Any) -> Any:
    """What an array, a tensor or a numpy scalar holds, if that is one element."""
    shape, item = getattr(value, "shape", None), getattr(value, "item", None)
    if not (isinstance(shape, tuple) and callable(item)):
        return value
    # A tensor without data (device "meta"), one of a size known later: it has no element.
    with contextlib.suppress(Exception):
        if math.prod(shape) == 1:
            return item()
    return value


def _number(number: Any, kind: str, given: Any) -> Any:
    """A number that is no builtin: what it says where text is asked for, else its value."""
    if kind == "STRING":
        return str(number)
    is_huge = isinstance(number, Decimal) and number.adjusted() > _MAX_EXPONENT
    if kind != "FLOAT" and is_huge and number.is_finite():
        return float(number)  # infinite; as a whole number it would keep us busy for minutes
    # Not finite, or too large for a float.
    with contextlib.suppress(ValueError, OverflowError, ArithmeticError):
        if kind != "FLOAT" and number == (whole := int(number)):
            return whole
    with contextlib.suppress(ValueError, OverflowError, ArithmeticError):
        floating = float(number)
        if not math.isinf(floating) or number == floating:
            return floating
    return given
