"""The file of a record: one JSON object a line, only appended to. PURE.

    record    first line: format, id, title, who made it, when
    workflow  a workflow that runs, by its digest
    begin     a call of `run()`: which workflows, how many iterations
    step      one workflow of one iteration: time, nodes, what went in and came out
    picture   where the small picture of a stored value is
    end       that call ended: done, failed, interrupted
    closed    its owner ended in good order

`k` of each says which it is.

A killed owner leaves half a line at the end; it is passed over, as is any line with a field that is
not what it should be: one odd line hides no other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

FORMAT = 1
_LARGEST = 2**53  # a browser's numbers are exact up to here

Entry: TypeAlias = "dict[str, Any]"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_count, value))


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _are_cells(value: Any) -> bool:
    return isinstance(value, dict) and all(_fits(cell, _CELL) for cell in value.values())


_Fields: TypeAlias = "dict[str, Callable[[Any], bool]]"

# What `cells.py` writes.
_CELL: _Fields = {
    "v": _is_scalar,
    "chars": _is_count,
    "about": _is_text,
    "version": _is_text,
    "type": _is_text,
    "bytes": _is_count,
    "ref": _is_flag,
}
_CALL: _Fields = {"call": _is_count, "t": _is_number}
_ROW: _Fields = {**_CALL, "iteration": _is_count, "name": _is_text}
_KINDS: dict[str, _Fields] = {
    "record": {
        "id": _is_text,
        "title": _is_text,
        "t": _is_number,
        "pid": _is_count,
        "calls_before": _is_count,
        "dropped": _is_count,
    },
    "workflow": {"digest": _is_text, "name": _is_text, "is_prompt": _is_flag},
    "begin": {**_CALL, "iterations": _is_count, "workflows": _is_list},
    "step": {
        **_ROW,
        "seconds": _is_number,
        "nodes": _is_count,
        "cached": _is_count,
        "ram": _is_count,
        "disk": _is_count,
        "worker": _is_count,
        "in": _are_cells,
        "out": _are_cells,
    },
    "picture": {
        "version": _is_text,
        "file": _is_text,
        "at": _is_count,
        "bytes": _is_count,
        "width": _is_count,
        "height": _is_count,
        "shape": _is_shape,
        "count": _is_count,
    },
    "end": {**_ROW, "status": _is_text, "error": _is_text},
    "closed": {"t": _is_number},
}
_NEEDED = {"workflow": ("digest",), "picture": ("version", "file", "at", "bytes")}
_MAY_BE_NULL = frozenset({"iterations", "worker", "error", "v"})


def _fits(entry: Any, fields: _Fields) -> bool:
    """Whether each field that is there is what it should be; others are of later versions."""
    return isinstance(entry, dict) and all(
        fits(entry[name]) or (entry[name] is None and name in _MAY_BE_NULL)
        for name, fits in fields.items()
        if name in entry
    )


def _is_entry(entry: Any) -> bool:
    kind = entry.get("k") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return False
    return _fits(entry, _KINDS[kind]) and all(name in entry for name in _NEEDED.get(kind, ()))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


_read = json.JSONDecoder(parse_float=_finite, parse_constant=_finite).decode

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def make_line(entry: Entry) -> bytes:
    """One line, with its line end. Only ASCII: lone surrogates in a text survive."""
    return (_to_json(entry) + "\n").encode("ascii")


def parse_lines(data: bytes | Iterable[bytes]) -> list[Entry]:
    """The entries of a record; what is torn, or of a kind that is not known, is left out.

    Raises:
        ValueError: a newer Discomfort wrote it.
    """
    entries = []
    for line in data.split(b"\n") if isinstance(data, bytes) else data:
        try:
            entry = _read(line.decode())
        except (ValueError, RecursionError):
            continue
        if not _is_entry(entry):
            continue
        if entry["k"] == "record" and not entries and entry.get("format") != FORMAT:
            raise ValueError(
                f"A Discomfort of another version wrote this record (format "
                f"{entry.get('format')!r}; this one reads {FORMAT}). Update Discomfort to see it."
            )
        entries.append(entry)
    return entries
