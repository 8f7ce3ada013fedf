"""Shared memory where it is a file system, as on Linux: blocks are files whose memory is reused."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from ..encoding.layout import Encoded
from .base import PREFIX, Lent, is_no_room
from .copy import copy_into, copy_to_file
from .file_blocks import FileBlocks, no_room_for
from .pool import MIN_BYTES, Pool, Spare


class SharedFiles(FileBlocks):
    """Blocks in shared memory; freed memory is kept for the next ones once `keep_at_most` allows.

    Args:
        folder: where shared memory is mounted.
    """

    def __init__(self, folder: Path):
        super().__init__(folder, PREFIX)
        self._pool = Pool()

    def create(self, version: str, value: Encoded, is_list: bool = False) -> None:
        spare = self._pool.take(value.total_bytes)
        if spare is None:
            super().create(version, value, is_list)
        else:
            self._recycle(spare, version, value, is_list)

    def create_in(
        self, lent: Sequence[Lent], version: str, value: Encoded, is_list: bool = False
    ) -> None:
        """See `ReusesMemory`."""
        spare = self._pool.take(value.total_bytes)
        if spare is None:
            known = [(self.locate(name), size) for name, size in lent]
            spare = self._pool.take_lent(known, value.total_bytes)
        if spare is None:
            super().create(version, value, is_list)
        else:
            self._recycle(spare, version, value, is_list)

    def _fill(self, fd: int, value: Encoded, header: bytes) -> None:
        if not value.is_on_device:
            copy_to_file(fd, value, header)
            return
        # The room is taken before it is written: a mapping of memory that is not there is a bus
        # error.
        os.posix_fallocate(fd, 0, value.total_bytes)
        with mmap.mmap(fd, value.total_bytes) as m:
            copy_into(m, value, header)

    def _recycle(self, spare: Spare, version: str, value: Encoded, is_list: bool) -> None:
        """Write into freed memory. The spare is ours alone: its lock is held."""
        path = self.locate(version)
        os.rename(spare.path, path)  # first: the old name must never lead to new bytes
        spare.path = path
        try:
            spare.resize(value.total_bytes)
            copy_into(spare.mapping(), value, value.header(version, is_list))
        except BaseException as e:
            spare.discard()
            if isinstance(e, OSError) and is_no_room(e):
                raise no_room_for(value, path, e) from e
            raise
        self._pool.keep(version, spare)

    def free(self, version: str, is_owner: bool = True, size_bytes: int | None = None) -> bool:
        may_be_kept = size_bytes is None or size_bytes >= MIN_BYTES
        if is_owner and may_be_kept and self._pool.give(version, self.locate(version)):
            return True
        return super().free(version, is_owner, size_bytes)

    @property
    def kept_bytes(self) -> int:
        return self._pool.size_bytes

    def keep_at_most(self, max_bytes: int) -> None:
        self._pool.max_bytes = max_bytes

    def trim(self, need_bytes: int | None = None) -> int:
        return self._pool.trim(need_bytes)

    def lend(self, most: int) -> list[Lent]:
        start = len(self._base)
        return [Lent(path[start:], size) for path, size in self._pool.lend(most)]

    def close(self) -> None:
        self._pool.max_bytes = 0
        self._pool.clear()
