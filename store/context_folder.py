"""Which folders are contexts of this user: what a prompt names, and what is joined, is looked at.

`worker_side.py` asks before it reads or writes where a prompt says, `context/lifetime.py` before
a context is joined, which may have been unpacked from an archive of a stranger's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import ContextNotFound, ForeignFolderError
from ..system import user_folders
from ..system.path_names import is_below
from . import damage, run_dir, written_keys
from .receipt_book import FILE_NAME

ADVICE = "Only Discomfort itself writes such nodes: run the workflow that has ports from Python."
_PARTS = ("values", "handoff", "made")  # the folders in a context
_FILES = (FILE_NAME, written_keys.FILE_NAME, damage.NOTE)


def check_named(name: str) -> Path:
    """The folder of a context, from a name that came with a prompt.

    Raises:
        ContextNotFound: there is none.
        ForeignFolderError: it leads to something else than a context of this user's.
    """
    bases = [user_folders.temporary_folder(), run_dir.durable_dir()]
    # By the text first: on Windows the mere look at a name may ask a server elsewhere.
    if not isinstance(name, str) or not is_below(name, bases):
        raise ForeignFolderError(
            f"{name!r} is in none of the folders of your contexts ({', '.join(map(str, bases))}). "
            f"{ADVICE} If ComfyUI was started by hand, it must have the same TMPDIR as the script."
        )
    folder = Path(name)
    if not (folder / FILE_NAME).exists():
        raise ContextNotFound(f"There is no context in {name}.")
    resolved = folder.resolve()
    if not any(base.resolve() in resolved.parents for base in bases):
        raise ForeignFolderError(f"{name} leads out of the folders of your contexts. {ADVICE}")
    check_parts(folder)
    return folder


def check_parts(folder: Path) -> None:
    """See that the folder of a context is this user's alone, and that no link leads out of it.

    Raises:
        ForeignFolderError: says what is not as it should be.
    """
    try:
        about = os.lstat(folder)
    except FileNotFoundError:
        raise ContextNotFound(f"There is no context in {folder}.") from None
    if not stat.S_ISDIR(about.st_mode):
        raise ForeignFolderError(f"{folder} is a link, and no folder of a context. Remove it.")
    if hasattr(os, "getuid"):
        if about.st_uid != os.getuid():
            raise ForeignFolderError(f"{folder} belongs to another user. Remove it.")
        if about.st_mode & 0o077:
            raise ForeignFolderError(
                f"{folder} can be opened by other users of this machine. `chmod 700` closes it."
            )
    for part in _PARTS:
        if not _is_kind(folder / part, stat.S_ISDIR):
            raise ForeignFolderError(
                f"{folder / part} is no folder. This context did not come from Discomfort: remove "
                "it."
            )
    for name in _FILES:
        if not _is_kind(folder / name, stat.S_ISREG):
            raise ForeignFolderError(
                f"{folder / name} is no plain file. This context did not come from Discomfort: "
                "remove it."
            )


def _is_kind(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether what is there, if anything is, is of that kind, and no link."""
    try:
        return is_kind(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
