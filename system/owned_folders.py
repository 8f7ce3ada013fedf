"""Folders that a living process owns by a lock in them, and the purge of those whose owners died.

Contexts, workers and records are such folders. A lock that can be taken is a dead owner's: it can't
be mistaken for another's, as a process id can that was given out again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from .locks import OwnerLock, try_exclusive

LOCK_NAME = "owner.lock"


def owner_lock(folder: Path) -> OwnerLock:
    """The lock that makes its holder the owner of a folder."""
    return OwnerLock(folder / LOCK_NAME)


def is_held(lock_file: Path) -> bool:
    """Whether a living process holds the lock. What can't be opened is another user's, and none
    of our business: it counts as held.
    """
    try:
        fd = os.open(lock_file, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not try_exclusive(fd)
    finally:
        os.close(fd)


def remove_owned(folder: Path, lock: OwnerLock) -> bool:
    """Remove a folder whose lock we hold, the lock last: killed in between, another purge goes on.

    Returns:
        Whether it is gone. What Windows won't let go is left to the next purge, and so is all
        where no descriptor is left to look with.
    """
    is_empty = not folder.exists()
    empty_owned(folder, lock)
    with contextlib.suppress(OSError):
        is_empty = os.listdir(folder) in ([], [lock.path.name])
    lock.release(remove=is_empty)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def empty_owned(folder: Path, lock: OwnerLock, keep: Path | None = None) -> None:
    """Remove what is in a folder whose lock we hold, but the lock, and `keep`."""
    kept = {lock.path.name, keep.name if keep is not None else lock.path.name}
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name in kept:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def purge_dead(
    folders: Iterable[Path], remove: Callable[[Path, OwnerLock], bool] = remove_owned
) -> list[Path]:
    """Remove the folders whose owners are dead. A living owner's are never touched.

    One without a lock file is removed only if it is empty: its maker was killed before it took the
    lock, or something else removed the file of an owner that still lives.

    Args:
        remove: gets a folder and its lock, taken, so that no other process moves in meanwhile;
            removes the one, releases the other, and returns whether the folder is gone.

    Returns:
        What was removed.
    """
    removed = []
    for folder in folders:
        lock = owner_lock(folder)
        try:
            if not lock.path.exists():
                folder.rmdir()
                continue
            if not lock.acquire():
                continue
        except OSError:
            continue
        try:
            if remove(folder, lock):
                removed.append(folder)
        finally:
            lock.release(remove=False)
    return removed


def find_dead(folders: Iterable[Path]) -> list[Path]:
    """What `purge_dead` would remove; nothing is touched."""
    return [folder for folder in folders if _is_dead(folder)]


def _is_dead(folder: Path) -> bool:
    lock_file = owner_lock(folder).path
    try:
        return not is_held(lock_file) if lock_file.exists() else not os.listdir(folder)
    except OSError:
        return False


def folders_in(parent: Path) -> list[Path]:
    """The folders in a folder, no links; none where it is absent."""
    try:
        return [Path(e.path) for e in os.scandir(parent) if e.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
