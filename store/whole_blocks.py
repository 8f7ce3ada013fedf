"""The blocks of durable contexts are whole: written through, with a checksum in their receipts, and
checked when they are opened, once for each state of their file.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from dataclasses import replace
from pathlib import Path

from ..errors import CorruptValueError
from . import damage
from .blocks.choose import Storages
from .receipt import Receipt
from .receipt_book import ReceiptBook

_REMEMBERED = 10_000  # versions that were checked
_UNFINISHED_S = 3600.0  # a save may take this long from its last write to its receipt


class WholeBlocks:
    """Opens the blocks of one context.

    CRC-32, since zlib computes it at 5 GB/s here; the hashes of hashlib at 0.4 to 1.4 GB/s.

    Args:
        folder: the context's.
        is_durable: blocks get checksums.
    """

    def __init__(self, folder: Path, storages: Storages, is_durable: bool):
        self._folder, self._storages, self._is_durable = folder, storages, is_durable
        self._seen: dict[str, tuple[int, int, int]] = {}  # version -> the file that was checked

    def open(self, receipt: Receipt, where: str) -> memoryview:
        """Map a block.

        Raises:
            FileNotFoundError: it is not there.
            CorruptValueError: a bit of it is not as it was written.
        """
        view = self._storages.at(receipt.storage).open(receipt.version)
        if receipt.checksum is None or receipt.storage != "disk":
            return view
        about = os.stat(self._storages.disk.locate(receipt.version))
        stamp = about.st_ino, about.st_size, about.st_mtime_ns
        if self._seen.get(receipt.version) != stamp:
            if zlib.crc32(view) != receipt.checksum:
                damage.note(self._folder, f"The block {receipt.version} is damaged.")
                raise CorruptValueError(
                    f"{where} is damaged (checksum). Save the value again, or put the file back "
                    "from a copy."
                )
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()  # they are checked once more
            self._seen[receipt.version] = stamp
        return view

    def check(self, receipt: Receipt) -> None:
        """See that what the worker is to load is as it was written. Raises as `open`."""
        if receipt.checksum is not None:
            self.open(receipt, f"the value of {receipt.unique_id!r}")

    def seal(self, receipt: Receipt, is_written_through: bool) -> Receipt:
        """The receipt with the checksum of its block, which is on the disk by then."""
        if not self._is_durable:
            return receipt
        if not is_written_through:
            self._storages.disk.sync(receipt.version)
        view = self._storages.disk.open(receipt.version)
        return replace(receipt, checksum=zlib.crc32(view))

    def sweep(self, book: ReceiptBook) -> None:
        """Remove files that killed processes wrote and never named, once they are old enough; none
        while anything is damaged, since a damaged receipt may have named them.
        """
        if damage.is_noted(self._folder):
            return
        disk = self._storages.disk
        for version in disk.versions():
            path = disk.locate(version)
            with contextlib.suppress(OSError):
                is_old = time.time() - os.path.getmtime(path) > _UNFINISHED_S
                if is_old and not book.is_used(version):
                    disk.free(version)  # not what a run of another process holds
