"""The bytes of receipts.json: read from a place on, appended before its end, written anew."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..system.files import write_all, write_file
from .blocks.base import BINARY


def stamp(s: os.stat_result) -> tuple[int, int, int]:
    """Inode, size, time: another inode means that the file was written anew."""
    return s.st_ino, s.st_size, s.st_mtime_ns


def read_from(path: str, offset: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | BINARY)
    try:
        os.lseek(fd, offset, os.SEEK_SET)
        data = os.read(fd, 1 << 16)
        if len(data) == 1 << 16:
            while more := os.read(fd, 1 << 24):
                data += more
        return data
    finally:
        os.close(fd)


def append_at(path: str, at: int, data: bytes, end: bytes, is_synced: bool) -> os.stat_result:
    """Write over the end, which stands at a place, and put it behind what was written.

    Returns:
        The file's state after it.

    Raises:
        OSError: no room; the file is as it was.
    """
    fd = os.open(path, os.O_WRONLY | BINARY)
    try:
        os.lseek(fd, at, os.SEEK_SET)
        write_all(fd, data + end)
        size = at + len(data) + len(end)
        now = os.fstat(fd)
        if now.st_size != size:
            os.ftruncate(fd, size)  # the rest of a line that a killed process left
            now = os.fstat(fd)
        if is_synced:
            os.fsync(fd)
        return now
    except OSError:
        # The disk is full. The old end fits: its bytes are there already.
        with contextlib.suppress(OSError):
            os.lseek(fd, at, os.SEEK_SET)
            write_all(fd, end)
            os.ftruncate(fd, at + len(end))
        raise
    finally:
        os.close(fd)


def write_anew(path: Path, data: bytes, is_synced: bool) -> None:
    write_file(path, lambda file: file.write(data), is_private=True, is_synced=is_synced)
