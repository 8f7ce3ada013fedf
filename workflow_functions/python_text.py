"""Texts of strangers as pieces of Python code: they parse, run nothing, and show what they are.

The one place that writes such text; the rest puts these pieces together. Laid out as `ruff format`
and `black` do, whatever the length of their lines.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

_WIDTH = 80
_LONGEST_DEFAULT = 40


def literal(value: str | int | float | bool) -> str:
    """A text, number or truth value as code: one line, in the quotes that formatters choose."""
    if not isinstance(value, str):
        return repr(value).replace("e+", "e")
    quote = "'" if value.count('"') > value.count("'") else '"'
    # Of repr: all that can't be seen is written out, marks of direction too.
    body = "".join(c if c in "'\"" else repr(c)[1:-1] for c in value)
    return quote + body.replace(quote, "\\" + quote) + quote


def default_of(value: Any, allowed: tuple[type, ...] = (), choices: Sequence[Any] = ()) -> str:
    """A default as code, if it is short and of the type of its parameter; else `...`.

    Args:
        allowed: the types that it may be of, exactly.
        choices: what else it may be.
    """
    is_allowed = type(value) in allowed or any(
        type(value) is type(choice) and value == choice for choice in choices
    )
    if not is_allowed or (isinstance(value, float) and not math.isfinite(value)):
        return "..."
    if isinstance(value, int) and abs(value) > 2**64:
        return "..."
    shown = literal(value)
    return shown if len(shown) <= _LONGEST_DEFAULT else "..."


def width(line: str) -> int:
    """The columns that a line takes, or a few more, as formatters count them."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def docstring(indent: int, first: str, lines: Iterable[str] = ()) -> list[str]:
    """A docstring's lines.

    Args:
        first: of ours: it begins with a letter.
        lines: each of them on lines of its own.
    """
    space, first = " " * indent, first.strip()
    if not (rest := list(lines)):
        return [f'{space}"""{_in_docstring(first)}"""']
    texts = [first, "", *rest]
    wrapped = [line for text in texts for line in _wrapped(_in_docstring(text), indent)]
    shown = [f"{space}{line}".rstrip() for line in wrapped]
    shown[0] = f'{space}"""{shown[0].lstrip()}'
    return [*shown, f'{space}"""']


def _wrapped(text: str, indent: int) -> list[str]:
    found = textwrap.wrap(
        text,
        _WIDTH - indent,
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent="    ",
    )
    return found or [""]


def _in_docstring(text: str) -> str:
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown.replace("\\", "\\\\").replace('"', "'")
