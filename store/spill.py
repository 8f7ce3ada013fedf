"""From RAM to disk: the least recently used values first, at once or in the background.

Owned by `ram_first.py`. A value is whole on disk before a receipt says that it is there, and its
block in RAM is freed after.
"""

from __future__ import annotations

import logging
import threading

from .block_use import Keeper
from .blocks import file_blocks
from .receipt import Receipt

log = logging.getLogger("discomfort.store")

_NEAR = 0.9  # of the limit: here the background starts to spill,
_ENOUGH = 0.8  # and here it stops


class Spiller:
    """Moves values of one context to disk. Only the context's owner has any.

    Args:
        disk: where to.
        lock: the store's.
        limit_bytes: how much shared memory the values may take.
    """

    def __init__(
        self, keeper: Keeper, disk: file_blocks.FileBlocks, lock: threading.RLock, limit_bytes: int
    ):
        self.keeper, self.book, self.ram, self.disk = keeper, keeper.book, keeper.ram, disk
        self._lock, self._limit_bytes = lock, limit_bytes
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def make_room(self, need: int) -> bool:
        """Give freed memory back, then spill, until that many bytes are free."""
        need -= self.ram.pool.trim(need)
        while need > 0:
            receipt = self._least_recent()
            if receipt is None or not self.spill(receipt):
                return False
            # A spilled block may have gone to the pool: that is memory still taken.
            need -= receipt.size_bytes
            self.ram.pool.trim()
        return True

    def _least_recent(self, but_last: bool = False) -> Receipt | None:
        if not self.keeper.is_owner:
            return None
        with self._lock:
            stored: dict[str, Receipt] = {}
            for receipt in self.book.receipts.values():
                if receipt.storage == "ram" and receipt.version not in self.keeper.pins:
                    stored[receipt.version] = receipt
            # What other processes saved and nobody touched here counts as oldest.
            unseen = [r for v, r in stored.items() if v not in self.keeper.recent]
            order = unseen + [stored[v] for v in self.keeper.recent if v in stored]
            if but_last:
                order = order[:-1]
            return order[0] if order else None

    def spill(self, receipt: Receipt) -> bool:
        """Move one value to disk. False if it could not be: then it stays where it is."""
        version = receipt.version
        self.keeper.pin(receipt)
        try:
            try:
                self.disk.copy_in(version, self.ram.open(version))
            except FileExistsError:
                return False  # another thread is at it
            except FileNotFoundError:
                return True  # replaced meanwhile
            except OSError as e:
                log.warning("%r could not be spilled to disk: %s", receipt.unique_id, e)
                return False
            with self._lock, self.book.lock:
                self.book.refresh(is_locked=True)
                keys = [r for r in self.book.receipts.values() if r.version == version]
                is_pinned = self.keeper.pin_count(version) > 1
                if keys and not is_pinned:
                    self.book.append([(r.unique_id, r.moved_to("disk")) for r in keys])
                else:
                    self.disk.remove(version)
                    return not keys
        finally:
            self.keeper.unpin(version)
        # The last `unpin` freed the block in RAM, as no receipt names it any more.
        log.debug("spilled %r (%d bytes) to disk", receipt.unique_id, receipt.size_bytes)
        return True

    def in_background(self) -> None:
        """Start to spill if the limit is near, and nobody is at it."""
        if not self.keeper.is_owner or not self._limit_bytes or self._thread is not None:
            return
        near = self.book.used_bytes["ram"] > _NEAR * self._limit_bytes
        with self._lock:
            if not near or self._thread is not None or self._is_closing:
                return
            self._thread = threading.Thread(
                target=self._until_enough, name="discomfort-spill", daemon=True
            )
            self._thread.start()

    def _until_enough(self) -> None:
        try:
            while not self._is_closing:
                if self.book.used_bytes["ram"] <= _ENOUGH * self._limit_bytes:
                    return
                receipt = self._least_recent(but_last=True)
                if receipt is None or not self.spill(receipt):
                    return
        except Exception:
            log.exception("spilling to disk failed; values stay in RAM")
        finally:
            self._thread = None

    def close(self) -> None:
        """Stop the background."""
        self._is_closing = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
