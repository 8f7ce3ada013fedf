"""Which values go into a prompt as if typed in: text, numbers, true, false, null, lists of them."""

from __future__ import annotations

from typing import Any

from .plain_values import is_builtin

# The prompt travels as JSON and stays in ComfyUI's history: what is longer goes through shared
# memory.
MAX_LITERAL_CHARS = 1 << 20
_MAX_BITS = 14_000  # some 4,200 digits


class NotLiteral:
    """What `as_literal` gives for a value that must be loaded; None is a literal itself."""


NOT_LITERAL = NotLiteral()


def as_literal(value: Any) -> Any:
    """The value as JSON knows it, or NOT_LITERAL: builtins only, and lists of them.

    What else stands for text or a number: see `plain_values.py`. A tuple is no list: it would come
    back as one.
    """
    if not is_builtin(value):
        return NOT_LITERAL
    items = value if isinstance(value, list) else [value]
    chars = sum(len(item) if isinstance(item, str) else 8 for item in items)
    if chars > MAX_LITERAL_CHARS or any(map(_is_endless, items)):
        return NOT_LITERAL
    if isinstance(value, list):
        return NOT_LITERAL if _looks_like_a_link(value) else list(value)
    return value


def _is_endless(item: Any) -> bool:
    """Whether it is a number that Python writes no digits of (`sys.set_int_max_str_digits`)."""
    return isinstance(item, int) and item.bit_length() > _MAX_BITS


def _looks_like_a_link(items: list[Any]) -> bool:
    """Whether ComfyUI would take the list for a link when it runs, wrapped or not.

    Source: it unwraps `{"__value__": [...]}` when it validates (execution.py,
    comfy_execution/graph_utils.py of 0.3.64 and 0.33).
    """
    return len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], (int, float))


def in_prompt(literal: Any) -> Any:
    """The literal as an input's value; a bare list would be a link (ComfyUI execution.py)."""
    return {"__value__": literal} if isinstance(literal, list) else literal


def unwrapped(value: Any) -> Any:
    """An input's value as a node gets it.

    Source: ComfyUI unwraps lists when it validates (execution.py `validate_inputs`).
    """
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value
