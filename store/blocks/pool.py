"""Freed shared memory kept for the next block: to write to fresh pages costs twice as much.

Owned by `shared_files`. A block is reused only when its file can be locked exclusively: when no
process maps it any more.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading

from ...system import locks

# Small blocks are cheaper to make than to keep; more descriptors than this are a burden.
MIN_BYTES = 1 << 20
MAX_BLOCKS = 32
_POPULATE = getattr(mmap, "MAP_POPULATE", 0)


class Spare:
    """One block's memory that we hold open: its file, and the mapping we write through."""

    __slots__ = ("fd", "path", "size", "_map")

    def __init__(self, fd: int, path: str):
        self.fd, self.path = fd, path
        self.size = os.fstat(fd).st_size
        self._map: mmap.mmap | None = None

    def mapping(self) -> mmap.mmap:
        """A shared mapping, kept between uses: the page faults are paid once, and all together."""
        if self._map is None:
            self._map = mmap.mmap(self.fd, self.size, flags=mmap.MAP_SHARED | _POPULATE)
        return self._map

    @property
    def is_mapped(self) -> bool:
        return self._map is not None

    def resize(self, size: int) -> None:
        if size == self.size:
            return
        if self._map is not None:
            self._map.close()
            self._map = None
        if size > self.size:
            os.posix_fallocate(self.fd, 0, size)
        else:
            os.ftruncate(self.fd, size)
        self.size = size

    def is_named(self) -> bool:
        """Whether the file still bears its name."""
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(self.path))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        os.close(self.fd)

    def discard(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.close()


def _fits(has: int, needs: int) -> bool:
    return has // 2 <= needs <= has * 2


class Pool:
    """The freed blocks of one context in one process. Threads may share it, forked children not.

    Attributes:
        max_bytes: how much it may hold; 0 keeps nothing.
    """

    def __init__(self) -> None:
        self.max_bytes = 0
        self._lock = threading.Lock()
        self._free: list[Spare] = []
        self._busy: list[Spare] = []  # freed, but some process still maps it
        # In use again; open, so that the next use is fast as well.
        self._kept: dict[str, Spare] = {}
        self._pid = os.getpid()

    @property
    def size_bytes(self) -> int:
        if not self._free and not self._busy:  # as with every save of small values
            return 0
        return sum(s.size for s in (*self._free, *self._busy))

    def take(self, size: int) -> Spare | None:
        """A block of about that size that no process maps, locked for us; or None."""
        if size < MIN_BYTES or self._pid != os.getpid():
            return None
        with self._lock:
            self._settle()
            fits = [s for s in self._free if _fits(s.size, size)]
            if not fits:
                return None
            best = min(fits, key=lambda s: (abs(s.size - size), not s.is_mapped))
            self._free.remove(best)
            return best

    def take_lent(self, lent: list[tuple[str, int]], size: int) -> Spare | None:
        """As `take`, from blocks that another process lent us.

        Args:
            lent: (path, bytes) of each.
        """
        if size < MIN_BYTES:
            return None
        fits = [entry for entry in lent if _fits(entry[1], size)]
        for path, _ in sorted(fits, key=lambda entry: abs(entry[1] - size)):
            try:
                spare = Spare(os.open(path, os.O_RDWR), path)
            except FileNotFoundError:
                continue  # an earlier save of this run took it
            if locks.try_exclusive(spare.fd) and spare.is_named():
                return spare
            spare.close()
        return None

    def lend(self, most: int) -> list[tuple[str, int]]:
        """Give some blocks away to be reused by another process: (path, bytes) of each."""
        lent = []
        with self._lock:
            self._settle()
            # Those that are mapped serve us best ourselves.
            for spare in sorted(self._free, key=lambda s: s.is_mapped)[:most]:
                self._free.remove(spare)
                lent.append((spare.path, spare.size))
                spare.close()
        return lent

    def _settle(self) -> None:
        for spare in [s for s in self._busy if locks.try_exclusive(s.fd)]:
            self._busy.remove(spare)
            self._add(spare)

    def _add(self, spare: Spare) -> None:
        """Take in a spare that we just locked. Another process may have removed its file before."""
        if spare.is_named():
            self._free.append(spare)
        else:
            spare.close()

    def keep(self, version: str, spare: Spare) -> None:
        """The spare became a live block: readers may lock it.

        We hold it open only where it comes back to us: an open file keeps memory that others freed.
        """
        if not self.max_bytes:
            spare.close()
            return
        locks.unlock(spare.fd)
        with self._lock:
            self._kept[version] = spare
            if len(self._kept) > MAX_BLOCKS:
                self._kept.pop(next(iter(self._kept))).close()

    def give(self, version: str, path: str) -> bool:
        """Take over a block that is no longer needed. False: the caller removes it."""
        if self._pid != os.getpid():
            return False
        with self._lock:
            spare = self._kept.pop(version, None)
            if spare is None:
                if not self.max_bytes:
                    return False
                try:
                    if os.stat(path).st_size < MIN_BYTES:
                        return False
                    spare = Spare(os.open(path, os.O_RDWR), path)
                except OSError:
                    return False
            self._settle()
            full = len(self._free) + len(self._busy) >= MAX_BLOCKS
            if full or self.size_bytes + spare.size > self.max_bytes:
                spare.discard()
                return True
            if locks.try_exclusive(spare.fd):
                self._add(spare)
            else:
                self._busy.append(spare)
            return True

    def trim(self, need_bytes: int | None = None) -> int:
        """Give memory back to the system, all of it or as much as is needed; returns how much."""
        freed = 0
        if self._pid != os.getpid():
            return 0
        with self._lock:
            for spares in (self._free, self._busy):
                while spares and (need_bytes is None or freed < need_bytes):
                    spare = spares.pop()
                    freed += spare.size
                    spare.discard()
        return freed

    def clear(self) -> None:
        self.trim()
        if self._pid == os.getpid():
            with self._lock:
                while self._kept:
                    self._kept.popitem()[1].close()
