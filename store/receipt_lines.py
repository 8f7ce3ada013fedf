"""The lines of receipts.json, each with a checksum: written, read, and recognised when damaged.

A line names the hash of its key twice beside the key itself, so that where one of the three is
damaged the others say whose line it was.
"""

from __future__ import annotations

import enum
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from .receipt import Receipt

FORMAT = 2  # 1 had no checksums; it is read, and written anew
END = b"}}\n"
_OPENING = '"receipts":{'

_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode
# Where a key ends, and the rest of its line. Each is tried at few places: a search at every quote
# takes minutes for a stranger's hundred kilobytes.
_KEY_END = re.compile(r'":\{"key":"[0-9a-f]{8}",')
_REST = re.compile(r'.*?"of":"[0-9a-f]{8}","crc":\d+\}', re.DOTALL)
_KEY = re.compile(r'"(?:[^"\\]|\\.)*"')
_HASHES = re.compile(r'"(?:key|of)":"([0-9a-f]{8})"')


class Lost(enum.Enum):
    """What a line says of a key whose last line was cut off."""

    LOST = "lost"


class Line(NamedTuple):
    """What a line says: that a key has this receipt, (None) that it is gone, or that it is lost."""

    unique_id: str
    receipt: Receipt | Lost | None


class Header(NamedTuple):
    """The first line: whose receipts these are."""

    format: int
    run_id: str
    token: str


def key_hash(unique_id: str) -> str:
    return f"{zlib.crc32(unique_id.encode('utf-8', 'surrogatepass')):08x}"


def write_header(run_id: str, token: str) -> bytes:
    head = {"format": FORMAT, "run_id": run_id, "token": token}
    text = _to_json(head)[:-1]
    return f'{text},"crc":{zlib.crc32(text.encode())},{_OPENING}\n'.encode()


def read_header(line: bytes) -> Header | None:
    """None: it is damaged."""
    try:
        head = json.loads(line + END)
        found = Header(head["format"], head["run_id"], head["token"])
        text = line.decode().rpartition(',"crc":')[0]
        is_summed = "crc" in head or found.format == FORMAT
        if is_summed and zlib.crc32(text.encode()) != head["crc"]:
            return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if all(isinstance(part, str) for part in found[1:]) else None


def write_line(unique_id: str, receipt: Receipt | Lost | None) -> str:
    """A line without what separates it from the one before."""
    hashed = key_hash(unique_id)
    if isinstance(receipt, Receipt):
        said = receipt.to_json()
    else:
        said = {"gone" if receipt is None else "lost": True}
    body = _to_json({unique_id: {"key": hashed, **said, "of": hashed}})[1:-2]
    return f'{body},"crc":{zlib.crc32(body.encode())}}}\n'


def read_line(line: bytes, fmt: int) -> Line | None:
    """What a line says; None: it is damaged, or not finished."""
    try:
        text = line.decode().removeprefix(",")
        ((unique_id, said),) = _from_json("{" + text + "}").items()
        if fmt == FORMAT:
            body = text.rpartition(',"crc":')[0]
            if zlib.crc32(body.encode()) != said["crc"]:
                return None
            if said.get("gone"):
                return Line(unique_id, None)
            if said.get("lost"):
                return Line(unique_id, Lost.LOST)
        receipt = None if said is None else Receipt.from_json(unique_id, said)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Line(unique_id, receipt)


class Salvaged(NamedTuple):
    """What is left of a damaged part of the file: lines that are whole, and whose were not.

    suspects: hashes of the keys that damaged lines may have been of. names: of keys that can be
        read in them.
    """

    lines: list[Line]
    suspects: set[str]
    names: set[str]


def salvage(part: bytes) -> Salvaged:
    """Read what can be read of a part of the file between newlines, one of which may be gone."""
    text = part.decode("utf-8", "replace")
    lines, rest, at = [], [], 0
    for start, end in _whole_lines(text):
        line = read_line(text[start:end].encode(), FORMAT)
        if line is not None:
            lines.append(line)
            rest.append(text[at:start])
            at = end
    rest.append(text[at:])
    suspects: set[str] = set()
    names: set[str] = set()
    for damaged in rest:
        if damaged.strip(", \n\r"):
            hashes, name = _whose(damaged)
            suspects |= hashes
            names |= name
    return Salvaged(lines, suspects, names)


def _whole_lines(text: str) -> Iterator[tuple[int, int]]:
    """Where what looks like a line begins and ends."""
    ends = list(_KEY_END.finditer(text))
    at = 0
    for number, key_end in enumerate(ends):
        limit = ends[number + 1].start() if number + 1 < len(ends) else len(text)
        start = _opening_quote(text, at, key_end.start())
        rest = _REST.match(text, key_end.end(), limit)
        if start is not None and rest is not None:
            yield start, rest.end()
        at = key_end.end()


def _opening_quote(text: str, least: int, end: int) -> int | None:
    """Where the JSON string begins that ends at `end`: at the last quote that is not escaped."""
    while (at := text.rfind('"', least, end)) >= 0:
        end = at
        while end > least and text[end - 1] == "\\":
            end -= 1
        if (at - end) % 2 == 0:
            return at
    return None


def _whose(damaged: str) -> tuple[set[str], set[str]]:
    """The hashes of the key that a damaged line was of: the one that two places agree on, or all
    that are there; and the key's name, where it can be read.
    """
    votes = Counter(_HASHES.findall(damaged))
    names = dict(_named(damaged))
    votes.update(names.keys())
    if not votes:
        return set(), set()
    hashed, count = votes.most_common(1)[0]
    hashes = {hashed} if count > 1 else set(votes)
    return hashes, {name for of, name in names.items() if of in hashes}


def _named(damaged: str) -> Iterator[tuple[str, Any]]:
    match = _KEY.match(damaged, max(damaged.find('"'), 0))
    if match is not None:
        try:
            name = _from_json(match[0])
        except ValueError:
            return
        yield key_hash(name), name
