"""Who needs which block: pins, the order of use, and freeing as soon as no one needs one any more.

Used by `ram_first.py`, `spill.py` and `context/handoff.py`, which decide what is written where.
"""

from __future__ import annotations

import enum
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from .blocks.base import Blocks, Lent
from .blocks.choose import Storages
from .receipt import Gone, Receipt
from .receipt_book import ReceiptBook

_SETTLED = 8  # blocks that one call tries again to free
_LENT = 4  # blocks for one run
_ALWAYS_KEPT_BYTES = 64 << 20


class Role(enum.Enum):
    """What a process is to a context."""

    OWNER = "owner"  # it made the context: it spills, and collects what others left
    GUEST = "guest"  # it joined another's
    EQUAL = "equal"  # the context is durable: there is no owner, and all collect


class _Pin:
    """How often a block is pinned, and what holds it against other processes."""

    __slots__ = ("count", "descriptor")

    def __init__(self, descriptor: int | None):
        self.count, self.descriptor = 0, descriptor

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)


class BlockUse:
    """The blocks of one context in one process. Threads may share it.

    Args:
        lock: the store's; what is decided here must not change while the store looks.
        limit_bytes: how much shared memory the context may take.
        role: whether this process decides about blocks.
    """

    def __init__(
        self,
        storages: Storages,
        book: ReceiptBook,
        lock: threading.RLock,
        limit_bytes: int,
        role: Role,
    ):
        self._storages, self._book, self._lock = storages, book, lock
        self._limit_bytes, self._role, self._pid = limit_bytes, role, os.getpid()
        self._reusing, self._holding = storages.reusing, storages.holding
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._pins: dict[str, _Pin] = {}
        self._due: deque[str] = deque()
        self._deferred: deque[Gone] = deque()
        self._is_closed = False

    @property
    def is_owner(self) -> bool:
        """A forked child is none, whatever it inherited."""
        return self._role is Role.OWNER and self._pid == os.getpid()

    def _blocks_of(self, receipt: Receipt) -> Blocks:
        return self._storages.at(receipt.storage)

    # -- one block ------------------------------------------------------------------------------

    def open(self, receipt: Receipt) -> memoryview:
        """See `Blocks.open`."""
        return self._blocks_of(receipt).open(receipt.version)

    def locate(self, receipt: Receipt) -> str:
        """The name or path of its block, for people."""
        return self._blocks_of(receipt).locate(receipt.version)

    def touch(self, receipt: Receipt) -> None:
        """The value was used just now."""
        if receipt.storage == "ram":
            with self._lock:
                self._recent[receipt.version] = None
                self._recent.move_to_end(receipt.version)

    def least_recent(self, but_last: bool = False) -> Receipt | None:
        """The value in RAM that was not used for longest, and that can be moved: not pinned.

        Args:
            but_last: not the one that was used last, also if there is no other.
        """
        with self._lock:
            stored: dict[str, Receipt] = {}
            for receipt in self._book.receipts.values():
                if receipt.storage == "ram" and receipt.version not in self._pins:
                    stored[receipt.version] = receipt
            # What other processes saved and was not used here counts as oldest.
            unseen = [r for v, r in stored.items() if v not in self._recent]
            order = unseen + [stored[v] for v in self._recent if v in stored]
            if but_last:
                order = order[:-1]
            return order[0] if order else None

    def adopt(self, receipt: Receipt) -> None:
        """A block that the worker made is ours from here on."""
        if self._holding is not None and receipt.storage == "ram":
            self._holding.adopt(receipt.version, receipt.size_bytes)
        self.touch(receipt)

    # -- pins -----------------------------------------------------------------------------------

    def pin(self, receipt: Receipt) -> bool:
        """Keep a block under its name until `unpin`, whatever happens to its key.

        Returns:
            False if the block is not there any more. It counts as pinned all the same.
        """
        with self._lock:
            pinning = self._storages.pinning_at(receipt.storage)
            pin = self._pins.get(receipt.version)
            if pin is None:
                descriptor = None if pinning is None else pinning.pin(receipt.version)
                pin = self._pins[receipt.version] = _Pin(descriptor)
            pin.count += 1
            return pin.descriptor is not None or pinning is None

    def pin_count(self, version: str) -> int:
        return self._pins[version].count if version in self._pins else 0

    @property
    def has_pins(self) -> bool:
        return bool(self._pins)

    def unpin(self, version: str) -> None:
        """Take one pin back. What no receipt names and no other pin holds is freed."""
        with self._lock:
            pin = self._pins.get(version)
            if pin is None:
                return
            pin.count -= 1
            if pin.count:
                return
            del self._pins[version]
            pin.close()
            # Both: it may have moved to disk, or have been replaced there, while it was pinned.
            self.forget([Gone(version, "ram"), Gone(version, "disk")])

    def unpin_later(self, versions: Sequence[str]) -> None:
        """For finalizers, which garbage collection may call while this thread is at work here."""
        self._due.extend(versions)

    # -- freeing --------------------------------------------------------------------------------

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
        """Free blocks that no receipt names, now or as soon as no one needs them."""
        if not gone:
            return
        if self._reusing is not None and self.is_owner and not self._is_closed:
            # Freed memory is kept for reuse, but never more than is in use, apart from a small sum.
            in_use = max(_ALWAYS_KEPT_BYTES, self._book.used_bytes("ram"))
            self._reusing.keep_at_most(min(self._limit_bytes // 2, in_use))
        for block in gone:
            with self._lock:
                if self._book.is_at(block.version, block.storage):
                    continue
                self._recent.pop(block.version, None)
                if block.version in self._pins:
                    continue  # `unpin` comes back to it
                if not self._free(block):
                    self._deferred.append(block)

    def forget_others(self, gone: Sequence[Gone]) -> None:
        """What other processes replaced. They free it, or the owner does: a guest has no work."""
        if self._role is Role.EQUAL or self.is_owner:
            self.forget(gone)
            return
        for block in gone:
            self._recent.pop(block.version, None)

    def _free(self, block: Gone) -> bool:
        blocks = self._storages.at(block.storage)
        return blocks.free(block.version, self.is_owner, block.size_bytes or None)

    def discard(self, receipts: Iterable[Receipt]) -> None:
        """Free blocks that were written, and then got no receipt."""
        for receipt in receipts:
            if not self._book.is_used(receipt.version):
                self._blocks_of(receipt).free(receipt.version)

    def remove(self, receipt: Receipt) -> None:
        """Take a block's name away at once, also when it is being read."""
        self._blocks_of(receipt).remove(receipt.version)

    def remove_unfinished(self, version: str) -> None:
        """Remove what a saver left that may be writing to it still: it is not to be reused."""
        self._storages.ram.remove(version)
        self._storages.disk.remove(version)

    # -- memory that is kept for the next blocks ------------------------------------------------

    @property
    def kept_bytes(self) -> int:
        return 0 if self._reusing is None else self._reusing.kept_bytes

    def trim(self, need_bytes: int | None = None) -> int:
        """Give kept memory back to the system, all or as much as is needed; returns how much."""
        return 0 if self._reusing is None else self._reusing.trim(need_bytes)

    def lend(self) -> list[Lent]:
        """Kept blocks whose memory the worker may use."""
        if self._reusing is None or not self.is_owner:
            return []
        return self._reusing.lend(_LENT)

    def return_lent(self, lent: Sequence[Lent]) -> None:
        """What the worker used bears another name by now; the rest is ours again."""
        for version, size_bytes in lent:
            self._free(Gone(version, "ram", size_bytes))

    def close(self) -> None:
        """Let go of all descriptors and of kept memory."""
        with self._lock:
            self._is_closed = True
            for pin in self._pins.values():
                pin.close()
            self._pins.clear()
            if self._reusing is not None:
                self._reusing.close()
            if self._holding is not None:
                self._holding.close()
