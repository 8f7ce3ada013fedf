"""Where one process writes blocks before they get their names: a folder of its own.

Its lock says that the process lives: what a killed one had half written is removed by the next
that writes or makes room, and no clock has a say in it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ..store.blocks.file_blocks import FileBlocks
from ..system.locks import OwnerLock
from ..system.owned_folders import folders_in, owner_lock, purge_dead, remove_owned
from ..system.random_names import random_name

log = logging.getLogger("discomfort.finished_steps")

_TRIES = 5


class Drafts:
    """The drafts of one process. The caller sees to it that one thread at a time is here.

    Args:
        parent: of the folders of all processes.
    """

    def __init__(self, parent: Path):
        self._parent = parent
        self._folder: Path | None = None
        self._lock: OwnerLock | None = None

    def blocks(self) -> FileBlocks:
        """Where to write next: no name in it is taken.

        Raises:
            OSError: the folder can't be made.
        """
        if self._folder is None or not self._folder.exists():
            self.close()
            self._make()
        assert self._folder is not None
        return FileBlocks(self._folder, prefix=f"{random_name(8)}.")

    def _make(self) -> None:
        self.purge()
        for n in range(_TRIES):
            folder = self._parent / random_name(12)
            try:
                folder.mkdir(mode=0o700)
                lock = owner_lock(folder)
                if lock.acquire():
                    self._folder, self._lock = folder, lock
                    return
            except FileNotFoundError:  # a purge took it for a dead one's before it was locked
                if n == _TRIES - 1:
                    raise
        raise FileExistsError(f"No folder of its own in {self._parent}.")

    def purge(self) -> None:
        """Remove what killed processes left."""
        if removed := purge_dead(folders_in(self._parent)):
            log.debug("removed what killed processes left: %s", ", ".join(map(str, removed)))

    def close(self) -> None:
        if self._folder is not None and self._lock is not None:
            remove_owned(self._folder, self._lock)
        self._folder = self._lock = None
