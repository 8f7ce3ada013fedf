"""What all kinds of blocks have in common, and what only some of them can do.

A block is the bytes of one stored value under a name, its version: written once, opened by any
process, freed. The kinds are in `file_blocks`, `shared_files` and `named_blocks`; `choose` says
which this system has, and which of the further protocols those have.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from ..encoding.layout import Encoded

PREFIX = "discomfort_"  # of what lies in shared memory
SHM_DIR = Path("/dev/shm")
BINARY = getattr(os, "O_BINARY", 0)
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.ENOMEM, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Lent(NamedTuple):
    """A freed block of one process whose memory another process may use."""

    version: str
    size_bytes: int


class NoRoom(OSError):
    """The block did not fit. Nothing of it is left."""


def is_no_room(e: OSError) -> bool:
    """Whether the error says that memory or disk is full (or RLIMIT_FSIZE reached)."""
    return isinstance(e, NoRoom) or e.errno in _NO_ROOM


def is_shm_a_folder() -> bool:
    """Whether shared memory is a file system here, as on Linux."""
    return sys.platform != "win32" and SHM_DIR.is_dir()


class Blocks(Protocol):
    """What RAM and disk have in common, on every system."""

    def create(self, version: str, value: Encoded, is_list: bool = False) -> None:
        """Write a block of a new name.

        Raises:
            NoRoom: memory or disk is full; what was written of it is gone again.
        """
        ...

    def open(self, version: str) -> memoryview:
        """A private view of a block. It stays valid, and as it is, whatever becomes of the block.

        Raises:
            FileNotFoundError: there is no such block, or it is just being reused.
        """
        ...

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        """Remove a block that no receipt names.

        Args:
            is_owner: whether the context is ours; else a block that is in use stays.
            size_bytes: of the value, where the caller knows it: it may save a question to the
                system.

        Returns:
            False if it has to wait: another process needs it by name (only asked when not
            `is_owner`), or Windows won't remove a file that is open. Try again later.
        """
        ...

    def remove(self, version: str) -> None:
        """Take away the name at once. What is open stays readable."""
        ...

    def versions(self) -> list[str]: ...
    def room_bytes(self) -> int: ...
    def locate(self, version: str) -> str: ...


@runtime_checkable
class ReusesMemory(Protocol):
    """Keeps the memory of freed blocks for the next ones: fresh pages cost twice a copy."""

    @property
    def kept_bytes(self) -> int:
        """The memory that is kept just now."""
        ...

    def keep_at_most(self, max_bytes: int) -> None: ...

    def trim(self, need_bytes: int | None = None) -> int:
        """Give kept memory back to the system, all or as much as is needed; returns how much."""
        ...

    def lend(self, most: int) -> list[Lent]:
        """Kept blocks that another process may use from now on; `free` takes them back."""
        ...

    def create_in(
        self, lent: Sequence[Lent], version: str, value: Encoded, is_list: bool = False
    ) -> None:
        """As `create`, in memory that another process lent us if some of it fits."""
        ...

    def close(self) -> None:
        """Give all kept memory back."""
        ...


@runtime_checkable
class PinsBlocks(Protocol):
    """Can hold a block under its name, so that the other processes leave it there."""

    def pin(self, version: str) -> int | None:
        """A descriptor: `os.close` ends the pin. None: the block is gone, or just being reused."""
        ...


@runtime_checkable
class HoldsHandles(Protocol):
    """Has blocks that live only as long as a process has them open."""

    def adopt(self, version: str, size_bytes: int) -> None:
        """Hold a block that another process made, so that it outlives that one's handle."""
        ...

    def close(self) -> None:
        """Let go of all blocks."""
        ...
