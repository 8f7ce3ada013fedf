"""The folder of a context, who owns it, and the purge of what dead owners left.

    <temp>/discomfort-<uid>/<contexts>/<run_id>/      temporary contexts
    <user's data folder>/discomfort/contexts/<run_id>/ durable ones

An owner holds a lock for life: `owner.lock` in the folder and, where shared memory is a file
system, a file there that bears the token its blocks are named after. A lock that can be taken is a
dead owner's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import StoreError
from ..system import locks, user_folders
from ..system.random_names import random_name
from .blocks import base, choose

log = logging.getLogger("discomfort.store")

_RUN_ID = re.compile(r"\w[\w .-]{0,99}")
# Windows forbids these names, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def new_token() -> str:
    return random_name(8)


def new_version(token: str) -> str:
    """A name that no value ever had: the block's name is this with a prefix, 31 characters in
    all."""
    return f"{token}_{random_name(10)}"


def check_run_id(run_id: str) -> str:
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id) or _RESERVED.fullmatch(run_id):
        raise ValueError(
            f"run_id {run_id!r} can't name a folder. Use letters, digits, '_', '-', '.' and "
            "blanks, beginning with a letter or digit, 100 at most."
        )
    if run_id.endswith((".", " ")):
        raise ValueError(f"run_id {run_id!r} must not end with a dot or a blank.")
    return run_id


def contexts_dir(name: str) -> Path:
    """The folder of this user's temporary contexts; made if absent, closed to others.

    Raises:
        StoreError: somebody else made it first.
    """
    home = _private(user_folders.temporary_folder)
    folder = home / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _private(make: Callable[[], Path]) -> Path:
    try:
        return make()
    except user_folders.NotOurFolder as e:
        raise StoreError(str(e)) from e


def durable_dir() -> Path:
    """The folder of durable contexts."""
    return user_data_dir("contexts")


def user_data_dir(name: str) -> Path:
    """A folder of this user for what stays.

    Raises:
        StoreError: another user made it first.
    """
    return _private(lambda: user_folders.data_folder(name))


def has_shm_files() -> bool:
    return sys.platform != "win32" and base.SHM_DIR.is_dir()


class Owner:
    """The locks of a living owner."""

    def __init__(self, folder: Path):
        self._folder_lock = locks.OwnerLock(folder / "owner.lock")
        self._shm_lock: locks.OwnerLock | None = None

    def acquire(self) -> bool:
        return self._folder_lock.acquire()

    def mark_token(self, token: str) -> None:
        """Claim the blocks of that name; to be called before the first is made."""
        if has_shm_files():
            lock = locks.OwnerLock(base.SHM_DIR / (base.PREFIX + token))
            with contextlib.suppress(OSError):  # without room or rights there are no blocks either
                if lock.acquire():
                    self._shm_lock = lock

    def release(self, is_removing: bool = True) -> None:
        """The last step of closing: until then no purge may touch what is being removed."""
        if self._shm_lock is not None:
            self._shm_lock.release()
        self._folder_lock.release(is_removing)


def _is_dead(lock_file: Path) -> bool:
    """Whether nobody holds the lock. What can't be opened is somebody else's, and not our
    business."""
    try:
        fd = os.open(lock_file, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return locks.try_exclusive(fd)
    finally:
        os.close(fd)


def purge(contexts: Path) -> list[str]:
    """Remove what killed processes left: folders of contexts, and blocks in shared memory.

    Returns:
        What was removed, for the log and for tests. A living owner's things are never touched.
    """
    removed = []
    for folder in _folders(contexts):
        lock = locks.OwnerLock(folder / "owner.lock")
        try:
            # Taken, not only tested: nobody may move in while it is removed.
            if not lock.path.exists():
                os.rmdir(folder)  # somebody was killed right after making it; fails if it is in use
                continue
            if not lock.acquire():
                continue
        except OSError:
            continue
        try:
            _free_named_blocks(folder)
            if remove_folder(folder):
                removed.append(str(folder))
        finally:
            lock.release(remove=False)
    if has_shm_files():
        removed += _purge_shm()
    if removed:
        log.info("removed what a process that no longer lives left behind: %s", ", ".join(removed))
    return removed


def _folders(contexts: Path) -> list[Path]:
    try:
        return [Path(e.path) for e in os.scandir(contexts) if e.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _free_named_blocks(folder: Path) -> None:
    if sys.platform != "win32" and not has_shm_files():
        blocks = choose.ram_blocks(folder)
        for version in blocks.versions():
            blocks.free(version)


def _purge_shm() -> list[str]:
    by_token: dict[str, list[str]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(base.SHM_DIR):
            if name.startswith(base.PREFIX):
                token = name[len(base.PREFIX) :].partition("_")[0]
                by_token.setdefault(token, []).append(name)
    removed = []
    for token, names in by_token.items():
        mark = base.PREFIX + token
        if not _is_dead(base.SHM_DIR / mark):
            continue
        for name in sorted(names, key=lambda n: n == mark):  # the mark goes last
            with contextlib.suppress(OSError):
                os.unlink(base.SHM_DIR / name)
                removed.append(name)
    return removed


def remove_folder(folder: Path) -> bool:
    """Remove a context's folder. Files that Windows won't let go are left to the next purge."""
    doomed = folder
    with contextlib.suppress(OSError):  # on Windows a folder with open files keeps its name
        # Renamed first: from here on the name is free, and nobody opens a half-removed context.
        doomed = folder.rename(folder.with_name(f".{folder.name}.{random_name(6)}"))
    shutil.rmtree(doomed, ignore_errors=True)
    return not doomed.exists()
