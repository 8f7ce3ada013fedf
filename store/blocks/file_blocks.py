"""Blocks that are files in one folder. A context's disk; `shared_files` builds on it.

A reader holds a shared lock on the block for as long as its mapping lives; whoever frees or reuses
a block's memory must get the lock exclusively.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from pathlib import Path

from ...system import locks
from ...system.files import sync_folder, write_all
from ..encoding.layout import Encoded
from . import mapping
from .base import BINARY, NoRoom, is_no_room
from .copy import copy_to_file

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY
# A folder may have been filled by a stranger: links are not followed, pipes not waited for.
_TO_READ = os.O_RDONLY | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FileBlocks:
    """Blocks that are files in one folder.

    Args:
        folder: made when the first value comes, since most contexts never need it. Its parent must
            be there.
        prefix: what all file names begin with.
        is_synced: write through to the disk before a block counts as made.
    """

    def __init__(self, folder: Path, prefix: str = "", is_synced: bool = False):
        self.folder, self.prefix, self.is_synced = folder, prefix, is_synced
        self._base = os.path.join(folder, prefix)

    def locate(self, version: str) -> str:
        return self._base + version

    def create(self, version: str, value: Encoded, is_list: bool = False) -> None:
        path = self.locate(version)
        fd = self._new_file(path)
        try:
            self._fill(fd, value, value.header(version, is_list))
            if self.is_synced:
                os.fsync(fd)
                sync_folder(self.folder)
        except BaseException as e:
            os.close(fd)
            with contextlib.suppress(OSError):
                os.unlink(path)
            if isinstance(e, OSError) and is_no_room(e):
                raise no_room_for(value, path, e) from e
            raise
        os.close(fd)

    def _fill(self, fd: int, value: Encoded, header: bytes) -> None:
        copy_to_file(fd, value, header)

    def _new_file(self, path: str) -> int:
        try:
            return os.open(path, _NEW_FILE, 0o600)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            return os.open(path, _NEW_FILE, 0o600)

    def sync(self, version: str) -> None:
        """Have a block on the disk that another process wrote."""
        fd = _open_to_read(self.locate(version))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_folder(self.folder)

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

    def open(self, version: str) -> memoryview:
        path = self.locate(version)
        fd = _open_to_read(path)
        try:
            about = os.fstat(fd)
            size = about.st_size
            if not _is_ours(about):
                raise FileNotFoundError(errno.ENOENT, "this is no block of ours", path)
            if size <= mapping.SMALL_BYTES:
                return mapping.read(fd, size)
            if not locks.try_shared(fd):
                raise FileNotFoundError(errno.ENOENT, "the block is being reused", path)
            return mapping.map_privately(fd, size)
        finally:
            os.close(fd)

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        path = self.locate(version)
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
        with contextlib.suppress(OSError):
            os.unlink(self.locate(version))

    def pin(self, version: str) -> int | None:
        """See `PinsBlocks`: the descriptor bears a shared lock."""
        try:
            fd = _open_to_read(self.locate(version))
        except FileNotFoundError:
            return None
        if not locks.try_shared(fd):
            os.close(fd)
            return None
        return fd

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


def _open_to_read(path: str) -> int:
    try:
        return os.open(path, _TO_READ)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise FileNotFoundError(errno.ENOENT, "this is a link, and no block", path) from e
        raise


def _is_ours(about: os.stat_result) -> bool:
    """Whether it is a file of this user's: in shared memory anybody can take a name."""
    is_owner = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    return is_owner and stat.S_ISREG(about.st_mode)


def no_room_for(value: Encoded, path: str, e: OSError) -> NoRoom:
    return NoRoom(e.errno, f"{value.total_bytes} bytes do not fit", path)
