"""What the lines of a receipt book say together: who has which block, and what the blocks take.

`receipt_book.py` reads lines and applies them here in their order; nothing in here knows the file.
"""

from __future__ import annotations

from collections.abc import Collection

from .receipt import Gone, Receipt
from .receipt_lines import Lost


class ReceiptTable:
    """The receipts in force, counted.

    Attributes:
        receipts: by unique_id, those written last at the end.
        damaged: the keys whose lines can't be read, with what an older line says of them.
        lines: how many were applied; more than receipts where keys were written again.
    """

    def __init__(self) -> None:
        self.receipts: dict[str, Receipt] = {}
        self.damaged: dict[str, Receipt | None] = {}
        self.lines = 0
        self._used_bytes = {"ram": 0, "disk": 0}
        self._uses: dict[str, int] = {}  # of each version, in all receipts
        self._blocks: dict[tuple[str, str], int] = {}  # (version, storage) -> uses

    def apply(self, unique_id: str, receipt: Receipt | Lost | None) -> list[Gone]:
        """Take one line; returns the block that nothing names any more."""
        self.lines += 1
        old = self.receipts.pop(unique_id, None) or self.damaged.pop(unique_id, None)
        if isinstance(receipt, Lost):
            self.damaged[unique_id] = old  # what it names stays
            return []
        if receipt is not None:
            self.receipts[unique_id] = receipt
            self._count(receipt, 1)
        if old is None:
            return []
        self._count(old, -1)
        if self.is_used(old.version):
            return []
        return [Gone(old.version, old.storage, old.size_bytes)]

    def doubt(self, unique_ids: Collection[str]) -> None:
        """These keys have no value any more; the blocks that they had stay in use."""
        for key in unique_ids:
            self.damaged[key] = self.receipts.pop(key, None) or self.damaged.get(key)

    def gone(self) -> list[Gone]:
        """All blocks that are in use, as gone: for a table that replaces this one."""
        return list({Gone(r.version, r.storage, r.size_bytes) for r in self.receipts.values()})

    def used_bytes(self, storage: str) -> int:
        """What the values take in "ram" or on "disk"; a block with two keys counts once."""
        return self._used_bytes[storage]

    def is_used(self, version: str) -> bool:
        """Whether a receipt names the block."""
        return version in self._uses

    def is_at(self, version: str, storage: str) -> bool:
        """Whether a receipt says that the block is there."""
        return (version, storage) in self._blocks

    def _count(self, receipt: Receipt, by: int) -> None:
        # A copy of a key shares the block.
        block = (receipt.version, receipt.storage)
        before = self._blocks.get(block, 0)
        self._blocks[block] = before + by
        self._uses[receipt.version] = self._uses.get(receipt.version, 0) + by
        if not self._uses[receipt.version]:
            del self._uses[receipt.version]
        if not self._blocks[block]:
            del self._blocks[block]
        if before == 0 or before + by == 0:
            self._used_bytes[receipt.storage] += receipt.size_bytes * by
