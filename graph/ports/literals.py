"""Which values go into a prompt as if typed in: text, numbers, true, false, null, lists of them."""

from __future__ import annotations

import numbers
from typing import Any

# The prompt travels as JSON and stays in ComfyUI's history: what is longer goes through shared
# memory.
MAX_LITERAL_CHARS = 1 << 20


class NotLiteral:
    """What `as_literal` gives for a value that must be loaded; None is a literal itself."""


NOT_LITERAL = NotLiteral()


def as_literal(value: Any) -> Any:
    """The value as JSON knows it, or NOT_LITERAL.

    Numbers of numpy count as numbers. A tuple is no list: it would come back as one.
    """
    if type(value) is not list:
        return _scalar(value)
    items = []
    chars = 0
    for item in value:
        scalar = _scalar(item)
        chars += len(scalar) if isinstance(scalar, str) else 8
        if scalar is NOT_LITERAL or chars > MAX_LITERAL_CHARS:
            return NOT_LITERAL
        items.append(scalar)
    return NOT_LITERAL if _looks_like_a_link(items) else items


def _looks_like_a_link(items: list[Any]) -> bool:
    """Whether ComfyUI would take the list for a link when it runs, wrapped or not.

    Source: it unwraps `{"__value__": [...]}` when it validates (execution.py,
    comfy_execution/graph_utils.py of 0.3.64 and 0.33).
    """
    return len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], (int, float))


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value) if len(value) <= MAX_LITERAL_CHARS else NOT_LITERAL
    if isinstance(value, (int, float)) or type(value).__module__ == "numpy":
        if isinstance(value, numbers.Integral):
            return int(value)
        if isinstance(value, numbers.Real):
            return float(value)
    return NOT_LITERAL


def in_prompt(literal: Any) -> Any:
    """The literal as an input's value; a bare list would be a link (ComfyUI execution.py)."""
    return {"__value__": literal} if isinstance(literal, list) else literal


def unwrapped(value: Any) -> Any:
    """An input's value as a node gets it.

    Source: ComfyUI unwraps lists when it validates (execution.py `validate_inputs`).
    """
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value
