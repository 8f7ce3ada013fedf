"""The folder of a context, who owns it, and the purge of what dead owners left.

    <temp>/discomfort-<user>/<contexts>/<run_id>/      temporary contexts
    <user's data folder>/discomfort/contexts/<run_id>/ durable ones

An owner holds a lock for life: `owner.lock` in the folder and, where shared memory is a file
system, a file there that bears the token its blocks are named after. A lock that can be taken is a
dead owner's.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from ..errors import StoreError
from ..system import locks
from .blocks import file_blocks

log = logging.getLogger("discomfort.store")

_AS_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[i % 36] for i in range(256))
_RUN_ID = re.compile(r"\w[\w .-]{0,99}")
# Windows forbids these names, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def random_name(length: int) -> str:
    """Letters and digits from the system's source: forked processes never draw the same."""
    # 256 values on 36 digits: not quite even, and none the worse for names.
    return os.urandom(length).translate(_AS_DIGITS).decode("ascii")


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
            "blanks, "
            "beginning with a letter or digit, 100 at most."
        )
    if run_id.endswith((".", " ")):
        raise ValueError(f"run_id {run_id!r} must not end with a dot or a blank.")
    return run_id


def contexts_dir(name: str) -> Path:
    """The folder of this user's temporary contexts; made if absent, closed to others.

    Raises:
        StoreError: somebody else made it first.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "_", getpass.getuser())
    home = Path(tempfile.gettempdir()) / f"discomfort-{user}"
    # gettempdir is /tmp on Linux, which everybody can write to: what lies there may be a trap.
    _make_private(home)
    folder = home / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "getuid"):
        return
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreError(
            f"{folder} belongs to somebody else or is no folder. Remove it, or set TMPDIR "
            "elsewhere."
        )
    if found.st_mode & 0o077:
        os.chmod(folder, 0o700)


def durable_dir() -> Path:
    """The folder of durable contexts."""
    return user_data_dir("contexts")


def user_data_dir(name: str) -> Path:
    """A folder of this package below the user's data folder, by the custom of each system; made if
    absent, closed to others.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    folder = Path(base) / "discomfort" / name
    _make_private(folder)
    return folder


def has_shm_files() -> bool:
    return sys.platform != "win32" and file_blocks.SHM_DIR.is_dir()


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
            lock = locks.OwnerLock(file_blocks.SHM_DIR / (file_blocks.PREFIX + token))
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
        blocks = file_blocks.ram_blocks(folder)
        for version in blocks.versions():
            blocks.free(version)


def _purge_shm() -> list[str]:
    by_token: dict[str, list[str]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(file_blocks.SHM_DIR):
            if name.startswith(file_blocks.PREFIX):
                token = name[len(file_blocks.PREFIX) :].partition("_")[0]
                by_token.setdefault(token, []).append(name)
    removed = []
    for token, names in by_token.items():
        mark = file_blocks.PREFIX + token
        if not _is_dead(file_blocks.SHM_DIR / mark):
            continue
        for name in sorted(names, key=lambda n: n == mark):  # the mark goes last
            with contextlib.suppress(OSError):
                os.unlink(file_blocks.SHM_DIR / name)
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
