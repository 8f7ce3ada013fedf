"""The file of a record: one JSON object a line, only appended to. PURE.

    record    first line: format, id, title, who made it, when
    workflow  a workflow that runs, by its digest
    begin     a call of `run()`: which workflows, how many iterations
    step      one workflow of one iteration: time, nodes, what went in and came out
    picture   where the small picture of a stored value is
    end       that call ended: done, failed, interrupted
    closed    its owner ended in good order

`k` of each says which it is.

A killed owner leaves half a line at the end; it is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

FORMAT = 1
KINDS = frozenset({"record", "workflow", "begin", "step", "picture", "end", "closed"})

Entry: TypeAlias = "dict[str, Any]"

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


_NUMBERS = (
    *("t", "seconds", "nodes", "cached", "ram", "disk", "worker", "call", "iteration"),
    *("iterations", "calls_before", "dropped", "at", "bytes", "width", "height", "count", "pid"),
)
_TEXTS = ("id", "title", "digest", "name", "status", "error", "version", "file")
_MAY_BE_NONE = frozenset({"worker", "iterations", "error", "width", "height", "count", "name"})
_LARGEST = 1 << 62


def make_line(entry: Entry) -> bytes:
    """One line, with its line end. Only ASCII: lone surrogates in a text survive."""
    return (_to_json(entry) + "\n").encode("ascii")


def parse_lines(data: bytes | Iterable[bytes]) -> list[Entry]:
    """The entries of a record; what is torn, odd, or of a kind that is not known, is left out.

    Raises:
        ValueError: a newer Discomfort wrote it.
    """
    entries = []
    for line in data.split(b"\n") if isinstance(data, bytes) else data:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not _is_whole(entry):
            continue
        if entry["k"] == "record" and entry.get("format") != FORMAT:
            raise ValueError(
                f"A Discomfort of another version wrote this record (format "
                f"{entry.get('format')!r}; this one reads {FORMAT}). Update Discomfort to see it."
            )
        entries.append(entry)
    return entries


def _is_whole(entry: Any) -> bool:
    """Whether a line says what lines of ours say, in the types that they have."""
    if not isinstance(entry, dict) or not isinstance(entry.get("k"), str):
        return False
    numbers = all(_fits(entry, name, _is_number) for name in _NUMBERS)
    texts = all(_fits(entry, name, lambda value: isinstance(value, str)) for name in _TEXTS)
    cells = all(_fits(entry, name, _are_cells) for name in ("in", "out"))
    if entry["k"] == "picture" and not {"version", "file", "at", "bytes"} <= entry.keys():
        return False
    return entry["k"] in KINDS and numbers and texts and cells


def _fits(entry: Entry, name: str, is_kind: Callable[[Any], bool]) -> bool:
    value = entry.get(name)
    return is_kind(value) if value is not None else name not in entry or name in _MAY_BE_NONE


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < _LARGEST  # and so neither infinite nor NaN


def _are_cells(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(cell, dict) and isinstance(cell.get("version", ""), str)
        for cell in value.values()
    )
