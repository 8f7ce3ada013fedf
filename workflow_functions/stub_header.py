"""What stands at the head of a stub: which workflows it was made of, and what they were then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = 1
MARK = "discomfort stubs"
_ROW = re.compile(r"^# (\{.*\})$", re.MULTILINE)
_PACKAGE = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
_STAMP = re.compile(r'"stamp": "[0-9a-f]*"')


@dataclass(frozen=True, slots=True)
class Header:
    """Of which workflows a stub is made.

    Attributes:
        package: the name that it imports us by.
        stamps: place of the file, from the stub's folder -> stamp.
    """

    package: str
    stamps: Mapping[str, str]


def header_lines(package: str, rows: list[dict[str, str]]) -> list[str]:
    """The lines; JSON without a letter beyond ASCII has no line end in it.

    Args:
        rows: "function", "file" and "stamp" of each workflow.
    """
    first: dict[str, Any] = {MARK: FORMAT, "package": package}
    made = "# Made by `discomfort stubs`, which makes it anew: what is changed here is lost."
    return [made, "# ruff: noqa", *(f"# {json.dumps(row)}" for row in [first, *rows])]


def read_header(text: str) -> Header | None:
    """The header of a stub or its module; None: it is none of ours."""
    rows = [row for match in _ROW.findall(text) if isinstance(row := _parsed(match), dict)]
    if not rows or MARK not in rows[0]:
        return None
    package = rows[0].get("package")
    if not isinstance(package, str) or not _PACKAGE.fullmatch(package):
        return None
    stamps = {
        row["file"]: row["stamp"]
        for row in rows[1:]
        if isinstance(row.get("file"), str) and isinstance(row.get("stamp"), str)
    }
    return Header(package, stamps)


def without_stamps(text: str) -> str:
    """The text without what changes when a workflow changed and its ports did not."""
    return _STAMP.sub('"stamp": ""', text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
