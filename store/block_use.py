"""Who needs which block: pins, the order of use, and freeing as soon as nobody needs one any more.

Used by `ram_first.py`, `spill.py` and `handover.py`, which decide what is written where.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from .blocks import base, file_blocks
from .receipt import Gone, Receipt
from .receipt_book import ReceiptBook

_SETTLED = 8  # blocks that one call tries again to free
_LENT = 4  # blocks for one run
_POOL_BYTES = 64 << 20


class Keeper:
    """The blocks of one context in one process. Threads may share it.

    Args:
        lock: the store's; what is decided here must not change while the store looks.
        limit_bytes: how much shared memory the context may take.
        is_owner: whether this process decides about blocks: it collects what others left.
        is_durable: there is no owner, everybody collects.
    """

    def __init__(
        self, book: ReceiptBook, ram: base.Blocks, disk: base.Blocks,
        lock: threading.RLock, limit_bytes: int, is_owner: bool, is_durable: bool = False,
    ):  # fmt: skip
        self.book, self.ram, self.disk = book, ram, disk
        self.limit_bytes = limit_bytes
        self.recent: OrderedDict[str, None] = OrderedDict()
        self.pins: dict[str, list[Any]] = {}  # version -> [count, descriptor]
        self._owner_pid = os.getpid() if is_owner else None
        self._is_durable = is_durable
        self._lock = lock
        self._due: deque[str] = deque()
        self._deferred: deque[Gone] = deque()
        self._is_closed = False

    @property
    def is_owner(self) -> bool:
        """A forked child is none, whatever it inherited."""
        return self._owner_pid == os.getpid()

    def blocks(self, storage: str) -> base.Blocks:
        return self.ram if storage == "ram" else self.disk

    def touch(self, receipt: Receipt) -> None:
        """The value was used just now."""
        if receipt.storage == "ram":
            with self._lock:
                self.recent[receipt.version] = None
                self.recent.move_to_end(receipt.version)

    def pin(self, receipt: Receipt) -> bool:
        """Keep a block under its name until `unpin`, whatever happens to its key.

        Returns:
            False if the block is not there any more. It counts as pinned all the same.
        """
        with self._lock:
            pin = self.pins.get(receipt.version)
            blocks = self.blocks(receipt.storage)
            if pin is None:
                # The descriptor bears a shared lock: processes that free blocks respect it.
                descriptor = blocks.pin(receipt.version)
                pin = self.pins[receipt.version] = [0, descriptor]
            pin[0] += 1
            return pin[1] is not None or not isinstance(blocks, file_blocks.FileBlocks)

    def pin_count(self, version: str) -> int:
        return self.pins[version][0] if version in self.pins else 0

    def unpin(self, version: str) -> None:
        with self._lock:
            pin = self.pins.get(version)
            if pin is None:
                return
            pin[0] -= 1
            if pin[0]:
                return
            del self.pins[version]
            if pin[1] is not None:
                os.close(pin[1])
            # Both: it may have moved to disk, or have been replaced there, while it was pinned.
            self.forget([Gone(version, "ram"), Gone(version, "disk")])

    def unpin_later(self, versions: Sequence[str]) -> None:
        """For finalizers: garbage collection may strike while this thread is in the middle of "
        "us."""
        self._due.extend(versions)

    def settle(self) -> None:
        """Do what finalizers asked for, and free what was in use when it was let go."""
        if not self._due and not self._deferred:
            return
        with self._lock:
            while self._due:
                self.unpin(self._due.popleft())
            # A few at a time: values that are held for long must not make every save slower.
            for _ in range(min(len(self._deferred), _SETTLED)):
                self.forget([self._deferred.popleft()])

    def forget(self, gone: Sequence[Gone]) -> None:
        """Free blocks that no receipt names, now or as soon as nobody needs them."""
        if not gone:
            return
        if self.is_owner and not self._is_closed:
            # Freed memory is kept for reuse, but never more than is in use, apart from a small sum.
            in_use = self.book.used_bytes["ram"]
            self.ram.pool.max_bytes = min(self.limit_bytes // 2, max(_POOL_BYTES, in_use))
        for block in gone:
            with self._lock:
                if self.book.is_at(block.version, block.storage):
                    continue
                self.recent.pop(block.version, None)
                if block.version in self.pins:
                    continue  # `unpin` comes back to it
                if not self.free(block):
                    self._deferred.append(block)

    def forget_others(self, gone: Sequence[Gone]) -> None:
        """What other processes replaced. They free it, or the owner does: a reader has no work."""
        if self.is_owner or self._is_durable:
            self.forget(gone)
            return
        for block in gone:
            self.recent.pop(block.version, None)

    def free(self, block: Gone) -> bool:
        return self.blocks(block.storage).free(
            block.version, self.is_owner, block.size_bytes or None
        )

    def adopt(self, receipt: Receipt) -> None:
        """A block that the worker made is ours from here on."""
        self.blocks(receipt.storage).adopt(receipt.version, receipt.size_bytes)
        self.touch(receipt)

    def lend(self) -> list[tuple[str, int]]:
        """Freed blocks whose memory the worker may use again."""
        return self.ram.lend(_LENT) if self.is_owner else []

    def return_lent(self, lent: Sequence[tuple[str, int]]) -> None:
        """What the worker used bears another name by now; the rest is ours again."""
        for version, size in lent:
            self.free(Gone(version, "ram", size))

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            for pin in self.pins.values():
                if pin[1] is not None:
                    os.close(pin[1])
            self.pins.clear()
            self.ram.pool.max_bytes = 0
            self.ram.close()
