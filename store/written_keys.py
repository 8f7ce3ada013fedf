"""receipts.keys: whose line was written last, beside receipts.json and known without it.

What a disk cuts off at the end of receipts.json can be told from outside of that file only. Of each
line written to a durable context's receipts, this file has the key and the line's checksum; it is
written after the line, and not synced: the system writes it within seconds, and a save must not
wait for the disk once more. `receipt_book.py` reads it when the end of its own file is missing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from .blocks.base import BINARY

log = logging.getLogger("discomfort.store")

FILE_NAME = "receipts.keys"
_FLAGS = os.O_WRONLY | os.O_CREAT | BINARY | getattr(os, "O_NOFOLLOW", 0)
_CRC = re.compile(rb'"crc":(\d+)\}\n')


class WrittenKeys:
    """The notes of one context. The caller holds the lock of its receipts."""

    def __init__(self, folder: Path):
        self._path = folder / FILE_NAME

    def add(self, lines: Iterable[tuple[str, str]]) -> None:
        """Note lines that stand in receipts.json now: (key, line)."""
        self._write(lines, _FLAGS | os.O_APPEND)

    def start_over(self, lines: Iterable[tuple[str, str]]) -> None:
        """Note these lines, which are all that receipts.json has now."""
        self._write(lines, _FLAGS | os.O_TRUNC)

    def _write(self, lines: Iterable[tuple[str, str]], flags: int) -> None:
        # Without it all is as before, but for a cut that may then go unseen.
        data = "".join(_note(key, line) for key, line in lines).encode()
        try:
            fd = os.open(self._path, flags, 0o600)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
        except OSError as e:
            log.debug("%s was not written: %s", self._path, e)

    def missing_in(self, receipts: bytes) -> list[str]:
        """The keys whose last line is not in receipts.json, given as it is now."""
        present = {int(crc) for crc in _CRC.findall(receipts)}
        last: dict[str, int] = {}
        with contextlib.suppress(OSError):
            for note in self._path.read_bytes().split(b"\n"):
                with contextlib.suppress(ValueError):
                    key, crc = _read_note(note)
                    last[key] = crc
        return [key for key, crc in last.items() if crc not in present]


def _note(key: str, line: str) -> str:
    crc = line.rpartition('"crc":')[2].rstrip("}\n")
    said = f"{json.dumps(key)} {crc}"
    return f"{said} {zlib.crc32(said.encode())}\n"


def _read_note(note: bytes) -> tuple[str, int]:
    """
    Raises:
        ValueError: the note is damaged.
    """
    said, _, own = note.rpartition(b" ")
    if zlib.crc32(said) != int(own):
        raise ValueError(note)
    key, _, crc = said.rpartition(b" ")
    return json.loads(key), int(crc)
