"""Blocks: one stored value each, in shared memory or in a file. Write, map, free, list.

Linux keeps shared memory as files in /dev/shm, so RAM and disk are one class there. macOS has named
POSIX shared memory, Windows named mappings that live as long as a handle: `choose.py` picks. A
reader holds a shared lock on the block for as long as its mapping lives; whoever reuses a block's
memory must get it exclusively.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import shutil
import sys
from pathlib import Path

from ...system import locks
from ..encoding.codec import Encoded
from . import mapping
from .base import Lent, NoRoom, is_no_room
from .copy import copy_into, copy_to_file, write_all
from .pool import MIN_BYTES, Pool, Spare

_BINARY = getattr(os, "O_BINARY", 0)


class FileBlocks:
    """Blocks that are files in one folder.

    Args:
        folder: where; on Linux the shared-memory file system.
        prefix: what all file names begin with.
        pool_bytes: how much freed memory is kept for the next blocks. Fresh pages cost twice a
            copy.
        fsync: write through to the disk before a block counts as made.
    """

    def __init__(
        self, folder: Path, prefix: str, is_ram: bool, pool_bytes: int = 0, fsync: bool = False
    ):
        self.folder, self.prefix, self.is_ram, self.fsync = folder, prefix, is_ram, fsync
        self._base = os.path.join(folder, prefix)
        self.pool = Pool(pool_bytes)

    def locate(self, version: str) -> str:
        return self._base + version

    def create(self, version: str, value: Encoded, is_list: bool = False, lent: Lent = ()) -> None:
        """Write a block of a new name.

        Args:
            lent: version and bytes of freed blocks of another process that may be reused.

        Raises:
            NoRoom: memory or disk is full; what was written of it is gone again.
        """
        spare = self.pool.take(value.total_bytes)
        if spare is None and lent:
            known = [(self.locate(name), size) for name, size in lent]
            spare = self.pool.take_lent(known, value.total_bytes)
        if spare is not None:
            self._recycle(spare, version, value, is_list)
            return
        path = self.locate(version)
        fd = self._new_file(path)
        try:
            if self.is_ram and value.is_on_device:
                self._reserve(fd, value.total_bytes)
                with mmap.mmap(fd, value.total_bytes) as m:
                    copy_into(m, value, value.header(version, is_list))
            else:
                copy_to_file(fd, value, value.header(version, is_list))
            if self.fsync:
                os.fsync(fd)
        except BaseException as e:
            os.close(fd)
            with contextlib.suppress(OSError):
                os.unlink(path)
            if isinstance(e, OSError) and is_no_room(e):
                raise NoRoom(e.errno, f"{value.total_bytes} bytes do not fit", path) from e
            raise
        os.close(fd)

    def _new_file(self, path: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            if self.is_ram:
                raise
            # Made when the first value comes: most contexts never need it. Its parent must be
            # there.
            self.folder.mkdir(mode=0o700, exist_ok=True)
            return os.open(path, flags, 0o600)

    def copy_in(self, version: str, view: memoryview) -> None:
        """Write a block that exists elsewhere."""
        path = self.locate(version)
        fd = self._new_file(path)
        try:
            write_all(fd, view)
        except BaseException:
            os.close(fd)
            os.unlink(path)
            raise
        os.close(fd)

    def adopt(self, version: str, size: int) -> None:
        """Nothing to do: a file lives until it is removed."""

    def _reserve(self, fd: int, size: int) -> None:
        """Take the room before it is written: a mapping of memory that is not there is a bus
        error."""
        os.posix_fallocate(fd, 0, size)

    def _recycle(self, spare: Spare, version: str, value: Encoded, is_list: bool) -> None:
        """Write into freed memory. The spare is ours alone: its lock is held."""
        path = self.locate(version)
        os.rename(spare.path, path)  # first, so that nobody finds new bytes under the old name
        spare.path = path
        try:
            spare.resize(value.total_bytes)
            copy_into(spare.mapping(), value, value.header(version, is_list))
        except BaseException as e:
            spare.discard()
            if isinstance(e, OSError) and is_no_room(e):
                raise NoRoom(e.errno, f"{value.total_bytes} bytes do not fit", path) from e
            raise
        self.pool.keep(version, spare)

    def open(self, version: str) -> memoryview:
        """A private view of a block. It stays valid, and as it is, whatever becomes of the block.

        Raises:
            FileNotFoundError: there is no such block, or it is just being reused.
        """
        path = self.locate(version)
        fd = os.open(path, os.O_RDONLY | _BINARY)
        try:
            size = os.fstat(fd).st_size
            if size <= mapping.SMALL_BYTES:
                return mapping.read(fd, size)
            if not locks.try_shared(fd):
                raise FileNotFoundError(errno.ENOENT, "the block is being reused", path)
            return mapping.map_privately(fd, size)
        finally:
            os.close(fd)

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        """Remove a block, or keep its memory for the next.

        Args:
            size_bytes: of the value, where the caller knows it: it saves asking the file.

        Returns:
            False if somebody else still needs it by name (only asked when not `is_owner`), or if
            Windows won't remove a file that is open. Try again later.
        """
        path = self.locate(version)
        may_pool = size_bytes is None or size_bytes >= MIN_BYTES
        if is_owner and may_pool and self.pool.give(version, path):
            return True
        try:
            if sys.platform == "win32":
                os.unlink(path)  # an open file refuses
                return True
            fd = os.open(path, os.O_RDONLY)
            try:
                if not locks.try_exclusive(fd):
                    return False
                os.unlink(path)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        return True

    def remove(self, version: str) -> None:
        """Take away the name at once. Who maps the block keeps what he has."""
        with contextlib.suppress(OSError):
            os.unlink(self.locate(version))

    def pin(self, version: str) -> int | None:
        """Hold a block under its name against the other processes; `os.close` ends it."""
        try:
            fd = os.open(self.locate(version), os.O_RDONLY | _BINARY)
        except FileNotFoundError:
            return None
        if not locks.try_shared(fd):
            os.close(fd)
            return None
        return fd

    def lend(self, most: int) -> list[tuple[str, int]]:
        """Version and bytes of freed blocks that another process may reuse; `free` takes them
        back.
        """
        start = len(self._base)
        return [(path[start:], size) for path, size in self.pool.lend(most)]

    def versions(self) -> list[str]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return [n[len(self.prefix) :] for n in names if n.startswith(self.prefix)]

    def room_bytes(self) -> int:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def close(self) -> None:
        self.pool.clear()
