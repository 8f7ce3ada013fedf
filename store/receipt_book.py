"""receipts.json: what is stored under which unique_id, and where.

One JSON object at all times, and yet only appended to: a save overwrites the two closing braces
with its own line and closes again, so it costs the same with ten keys and with ten thousand. A
later line of the same unique_id wins, as JSON readers do it. When most lines are outdated, the file
is written anew beside the old one and renamed over it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ..errors import ContextNotFound, CorruptValueError
from ..system.locks import ProcessLock
from . import damage
from .receipt import Gone, Receipt
from .receipt_file import append_at, read_from, stamp, write_anew
from .receipt_lines import (
    END,
    FORMAT,
    Lost,
    key_hash,
    read_header,
    read_line,
    salvage,
    write_header,
    write_line,
)
from .receipt_table import ReceiptTable
from .versions import new_token
from .written_keys import WrittenKeys

log = logging.getLogger("discomfort.store")

FILE_NAME = "receipts.json"
_SPARE_LINES = 1000


class ReceiptBook:
    """The receipts of one context, shared by threads and processes.

    Attributes:
        lock: to be held to `append`.
        run_id, token: of the context, once the book was read.
    """

    def __init__(self, folder: Path, is_synced: bool = False):
        self._is_synced = is_synced
        self.path = folder / FILE_NAME
        self._file = str(self.path)
        self.lock = ProcessLock(folder / "receipts.lock")
        self._written = WrittenKeys(folder) if is_synced else None
        self.run_id = ""
        self.token = ""
        self._format = FORMAT
        self._table = ReceiptTable()
        self._end = 0
        self._is_first = True
        self._known: tuple[int, int, int] | None = None

    @staticmethod
    def create(folder: Path, run_id: str, token: str, is_synced: bool = False) -> None:
        """Write an empty book; who sees the file sees a whole one."""
        write_anew(folder / FILE_NAME, write_header(run_id, token) + END, is_synced)

    def open(self) -> None:
        """Read all of it.

        Raises:
            ContextNotFound: there is none.
            CorruptValueError: it is not a book, or of a newer format.
        """
        if not self.path.exists():
            raise ContextNotFound(f"There is no context in {self.path.parent}.")
        try:
            with self.lock:
                self.refresh(is_locked=True)
                if self._format != FORMAT:
                    self._compact()
        except BaseException:
            self.lock.close()
            raise

    def refresh(self, is_locked: bool = False) -> list[Gone]:
        """Read what was appended since. Returns the blocks that nothing names any more."""
        try:
            now = stamp(os.stat(self._file))
        except FileNotFoundError:
            raise ContextNotFound(
                f"The context in {self.path.parent} is gone: its owner closed it."
            ) from None
        if now == self._known:
            return []
        gone: list[Gone] = []
        if self._known is None or now[0] != self._known[0] or now[1] < self._end:
            gone = self._start_over()
        data = read_from(self._file, self._end)
        if self._is_synced and not is_locked and not data.endswith(END):
            with self.lock:  # nobody is writing: what is missing now was cut off
                gone += self.refresh(is_locked=True)
            return [g for g in gone if not self._table.is_used(g.version)]
        gone += self._take_lines(data, is_locked)
        if data.endswith(END) or is_locked:
            self._known = now
        # A block may be named again by a later line (copies of a key).
        return [g for g in gone if not self._table.is_used(g.version)]

    def _start_over(self) -> list[Gone]:
        gone = self._table.gone()
        self._table = ReceiptTable()
        with open(self.path, "rb") as file:
            first = file.readline()
        head = read_header(first)
        self._end, self._is_first = len(first), True
        if head is None:
            return gone + self._do_without_header(first)
        if head.format not in (1, FORMAT):
            raise CorruptValueError(
                f"{self.path} has format {head.format}; this version of Discomfort reads {FORMAT}."
            )
        self._format, self.run_id, self.token = head
        return gone

    def _do_without_header(self, first: bytes) -> list[Gone]:
        """What is durable needs it for no more than its name and names of new blocks."""
        if not self._is_synced:
            raise CorruptValueError(
                f"{self.path} is damaged at its beginning; what the context holds can't be found. "
                "Remove the folder, or put the file back from a copy."
            )
        damage.note(self.path.parent, f"The beginning of {FILE_NAME} is damaged.")
        self._format, self.run_id = FORMAT, self.path.parent.name
        self.token = self.token or new_token()
        # Where the newline after it is what was hit, the first line is here.
        rest = first.partition(b'"receipts":{')[2]
        return self._salvage(rest) if len(rest) > len(END) else []

    def _take_lines(self, data: bytes, is_locked: bool) -> list[Gone]:
        gone: list[Gone] = []
        at = 0
        while (newline := data.find(b"\n", at)) >= 0:
            line, start, at = data[at:newline], at, newline + 1
            if line == END[:-1]:
                return gone
            found = read_line(line, self._format)
            if found is None:
                if not is_locked:  # another process is writing; what is whole was taken
                    return gone
                if at == len(data) and len(line) < len(END):
                    break  # the end
                gone += self._salvage(line)
            else:
                gone += self._table.apply(*found)
            self._end += at - start
            self._is_first = False
        if is_locked:
            damage.note(self.path.parent, f"The end of {FILE_NAME} is missing or damaged.")
            gone += self._lose_what_was_cut()
        return gone

    def _lose_what_was_cut(self) -> list[Gone]:
        """Say of each key whose last line is missing that it is lost: no older one is its value."""
        if self._written is None:
            return []
        lost = self._written.missing_in(read_from(self._file, 0))
        if not lost:
            return []
        try:
            self._write([write_line(key, Lost.LOST) for key in lost])
        except OSError as e:  # who reads it next says so again
            log.warning("%s: what was lost can't be noted there: %s", self.path, e)
        whose = ", ".join(map(repr, sorted(lost)))
        damage.note(self.path.parent, f"The last receipt of {whose} is missing in {FILE_NAME}.")
        return [gone for key in lost for gone in self._table.apply(key, Lost.LOST)]

    def _salvage(self, part: bytes) -> list[Gone]:
        """Take what is whole of a damaged part. The keys whose lines are damaged have no value, and
        none of before either; what that names stays on the disk.
        """
        gone: list[Gone] = []
        found = salvage(part)
        for line in found.lines:
            gone += self._table.apply(*line)
        lost = {key for key in self.receipts if key_hash(key) in found.suspects} | found.names
        self._table.doubt(lost)
        if found.suspects or not found.lines:
            whose = ", ".join(map(repr, sorted(lost))) or "a key that can't be read any more"
            damage.note(self.path.parent, f"In {FILE_NAME} the receipt of {whose} is damaged.")
        return gone

    @property
    def receipts(self) -> Mapping[str, Receipt]:
        """What this process knows, by unique_id; `refresh` adds what others appended."""
        return self._table.receipts

    @property
    def damaged(self) -> Collection[str]:
        """The keys whose receipts are damaged."""
        return self._table.damaged.keys()

    def used_bytes(self, storage: str) -> int:
        """What the values take in "ram" or on "disk"; a block with two keys counts once."""
        return self._table.used_bytes(storage)

    def is_used(self, version: str) -> bool:
        """Whether a receipt names the block."""
        return self._table.is_used(version)

    def is_at(self, version: str, storage: str) -> bool:
        """Whether a receipt says that the block is there."""
        return self._table.is_at(version, storage)

    def append(self, entries: Sequence[tuple[str, Receipt | None]]) -> list[Gone]:
        """Write receipts (None: the key is removed). The caller holds `lock`.

        Returns:
            The blocks that nothing names any more, also those that others let go.
        """
        gone = self.refresh(is_locked=True)
        lines = [write_line(*entry) for entry in entries]
        now = self._write(lines)
        if self._written is not None:
            self._written.add(zip((key for key, _ in entries), lines, strict=True))
        for unique_id, receipt in entries:
            gone += self._table.apply(unique_id, receipt)
        if self._table.lines > 2 * len(self.receipts) + _SPARE_LINES:
            try:
                self._compact()
                now = os.stat(self._file)
            except OSError as e:  # no room, or (on Windows) a reader: it can wait
                log.debug("%s is not rewritten now: %s", self.path, e)
        self._known = stamp(now)
        return [g for g in gone if not self._table.is_used(g.version)]

    def _write(self, lines: Sequence[str]) -> os.stat_result:
        """Append lines. Returns the file's state after it."""
        first = "" if self._is_first else ","
        data = (first + ",".join(lines) if lines else "").encode()
        now = append_at(self._file, self._end, data, END, self._is_synced)
        self._end += len(data)
        self._is_first = self._is_first and not lines
        return now

    def _compact(self) -> None:
        if damage.is_noted(self.path.parent):
            return
        head = write_header(self.run_id, self.token)
        lines = {key: write_line(key, receipt) for key, receipt in self.receipts.items()}
        lines |= {key: write_line(key, Lost.LOST) for key in self.damaged}
        body = ",".join(lines.values()).encode()
        write_anew(self.path, head + body + END, self._is_synced)
        if self._written is not None:
            self._written.start_over(lines.items())
        self._format, self._known = FORMAT, None
        self._end = len(head) + len(body)
        self._table.lines = len(lines)
        self._is_first = not lines
