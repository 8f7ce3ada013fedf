"""From RAM to disk: the least recently used values first, at once or in the background.

Owned by `ram_first.py`. A value is whole on disk before a receipt says that it is there, and its
block in RAM is freed after.
"""

from __future__ import annotations

import logging
import threading

from .block_use import BlockUse
from .blocks.file_blocks import FileBlocks
from .receipt import Receipt
from .receipt_book import ReceiptBook

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
        self,
        blocks: BlockUse,
        book: ReceiptBook,
        disk: FileBlocks,
        lock: threading.RLock,
        limit_bytes: int,
    ):
        self._blocks, self._book, self._disk = blocks, book, disk
        self._lock, self._limit_bytes = lock, limit_bytes
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def make_room(self, need: int) -> bool:
        """Give freed memory back, then spill, until that many bytes are free."""
        need -= self._blocks.trim(need)
        while need > 0:
            receipt = self._least_recent()
            if receipt is None or not self.spill(receipt):
                return False
            # A spilled block may be kept for reuse: that is memory still taken.
            need -= receipt.size_bytes
            self._blocks.trim()
        return True

    def _least_recent(self, but_last: bool = False) -> Receipt | None:
        return self._blocks.least_recent(but_last) if self._blocks.is_owner else None

    def spill(self, receipt: Receipt) -> bool:
        """Move one value to disk. False if it could not be: then it stays where it is."""
        version = receipt.version
        self._blocks.pin(receipt)
        try:
            try:
                self._disk.copy_in(version, self._blocks.open(receipt))
            except FileExistsError:
                return False  # another thread is at it
            except FileNotFoundError:
                return True  # replaced meanwhile
            except OSError as e:
                log.warning("%r could not be spilled to disk: %s", receipt.unique_id, e)
                return False
            with self._lock, self._book.lock:
                self._book.refresh(is_locked=True)
                keys = [r for r in self._book.receipts.values() if r.version == version]
                is_pinned = self._blocks.pin_count(version) > 1
                if keys and not is_pinned:
                    self._book.append([(r.unique_id, r.moved_to("disk")) for r in keys])
                else:
                    self._disk.remove(version)
                    return not keys
        finally:
            self._blocks.unpin(version)
        # The last `unpin` freed the block in RAM, as no receipt names it any more.
        log.debug("spilled %r (%d bytes) to disk", receipt.unique_id, receipt.size_bytes)
        return True

    def in_background(self) -> None:
        """Start to spill if the limit is near, and no thread is at it."""
        if not self._blocks.is_owner or not self._limit_bytes or self._thread is not None:
            return
        near = self._book.used_bytes("ram") > _NEAR * self._limit_bytes
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
                if self._book.used_bytes("ram") <= _ENOUGH * self._limit_bytes:
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
