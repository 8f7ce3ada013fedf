"""What all blocks have in common: how they are named, what they do, and the error for no room."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from ..encoding.codec import Encoded
from .pool import Pool

PREFIX = "discomfort_"
SHM_DIR = Path("/dev/shm")
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.ENOMEM, getattr(errno, "EDQUOT", errno.ENOSPC)}

Lent: TypeAlias = Sequence[tuple[str, int]]


class NoRoom(OSError):
    """The block did not fit. Nothing of it is left."""


class Blocks(Protocol):
    """What RAM and disk have in common."""

    is_ram: bool
    pool: Pool

    def create(
        self, version: str, value: Encoded, is_list: bool = False, lent: Lent = ()
    ) -> None: ...
    def open(self, version: str) -> memoryview: ...
    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool: ...
    def remove(self, version: str) -> None: ...
    def pin(self, version: str) -> int | None: ...
    def lend(self, most: int) -> list[tuple[str, int]]: ...
    def adopt(self, version: str, size: int) -> None: ...
    def versions(self) -> list[str]: ...
    def room_bytes(self) -> int: ...
    def locate(self, version: str) -> str: ...
    def close(self) -> None: ...


def is_no_room(e: OSError) -> bool:
    """Whether the error says that memory or disk is full (or RLIMIT_FSIZE reached)."""
    return isinstance(e, NoRoom) or e.errno in _NO_ROOM
