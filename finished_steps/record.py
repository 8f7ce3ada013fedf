"""What a step gave, as its file says it: one line of JSON, and the SHA-256 of that line.

`shelf.py` reads and writes the files. A file of which a bit is not as it was written, or that
stands under another key's name, is no record.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..store.receipt import Receipt

FORMAT = 1
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Record:
    """A finished step.

    Attributes:
        outputs: where each value is; None: a node blocked it, so that it has no value.
        about: small JSON of the caller's.
    """

    key: str
    outputs: Mapping[str, Receipt | None]
    about: Mapping[str, Any]

    def blocks(self) -> dict[str, int]:
        """The names of its blocks, with their sizes."""
        return {r.version: r.size_bytes for r in self.outputs.values() if r is not None}


def is_key(text: Any) -> bool:
    """Whether it is well-formed as the key of a step: it becomes the name of a file."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def write_record(record: Record) -> bytes:
    """
    Raises:
        TypeError, ValueError, RecursionError: `about`, or what goes with an output, is no JSON.
    """
    data = {
        "format": FORMAT,
        "key": record.key,
        "about": record.about,
        "outputs": {name: r and r.to_json() for name, r in record.outputs.items()},
    }
    line = json.dumps(data, separators=(",", ":")).encode()
    return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"


def read_record(data: bytes, key: str) -> Record | None:
    """None: it is damaged, of another step, or of another version's."""
    line, _, said = data.partition(b"\n")
    if said != hashlib.sha256(line).hexdigest().encode() + b"\n":
        return None
    try:
        found = json.loads(line)
        if found["format"] != FORMAT or found["key"] != key:
            return None
        outputs = {
            name: None if r is None else Receipt.from_json(name, r)
            for name, r in found["outputs"].items()
        }
        return Record(key, outputs, found["about"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
