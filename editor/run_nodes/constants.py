"""The text of `values`: constants for the ports that nothing is connected to. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...errors import WorkflowError


def parse_values(text: str | None) -> dict[str, Any]:
    """`name = value` lines: JSON where it is JSON, else text. Empty lines and # lines are skipped.

    Raises:
        WorkflowError: a line without "=", or a name twice; names the line.
    """
    values: dict[str, Any] = {}
    for number, line in enumerate((text or "").split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise WorkflowError(f"values, line {number}: {line!r} is not like `name = value`.")
        if name in values:
            raise WorkflowError(f"values, line {number}: {name!r} is set twice.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def can_be_written(kind: str, is_object: Callable[[str], bool]) -> bool:
    """Whether a text can stand for a value of this type, or of one of several, as "INT,FLOAT"."""
    return not all(map(is_object, kind.split(",")))


def why_unfit(name: str, value: Any, kind: str, is_object: Callable[[str], bool]) -> str | None:
    """Why a constant can't be the value of a port of this type, and what to write; None: it can.

    Args:
        kind: a ComfyUI type, or several, as "INT,FLOAT".
        is_object: whether a type is one that no text stands for: a picture, a model.
    """
    kinds = kind.split(",")
    if any(_is_fit(value, k, is_object(k)) for k in kinds):
        return None
    shown = f"values has {name} = {json.dumps(value)[:80]}, and the port {name!r} needs {kind}"
    if not can_be_written(kind, is_object):
        return f"{shown}, which can't be written as text: connect its socket instead"
    hints = [_HINTS[k].format(name=name) for k in kinds if k in _HINTS]
    return f"{shown}: write {' or '.join(hints)}"


def _is_fit(value: Any, kind: str, is_object: bool) -> bool:
    if is_object:
        return value is None
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return True
    try:
        convert(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _to_boolean(value: Any) -> bool:
    """Not as ComfyUI does it: any text is true there, "False" and "no" too."""
    if isinstance(value, str):
        raise ValueError(value)
    return bool(value)


# As ComfyUI converts what is typed in (execution.py `validate_inputs`, 0.3.64 and 0.33).
_CONVERTERS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "BOOLEAN": _to_boolean}
_HINTS = {
    "INT": "a whole number, like `{name} = 3`",
    "FLOAT": "a number, like `{name} = 0.5`",
    "BOOLEAN": "`{name} = true` or `{name} = false`",
}
