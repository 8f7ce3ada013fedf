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
from collections.abc import Iterable
from typing import Any, TypeAlias

FORMAT = 1
KINDS = frozenset({"record", "workflow", "begin", "step", "picture", "end", "closed"})

Entry: TypeAlias = "dict[str, Any]"

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
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict) or entry.get("k") not in KINDS:
            continue
        if entry["k"] == "record" and entry.get("format") != FORMAT:
            raise ValueError(
                f"A Discomfort of another version wrote this record (format "
                f"{entry.get('format')!r}; this one reads {FORMAT}). Update Discomfort to see it."
            )
        entries.append(entry)
    return entries
