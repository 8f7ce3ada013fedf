"""RAM first: values go to shared memory within a budget, the least recently used ones to disk.

Owns what happens to blocks: written, named in a receipt, pinned while a run uses them, moved,
freed. The front door (`workflow_context.py`) and `handover.py` call it. What was saved is readable
at any moment of any failure: a block is whole before a receipt names it, and freed after none does.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import CorruptValueError, StoreFullError, UnknownKeyError
from . import run_dir
from .block_use import Keeper
from .blocks import base, choose
from .encoding import codec
from .receipt import Receipt
from .receipt_book import ReceiptBook
from .spill import Spiller

Decode: TypeAlias = Callable[[memoryview, bool, str, codec.Header], Any]

_RETRIES = 20
_UNFINISHED_S = 3600.0  # a save may take this long from its last write to its receipt


class RamFirst:
    """The blocks and receipts of one context in one process. Threads may share it.

    Args:
        folder: the context's folder.
        limit_bytes: how much shared memory its values may take; 0: everything goes to disk.
        is_owner: whether this process frees blocks that others still hold, and spills.
        is_durable: disk only, written through.
    """

    def __init__(self, folder: Path, limit_bytes: int, is_owner: bool, is_durable: bool = False):
        self.folder = folder
        self.limit_bytes = 0 if is_durable else limit_bytes
        self.book = ReceiptBook(folder)
        self.book.open()
        self.ram = choose.ram_blocks(folder)
        self.disk = choose.disk_blocks(folder, fsync=is_durable)
        self._lock = threading.RLock()
        self.keeper = Keeper(
            self.book, self.ram, self.disk, self._lock, self.limit_bytes, is_owner, is_durable
        )
        self._reserved = 0
        self._spiller = Spiller(self.keeper, self.disk, self._lock, self.limit_bytes)
        if is_durable:
            self.sweep()

    # -- reading ------------------------------------------------------------------------------

    def receipt(self, unique_id: str) -> Receipt:
        with self._lock:
            self.keeper.forget_others(self.book.refresh())
            found = self.book.receipts.get(unique_id)
        if found is None:
            raise UnknownKeyError(
                f"Nothing is stored under {unique_id!r}. Save it first, or see list_keys()."
            )
        return found

    def unique_ids(self) -> list[str]:
        self.keeper.settle()
        with self._lock:
            self.keeper.forget_others(self.book.refresh())
            return list(self.book.receipts)

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
        # Nobody can replace it while we hold the lock, so that what is missing now is really lost.
        with self._lock, self.book.lock:
            receipt = self.receipt(unique_id)
            try:
                return self.read(receipt, trusted)
            except FileNotFoundError:
                raise CorruptValueError(
                    f"The value of {unique_id!r} is gone: {self.locate(receipt)} was removed from "
                    "outside. Save it again."
                ) from None

    def read(self, receipt: Receipt, trusted: bool = True, decode: Decode = codec.decode) -> Any:
        """The value that a receipt names.

        Args:
            decode: what becomes of its block.

        Raises:
            FileNotFoundError: the block is not, or no longer, where the receipt says.
        """
        view = self.keeper.blocks(receipt.storage).open(receipt.version)
        where = f"the value of {receipt.unique_id!r} ({self.locate(receipt)})"
        head = codec.read_header(view, where)
        if head.version != receipt.version:
            raise FileNotFoundError(f"{where} was replaced")
        value = decode(view, trusted, where, head)
        self.keeper.touch(receipt)
        return value

    def locate(self, receipt: Receipt) -> str:
        return self.keeper.blocks(receipt.storage).locate(receipt.version)

    # -- writing ------------------------------------------------------------------------------

    def save(
        self, unique_id: str, data: Any, use_ram: bool, pass_by: str, meta: dict | None,
        beside: Sequence[tuple[str, Receipt]] = (),
    ) -> Receipt:  # fmt: skip
        """Write a value, and its receipt, in one step with those `beside` it."""
        try:
            value = codec.encode(data)
        except Exception as e:
            raise TypeError(
                f"The value of {unique_id!r} ({type(data).__name__}) can't be stored: {e}"
            ) from e
        version = run_dir.new_version(self.book.token)
        storage = self.write(version, value, use_ram, unique_id)
        receipt = Receipt(
            unique_id, version, value.total_bytes, storage, pass_by, value.is_safe, value.is_list,
            meta,
        )  # fmt: skip
        self.keeper.touch(receipt)
        try:
            self.commit([*beside, (unique_id, receipt)])
        except BaseException as e:
            if not self.book.is_used(version):
                self.keeper.blocks(storage).free(version)
            if isinstance(e, OSError) and base.is_no_room(e):
                raise self._full(e, unique_id, value.total_bytes) from e
            raise
        return receipt

    def write(self, version: str, value: codec.Encoded, use_ram: bool, unique_id: str) -> str:
        """Write a block where there is room; returns "ram" or "disk".

        Raises:
            StoreFullError: there is none.
        """
        size = value.total_bytes
        if use_ram and size <= self.limit_bytes and self._write_ram(version, value):
            return "ram"
        try:
            self.disk.create(version, value)
        except base.NoRoom as e:
            raise self._full(e, unique_id, size) from e
        return "disk"

    def _full(self, e: OSError, unique_id: str, size: int) -> StoreFullError:
        return StoreFullError(
            e.errno,
            f"No room for the value of {unique_id!r} ({size} bytes): neither within the RAM limit "
            f"of {self.limit_bytes} bytes, nor on the disk of {self.folder} "
            f"({self.disk.room_bytes()} bytes free). What was stored before is still there. "
            "Free some room, or raise max_ram_gb",
        )

    def _write_ram(self, version: str, value: codec.Encoded) -> bool:
        size = value.total_bytes
        with self._lock:
            self._reserved += size
        try:
            over = self._over_bytes()
            if over > 0 and not self._spiller.make_room(over):
                return False
            try:
                self.ram.create(version, value)
            except base.NoRoom:
                # The limit allows it, but the memory file system is smaller.
                if not self._spiller.make_room(size):
                    return False
                self.ram.create(version, value)
        except base.NoRoom:
            return False
        finally:
            with self._lock:
                self._reserved -= size
        return True

    def _over_bytes(self) -> int:
        pooled = self.ram.pool.size_bytes
        return self.book.used_bytes["ram"] + self._reserved + pooled - self.limit_bytes

    def commit(self, entries: Sequence[tuple[str, Receipt | None]]) -> None:
        """Write receipts, and free what they replace."""
        with self._lock, self.book.lock:
            gone = self.book.append(entries)
        self.keeper.forget(gone)
        self.keeper.settle()
        self._spiller.in_background()

    def commit_chosen(
        self, choose: Callable[[dict[str, Receipt]], Sequence[tuple[str, Receipt | None]]]
    ) -> None:
        """`commit` what follows from all receipts, while nobody changes them."""
        with self._lock, self.book.lock:
            gone = self.book.refresh(is_locked=True)
            if entries := choose(self.book.receipts):
                gone += self.book.append(entries)
        self.keeper.forget(gone)
        self.keeper.settle()

    def remove(self, unique_id: str) -> None:
        self.receipt(unique_id)
        self.commit([(unique_id, None)])

    def copy(self, source: str, target: str) -> Receipt:
        """A second key for the same block."""
        with self._lock, self.book.lock:
            found = self.receipt(source)
            receipt = Receipt(
                target, found.version, found.size_bytes, found.storage, found.pass_by,
                found.is_safe, found.is_list, found.meta,
            )  # fmt: skip
            gone = self.book.append([(target, receipt)])
        self.keeper.forget(gone)
        return receipt

    def pin_current(self, unique_id: str) -> Receipt:
        """Look up and pin in one step, so that nobody frees the block between the two."""
        for _ in range(_RETRIES):
            with self._lock:
                receipt = self.receipt(unique_id)
                if self.keeper.pin(receipt):
                    return receipt
                self.keeper.unpin(receipt.version)
        raise CorruptValueError(
            f"The value of {unique_id!r} is gone: its block was removed from outside. "
            "Save it again."
        )

    def room_bytes(self) -> int:
        """How much shared memory the limit still allows; what is kept for reuse counts as free."""
        return max(0, self.limit_bytes - self.book.used_bytes["ram"] - self._reserved)

    def sweep(self) -> None:
        """Remove files that killed processes wrote and never named, once nobody can be at them."""
        for version in self.disk.versions():
            path = self.disk.locate(version)
            with contextlib.suppress(OSError):
                is_old = time.time() - os.path.getmtime(path) > _UNFINISHED_S
                if is_old and not self.book.is_used(version):
                    os.unlink(path)

    # -- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the background, let go of descriptors. An owner of a temporary context frees all
        blocks."""
        self._spiller.close()
        self.keeper.close()
        self.book.lock.close()
        if self.keeper.is_owner:
            for version in self.ram.versions():
                if version.startswith(self.book.token + "_"):
                    self.ram.remove(version)
