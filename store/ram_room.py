"""The room in shared memory: whether one more block fits within the limit, and making it fit.

Owned by `ram_first.py`. Threads that write at once count each other's blocks before they are there.
"""

from __future__ import annotations

import threading

from .block_use import BlockUse
from .blocks.base import Blocks, NoRoom
from .encoding.layout import Encoded
from .receipt_book import ReceiptBook
from .spill import Spiller


class RamRoom:
    """What one context may take of shared memory, `limit_bytes`.

    Args:
        ram: where blocks are written.
        spiller: makes room.
        lock: the store's.
    """

    def __init__(
        self,
        ram: Blocks,
        blocks: BlockUse,
        book: ReceiptBook,
        spiller: Spiller,
        lock: threading.RLock,
        limit_bytes: int,
    ):
        self._ram, self._blocks, self._book = ram, blocks, book
        self._spiller, self._lock, self._limit_bytes = spiller, lock, limit_bytes
        self._reserved_bytes = 0  # of blocks that are being written

    def write(self, version: str, value: Encoded) -> bool:
        """Write a block, for which others may go to disk. False: there is no room for it."""
        size = value.total_bytes
        if size > self._limit_bytes:
            return False
        with self._lock:
            self._reserved_bytes += size
        try:
            over = self._over_bytes()
            if over > 0 and not self._spiller.make_room(over):
                return False
            try:
                self._ram.create(version, value)
            except NoRoom:
                # The limit allows it, but the memory file system is smaller.
                if not self._spiller.make_room(size):
                    return False
                self._ram.create(version, value)
        except NoRoom:
            return False
        finally:
            with self._lock:
                self._reserved_bytes -= size
        return True

    def free_bytes(self) -> int:
        """What the limit still allows; what is kept for reuse counts as free."""
        taken = self._book.used_bytes("ram") + self._reserved_bytes
        return max(0, self._limit_bytes - taken)

    def _over_bytes(self) -> int:
        taken = self._book.used_bytes("ram") + self._reserved_bytes + self._blocks.kept_bytes
        return taken - self._limit_bytes
