"""RAM first: values go to shared memory within a budget, the least recently used ones to disk.

Reads and writes values for the modules of `context/`. What was saved is readable at any moment of
any failure: a block is whole before a receipt names it, and freed after none does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import CorruptValueError, StoreFullError, UnknownKeyError
from .block_use import BlockUse, Role
from .blocks.base import NoRoom, is_no_room
from .blocks.choose import open_storages
from .encoding import codec
from .encoding.layout import Encoded, Header, read_header
from .ram_room import RamRoom
from .receipt import Gone, Receipt
from .receipt_book import ReceiptBook
from .spill import Spiller
from .versions import new_version
from .whole_blocks import WholeBlocks

Decode: TypeAlias = Callable[[memoryview, bool, str, Header], Any]
Entries: TypeAlias = Sequence[tuple[str, "Receipt | None"]]

_RETRIES = 20


class RamFirst:
    """The values of one context, as one process sees them. Threads may share it.

    Args:
        folder: the context's folder.
        limit_bytes: how much shared memory its values may take; 0: everything goes to disk.
        role: what this process is to the context. What is durable is on disk only, written through.

    Attributes:
        book: the receipts.
        blocks: who needs which block.
        whole: opens blocks, and checks those that are kept for good.
        made_here: versions that this process wrote; None: nobody wants to know.
    """

    def __init__(self, folder: Path, limit_bytes: int, role: Role):
        is_durable = role is Role.EQUAL
        self.folder = folder
        self.limit_bytes = 0 if is_durable else limit_bytes
        self.book = ReceiptBook(folder, is_synced=is_durable)
        self.book.open()
        self._storages = open_storages(folder, is_synced=is_durable)
        self._ram, self._disk = self._storages.ram, self._storages.disk
        self.whole = WholeBlocks(folder, self._storages, is_durable)
        self._lock = threading.RLock()
        self.blocks = BlockUse(self._storages, self.book, self._lock, self.limit_bytes, role)
        self.made_here: set[str] | None = None
        self._spiller = Spiller(self.blocks, self.book, self._disk, self._lock, self.limit_bytes)
        self._room = RamRoom(
            self._ram, self.blocks, self.book, self._spiller, self._lock, self.limit_bytes
        )
        if is_durable:
            self.whole.sweep(self.book)

    # -- reading ------------------------------------------------------------------------------

    def receipt(self, unique_id: str) -> Receipt:
        with self._lock:
            self.blocks.forget_others(self.book.refresh())
            found = self.book.receipts.get(unique_id)
        if found is None and unique_id in self.book.damaged:
            raise CorruptValueError(
                f"The receipt of {unique_id!r} in {self.book.path} is damaged: what was stored "
                "under it last can't be told. Save the value again."
            )
        if found is None:
            raise UnknownKeyError(
                f"Nothing is stored under {unique_id!r}. Save it first, or see list_keys()."
            )
        return found

    def known(self, unique_id: str) -> Receipt | None:
        """What is stored under the key as far as this process knows: no other is asked."""
        return self.book.receipts.get(unique_id)

    def unique_ids(self) -> list[str]:
        self.blocks.settle()
        with self._lock:
            self.blocks.forget_others(self.book.refresh())
            return [*self.book.receipts, *self.book.damaged]

    def load(self, unique_id: str, trusted: bool = True) -> Any:
        """The value now stored under the key."""
        before = None
        for _ in range(_RETRIES):
            receipt = self.receipt(unique_id)
            try:
                return self.read(receipt, trusted)
            except FileNotFoundError:  # replaced or moved between the look-up and the opening?
                if receipt == before:
                    break
                before = receipt
        # It can't be replaced while we hold the lock: what is missing now is really lost.
        with self._lock, self.book.lock:
            receipt = self.receipt(unique_id)
            try:
                return self.read(receipt, trusted)
            except FileNotFoundError:
                where = self.blocks.locate(receipt)
                raise CorruptValueError(
                    f"The value of {unique_id!r} is gone: {where} was removed from outside. "
                    "Save it again."
                ) from None

    def read(self, receipt: Receipt, trusted: bool = True, decode: Decode = codec.decode) -> Any:
        """The value that a receipt names.

        Args:
            decode: what becomes of its block.

        Raises:
            FileNotFoundError: the block is not, or no longer, where the receipt says.
        """
        blocks = self._storages.at(receipt.storage)
        where = f"the value of {receipt.unique_id!r} ({blocks.locate(receipt.version)})"
        view = self.whole.open(receipt, where)
        head = read_header(view, where)
        if head.version != receipt.version:
            raise FileNotFoundError(f"{where} was replaced")
        value = decode(view, trusted, where, head)
        self.blocks.touch(receipt)
        return value

    # -- writing ------------------------------------------------------------------------------

    def save(
        self,
        unique_id: str,
        data: Any,
        use_ram: bool = True,
        pass_by: str = "val",
        meta: Mapping[str, Any] | None = None,
        beside: Sequence[tuple[str, Receipt]] = (),
        replaced: dict[str, Receipt | None] | None = None,
    ) -> Receipt:
        """Write a value, and its receipt, in one step with those `beside` it.

        Args:
            replaced: gets what was under the key until then, which is pinned.

        Raises:
            StoreFullError: there is no room; what was stored before is kept.
            TypeError: the value can't be stored.
        """
        value = _encoded(unique_id, data)
        receipt = self.write(unique_id, value, use_ram)
        if pass_by != "val" or meta is not None:
            receipt = replace(receipt, pass_by=pass_by, meta=None if meta is None else dict(meta))
        try:
            self.commit([*beside, (unique_id, receipt)], replaced)
        except BaseException as e:
            self.blocks.discard([receipt])
            if isinstance(e, OSError) and is_no_room(e):
                raise self._full(e, unique_id, value.total_bytes) from e
            raise
        return receipt

    def write_aside(self, unique_id: str, data: Any, use_ram: bool) -> Receipt:
        """Write a value that no receipt is to name; errors as `save`."""
        return self.write(unique_id, _encoded(unique_id, data), use_ram)

    def write(self, unique_id: str, value: Encoded, use_ram: bool) -> Receipt:
        """Write a block where there is room; returns the receipt that is to be committed.

        Raises:
            StoreFullError: there is none.
        """
        version, size = new_version(self.book.token), value.total_bytes
        storage = "disk"
        if use_ram and self._room.write(version, value):
            storage = "ram"
        else:
            try:
                self._disk.create(version, value)
            except NoRoom as e:
                raise self._full(e, unique_id, size) from e
        receipt = Receipt(
            unique_id, version, size, storage, is_safe=value.is_safe, is_list=value.is_list
        )
        self.blocks.touch(receipt)
        if self.made_here is not None:
            self.made_here.add(version)
        return self.whole.seal(receipt, is_written_through=True)

    def _full(self, e: OSError, unique_id: str, size: int) -> StoreFullError:
        return StoreFullError(
            e.errno,
            f"No room for the value of {unique_id!r} ({size} bytes): neither within the RAM limit "
            f"of {self.limit_bytes} bytes, nor on the disk of {self.folder} "
            f"({self._disk.room_bytes()} bytes free). What was stored before is still there. "
            "Free some room, or raise max_ram_gb",
        )

    def commit(self, entries: Entries, replaced: dict[str, Receipt | None] | None = None) -> None:
        """Write receipts, and free what they replace.

        Args:
            replaced: gets what was under the keys until then, which is pinned and not freed.
        """
        with self._lock, self.book.lock:
            gone = [] if replaced is None else self._pin_replaced(entries, replaced)
            try:
                gone += self.book.append(entries)
            except BaseException:
                for receipt in filter(None, (replaced or {}).values()):
                    self.blocks.unpin(receipt.version)
                raise
        self.blocks.forget(gone)
        self.blocks.settle()
        self._spiller.in_background()

    def _pin_replaced(self, entries: Entries, replaced: dict[str, Receipt | None]) -> list[Gone]:
        """Pin what stands under these keys now; returns what others let go."""
        gone = self.book.refresh(is_locked=True)
        for unique_id, _ in entries:
            before = replaced[unique_id] = self.book.receipts.get(unique_id)
            if before is not None:
                self.blocks.pin(before)
        return gone

    def commit_chosen(self, choose: Callable[[Mapping[str, Receipt]], Entries]) -> None:
        """`commit` what follows from all receipts, while none of them can change."""
        with self._lock, self.book.lock:
            gone = self.book.refresh(is_locked=True)
            if entries := choose(self.book.receipts):
                gone += self.book.append(entries)
        self.blocks.forget(gone)
        self.blocks.settle()

    def remove(self, unique_id: str) -> None:
        self.receipt(unique_id)
        self.commit([(unique_id, None)])

    def copy(self, source: str, target: str) -> Receipt:
        """A second key for the same block."""
        with self._lock, self.book.lock:
            receipt = replace(self.receipt(source), unique_id=target)
            gone = self.book.append([(target, receipt)])
        self.blocks.forget(gone)
        return receipt

    def pin_current(self, unique_id: str) -> Receipt:
        """Look up and pin in one step: the block can't be freed between the two."""
        for _ in range(_RETRIES):
            with self._lock:
                receipt = self.receipt(unique_id)
                if self.blocks.pin(receipt):
                    return receipt
                self.blocks.unpin(receipt.version)
        raise CorruptValueError(
            f"The value of {unique_id!r} is gone: its block was removed from outside. "
            "Save it again."
        )

    def room_bytes(self) -> int:
        """How much shared memory the limit still allows; what is kept for reuse counts as free."""
        return self._room.free_bytes()

    # -- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the background, let go of descriptors. An owner frees all blocks."""
        self._spiller.close()
        self.blocks.close()
        self.book.lock.close()
        if self.blocks.is_owner:
            for version in self._ram.versions():
                if version.startswith(self.book.token + "_"):
                    self._ram.remove(version)


def _encoded(unique_id: str, data: Any) -> Encoded:
    try:
        return codec.encode(data)
    except Exception as e:
        raise TypeError(
            f"The value of {unique_id!r} ({type(data).__name__}) can't be stored: {e}"
        ) from e
