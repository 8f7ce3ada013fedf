"""Copies the pieces of an encoded value into a file or a mapping, as fast as memory goes."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from ...system.files import write_all
from ..encoding.layout import Encoded

_CHUNK = 64 << 20  # what a copy through a buffer may cost in extra memory
_JOIN = 64 << 10
_MAX_PIECES = 512  # of one call; POSIX systems take 1024
_MEMORY = (bytes, bytearray, memoryview)
_PARALLEL = 16 << 20


def copy_to_file(fd: int, value: Encoded, header: bytes) -> None:
    """Write header and pieces with few large writes; the gaps between aligned buffers are filled.

    On shared memory this is how fresh pages are made cheapest: the kernel fills whole pages and
    clears none, while a fault on each page would. A lack of room is an error of the write.
    """
    pending: list[Any] = [header]
    at = len(header)
    for offset, data in value.pieces:
        if offset > at:
            pending.append(b"\0" * (offset - at))
        if isinstance(data, _MEMORY):
            pending.append(data)
        else:
            _write_many(fd, pending)
            pending = []
            for start in range(0, len(data), _CHUNK):
                write_all(fd, data[start : start + _CHUNK].cpu().numpy())
        at = offset + len(data)
    _write_many(fd, pending)


def _write_many(fd: int, pieces: list[Any]) -> None:
    """All pieces, in one call where the system and their number allow."""
    if not hasattr(os, "writev") or len(pieces) > _MAX_PIECES:
        small: list[Any] = []
        for piece in pieces:
            if len(piece) > _JOIN:
                write_all(fd, b"".join(small))
                small = []
                write_all(fd, piece)
            else:
                small.append(piece)
                if len(small) >= _MAX_PIECES:
                    write_all(fd, b"".join(small))
                    small = []
        write_all(fd, b"".join(small))
        return
    if not pieces:
        return
    written = os.writev(fd, pieces)
    if written == sum(map(len, pieces)):
        return
    left = [memoryview(p) for p in pieces]
    while left:
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]
            written = os.writev(fd, left)


def copy_into(target: Any, value: Encoded, header: bytes) -> None:
    """Copy header and pieces into a writable mapping whose room is known to be there."""
    view = memoryview(target)
    try:
        view[: len(header)] = header
        for offset, data in value.pieces:
            _copy(view[offset : offset + len(data)], data)
    finally:
        view.release()


def _copy(target: memoryview, data: Any) -> None:
    if not isinstance(data, _MEMORY):
        torch: Any = sys.modules["torch"]
        torch.frombuffer(target, dtype=torch.uint8).copy_(data)
        return
    np: Any = sys.modules.get("numpy")
    if np is None or len(data) < _PARALLEL:
        target[:] = data
        return
    # numpy lets go of the GIL while it copies, and page faults of several threads overlap.
    to, source = np.frombuffer(target, np.uint8), np.frombuffer(data, np.uint8)
    step = -(-len(to) // min(4, os.cpu_count() or 1))
    parts = [(to[i : i + step], source[i : i + step]) for i in range(0, len(to), step)]
    helpers = [threading.Thread(target=np.copyto, args=p) for p in parts[1:]]
    for helper in helpers:
        helper.start()
    np.copyto(*parts[0])
    for helper in helpers:
        helper.join()
