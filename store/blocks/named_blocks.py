"""Shared memory where it is no file: POSIX objects (macOS) and Windows mappings.

Neither can be listed, and there is no telling who maps them, so blocks are never reused here. A
marker file in the context's folder names each POSIX block from before it is made, so that the purge
finds those of a killed process.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
from pathlib import Path
from typing import Any

from ...system.free_memory import free_ram_bytes
from ..encoding.layout import HEADER_BYTES, Encoded, read_header
from .base import PREFIX, NoRoom, is_no_room
from .copy import copy_into


class PosixBlocks:
    """POSIX shared memory by name. macOS allows 31 characters; a load copies, as it has no private
    mapping there.
    """

    def __init__(self, markers: Path):
        self.markers = markers

    def locate(self, version: str) -> str:
        return PREFIX + version

    def create(self, version: str, value: Encoded, is_list: bool = False) -> None:
        import _posixshmem

        if value.total_bytes > free_ram_bytes():
            raise NoRoom(errno.ENOSPC, f"{value.total_bytes} bytes do not fit in memory")
        name = "/" + self.locate(version)
        self.markers.mkdir(mode=0o700, exist_ok=True)
        (self.markers / version).touch(0o600)
        fd = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
        try:
            os.ftruncate(fd, value.total_bytes)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, value.total_bytes)
            with mmap.mmap(fd, value.total_bytes) as m:
                copy_into(m, value, value.header(version, is_list))
        except BaseException as e:
            self.free(version)
            if isinstance(e, OSError) and is_no_room(e):
                raise NoRoom(e.errno, f"{value.total_bytes} bytes do not fit", name) from e
            raise
        finally:
            os.close(fd)

    def open(self, version: str) -> memoryview:
        import _posixshmem

        fd = _posixshmem.shm_open("/" + self.locate(version), os.O_RDONLY, mode=0o600)
        try:
            size = os.fstat(fd).st_size
            try:
                return memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_COPY))
            except OSError:
                with mmap.mmap(fd, size, access=mmap.ACCESS_READ) as m:
                    return memoryview(bytearray(m))
        finally:
            os.close(fd)

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        import _posixshmem

        # Another process may be about to open it, which can't be seen here: the owner decides.
        if not is_owner:
            return False
        with contextlib.suppress(FileNotFoundError):
            _posixshmem.shm_unlink("/" + self.locate(version))
        with contextlib.suppress(OSError):
            (self.markers / version).unlink()
        return True

    def remove(self, version: str) -> None:
        self.free(version)

    def versions(self) -> list[str]:
        try:
            return os.listdir(self.markers)
        except FileNotFoundError:
            return []

    def room_bytes(self) -> int:
        return free_ram_bytes()


class WindowsBlocks:
    """Mappings of the paging file by name. Each lives while a handle is open; we keep ours.

    Windows charges the memory when the mapping is made, so a lack of room is an error then and
    there.
    """

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}

    def locate(self, version: str) -> str:
        return PREFIX + version

    def _map(self, version: str, size: int, access: int) -> Any:
        if sys.platform != "win32":
            raise NotImplementedError("named mappings exist on Windows only")
        name = self.locate(version)
        return mmap.mmap(-1, size, tagname=name, access=access)  # pyright: ignore[reportCallIssue]

    def create(self, version: str, value: Encoded, is_list: bool = False) -> None:
        size = value.total_bytes
        if size > free_ram_bytes():
            raise NoRoom(errno.ENOSPC, f"{size} bytes do not fit in memory")
        try:
            m = self._map(version, size, mmap.ACCESS_WRITE)
        except OSError as e:  # ERROR_COMMITMENT_LIMIT, ERROR_NOT_ENOUGH_MEMORY and their kin
            raise NoRoom(errno.ENOSPC, f"{size} bytes do not fit: {e}") from e
        copy_into(m, value, value.header(version, is_list))
        self._held[version] = m

    def open(self, version: str) -> memoryview:
        head = self._map(version, HEADER_BYTES, mmap.ACCESS_READ)
        if head[:4] == b"\0\0\0\0":  # asking for a name that is not there makes an empty mapping
            head.close()
            raise FileNotFoundError(errno.ENOENT, "no such block", self.locate(version))
        size = read_header(memoryview(bytes(head[:HEADER_BYTES]))).total_bytes
        try:
            return memoryview(self._map(version, size, mmap.ACCESS_COPY))
        finally:
            head.close()

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        m = self._held.pop(version, None)
        if m is not None:
            m.close()
        return True

    def remove(self, version: str) -> None:
        self.free(version)

    def adopt(self, version: str, size_bytes: int) -> None:
        """See `HoldsHandles`."""
        self._held[version] = self._map(version, size_bytes, mmap.ACCESS_WRITE)

    def versions(self) -> list[str]:
        return list(self._held)

    def room_bytes(self) -> int:
        return free_ram_bytes()

    def close(self) -> None:
        for version in list(self._held):
            self.free(version)
