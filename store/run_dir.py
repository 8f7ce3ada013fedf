"""The folder of a context, who owns it, and the purge of what dead owners left.

    <temp>/discomfort-<uid>/<contexts>/<run_id>/       temporary contexts
    <user's data folder>/discomfort/contexts/<run_id>/ durable ones

An owner holds a lock for life: `owner.lock` in the folder and, where shared memory is a file
system, a file there that bears the token its blocks are named after.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from pathlib import Path

from ..errors import StoreError
from ..system import user_folders
from ..system.locks import OwnerLock
from ..system.owned_folders import (
    find_dead,
    folders_in,
    is_held,
    owner_lock,
    purge_dead,
    remove_owned,
)
from ..system.random_names import random_name
from .blocks import base, choose

log = logging.getLogger("discomfort.store")

# A folder's name has 255 bytes at most, and closing puts some before and behind it.
_MAX_BYTES = 200
_RUN_ID = re.compile(r"\w[\w .-]{0,99}")
# Windows forbids these names, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_run_id(run_id: str) -> str:
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id) or _RESERVED.fullmatch(run_id):
        raise ValueError(
            f"run_id {run_id!r} can't name a folder. Use letters, digits, '_', '-', '.' and "
            "blanks, beginning with a letter or digit, 100 at most."
        )
    size_bytes = len(run_id.encode())
    if size_bytes > _MAX_BYTES:
        raise ValueError(
            f"run_id {run_id!r} has {size_bytes} bytes as UTF-8, and a folder's name has room for "
            f"{_MAX_BYTES} here. Shorten it."
        )
    if run_id.endswith((".", " ")):
        raise ValueError(f"run_id {run_id!r} must not end with a dot or a blank.")
    return run_id


def contexts_dir(name: str) -> Path:
    """The folder of this user's temporary contexts; made if absent, closed to others.

    Raises:
        StoreError: another user made it first.
    """
    try:
        folder = user_folders.temporary_folder() / name
    except user_folders.NotOurFolder as e:
        raise StoreError(str(e)) from e
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def durable_dir() -> Path:
    """The folder of this user's durable contexts; made if absent, closed to others.

    Raises:
        StoreError: another user made it first.
    """
    try:
        return user_folders.data_folder("contexts")
    except user_folders.NotOurFolder as e:
        raise StoreError(str(e)) from e


class Owner:
    """The locks of a living owner."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._lock = owner_lock(folder)
        self._token_lock: OwnerLock | None = None

    def acquire(self) -> bool:
        return self._lock.acquire()

    def mark_token(self, token: str) -> None:
        """Claim the blocks of that name; to be called before the first is made."""
        if base.is_shm_a_folder():
            lock = OwnerLock(base.SHM_DIR / (base.PREFIX + token))
            with contextlib.suppress(OSError):  # without room or rights there are no blocks either
                if lock.acquire():
                    self._token_lock = lock

    def release(self) -> None:
        """Leave the folder to others."""
        self._release_token()
        self._lock.release(remove=False)

    def remove_folder(self) -> None:
        """The last step of closing: until then no purge may touch what is being removed."""
        self._release_token()
        _remove_folder(self._folder, self._lock)

    def _release_token(self) -> None:
        if self._token_lock is not None:
            self._token_lock.release()


def purge(contexts: Path) -> list[str]:
    """Remove what killed processes left: folders of contexts, and blocks in shared memory.

    Returns:
        What was removed, for the log and for tests. A living owner's things are never touched.
    """
    removed = [str(folder) for folder in purge_dead(folders_in(contexts), _remove_dead)]
    if base.is_shm_a_folder():
        removed += _purge_shm()
    if removed:
        log.info("removed what a process that no longer lives left behind: %s", ", ".join(removed))
    return removed


def _remove_dead(folder: Path, lock: OwnerLock) -> bool:
    if sys.platform != "win32" and not base.is_shm_a_folder():
        blocks = choose.ram_blocks(folder)
        for version in blocks.versions():
            blocks.free(version)
    return _remove_folder(folder, lock)


def find_dead_things(contexts: Path) -> list[Path]:
    """What `purge` would remove; nothing is touched."""
    blocks = _dead_blocks() if base.is_shm_a_folder() else []
    return [*find_dead(folders_in(contexts)), *(base.SHM_DIR / name for name in blocks)]


def _dead_blocks() -> list[str]:
    """The blocks in shared memory whose owners are dead; the mark of each owner comes last."""
    by_token: dict[str, list[str]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(base.SHM_DIR):
            if name.startswith(base.PREFIX):
                token = name[len(base.PREFIX) :].partition("_")[0]
                by_token.setdefault(token, []).append(name)
    dead = []
    for token, names in by_token.items():
        mark = base.PREFIX + token
        if not is_held(base.SHM_DIR / mark):
            dead += sorted(names, key=lambda n: n == mark)
    return dead


def _purge_shm() -> list[str]:
    removed = []
    for name in _dead_blocks():
        with contextlib.suppress(OSError):
            os.unlink(base.SHM_DIR / name)
            removed.append(name)
    return removed


def _remove_folder(folder: Path, lock: OwnerLock) -> bool:
    """Remove a context's folder, whose lock we hold."""
    with contextlib.suppress(OSError):  # on Windows a folder with open files keeps its name
        # Renamed first: from here on the name is free, and no half-removed context can be opened.
        folder = folder.rename(folder.with_name(f".{folder.name}.{random_name(6)}"))
        lock.path = folder / lock.path.name
    return remove_owned(folder, lock)
