"""The private folders of this user: for what is temporary, what stays, and what can be made again.

    <temp>/discomfort-<uid>/                contexts, workers, logs
    <user's data folder>/discomfort/...     durable contexts, records, rules of node packs
    <user's cache folder>/discomfort/...    a ComfyUI, node classes, finished steps

The only definition of them. On Windows, which has no uid, the user's name stands for it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import stat
import sys
import tempfile
from pathlib import Path


class NotOurFolder(PermissionError):
    """What stands where our folder should be was made by another user, or is no folder."""


def temporary_folder() -> Path:
    """The folder of all that is temporary; made if absent, closed to others.

    Raises:
        NotOurFolder: another user made it first.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "_", getpass.getuser())
    folder = Path(tempfile.gettempdir()) / f"discomfort-{user}"
    # gettempdir is /tmp on Linux, which everybody can write to: what lies there may be a trap.
    make_private(folder, "TMPDIR")
    return folder


def former_temporary_folder() -> Path | None:
    """Where earlier versions put workers and logs (`discomfort-<login>`), if it is still there."""
    try:
        user = re.sub(r"[^A-Za-z0-9_.-]", "_", getpass.getuser())
    except (KeyError, OSError, ImportError):
        return None
    folder = Path(tempfile.gettempdir()) / f"discomfort-{user}"
    if folder == temporary_folder() or not _is_ours(folder):
        return None
    return folder


def data_folder(name: str) -> Path:
    """A folder for what stays, below the user's data folder; made if absent, closed to others.

    Raises:
        NotOurFolder: another user made it first.
    """
    folder, variable = _data_place(name)
    make_private(folder, variable)
    return folder


def found_data_folder(name: str) -> Path | None:
    """The same, where it is there already.

    Raises:
        NotOurFolder: another user made it.
    """
    folder, variable = _data_place(name)
    if not os.path.lexists(folder):
        return None
    if not _is_ours(folder):
        raise _not_ours(folder, variable)
    return folder


def _data_place(name: str) -> tuple[Path, str]:
    """Where it is by the custom of each system, and the variable that moves it."""
    if sys.platform == "win32":
        variable, otherwise = "LOCALAPPDATA", Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        variable, otherwise = "HOME", Path.home() / "Library" / "Application Support"
    else:
        variable, otherwise = "XDG_DATA_HOME", Path.home() / ".local" / "share"
    given = os.environ.get(variable) if variable != "HOME" else None
    return Path(given or str(otherwise)) / "discomfort" / name, variable


def user_cache_dir() -> Path:
    """The per-user cache folder of this project. It need not exist.

    Source: the rules of `platformdirs`, without the "Cache" it appends on Windows, since paths in
    ComfyUI's tree are long and Windows allows 260 characters.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        if not Path(base).is_absolute():  # the XDG rules: a relative path is invalid, ignore it
            base = Path.home() / ".cache"
    return Path(base) / "discomfort"


def make_private(folder: Path, variable: str) -> None:
    """Make a folder that only this user can use. `variable` moves it elsewhere.

    Raises:
        NotOurFolder: another user made it first.
    """
    with contextlib.suppress(FileExistsError):  # a file: the next test finds it
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(folder):
        raise _not_ours(folder, variable)
    if os.name != "nt" and folder.lstat().st_mode & 0o077:
        folder.chmod(0o700)


def _not_ours(folder: Path, variable: str) -> NotOurFolder:
    return NotOurFolder(
        f"{folder} belongs to another user or is no folder. Remove it, or set {variable} to a "
        "folder of your own."
    )


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that this user made."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_owner = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and is_owner
