"""Files that are there whole or not at all: written beside their place, then moved there.

Every module that writes such a file does it with one of these functions, so that a full disk or a
killed process leaves what was there before.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .random_names import random_name

_CHUNK = 64 << 20  # of one call: some systems take no more than 2 GiB
_DRAFT_CHARS = 40  # of the file's name: the draft of one that is as long as can be is no longer
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def written_beside(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """A path to write to; when the block ends well, what was written there is moved to `path`.

    After an error nothing of it is left, and a file that was there is as it was.

    Raises:
        FileExistsError: `overwrite` is False, and the file is there by then.
    """
    draft = path.with_name(f".{path.name[:_DRAFT_CHARS]}.{random_name(8)}.new")
    try:
        yield draft
        if overwrite:
            os.replace(draft, path)
        else:
            move_to_new(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def write_file(
    path: Path,
    write: Callable[[IO[bytes]], Any],
    *,
    overwrite: bool = True,
    is_private: bool = False,
    is_synced: bool = False,
) -> None:
    """Write a file whole.

    Args:
        write: gets the open file.
        is_private: only its owner may read it; else what the umask says.
        is_synced: on the disk, not only in the system's memory, before it is in its place; and
            then its name.

    Raises:
        FileExistsError: `overwrite` is False, and the file is there.
    """
    with written_beside(path, overwrite) as draft:
        fd = os.open(draft, _NEW_FILE, 0o600 if is_private else 0o666)
        with open(fd, "wb") as file:
            write(file)
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
    if is_synced:
        sync_folder(path.parent)


def sync_folder(folder: Path | str) -> None:
    """Have the names in a folder on the disk, too: of files that were made or moved there."""
    if os.name == "nt":  # which writes them with the files
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: Any) -> None:
    """Write bytes to a descriptor, however many calls that takes."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view[:_CHUNK]) :]


def check_free(path: Path, overwrite: bool) -> None:
    """Refuse what `write_file` could not write, before the work of making it is done.

    Raises:
        IsADirectoryError: there is a folder.
        FileExistsError: there is a file, and `overwrite` is False.
    """
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "This is a folder; name a file in it to write to", str(path)
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            errno.EEXIST, "The file exists; pass overwrite=True to replace it", str(path)
        )


def move_to_new(source: Path, path: Path) -> None:
    """Rename, but never over a file that appeared meanwhile (POSIX renames over anything).

    Raises:
        FileExistsError: something of that name is there; `source` is as it was.
    """
    if os.name == "nt":
        os.rename(source, path)
        return
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, and is ours then
        os.close(os.open(path, _NEW_FILE, 0o600))
        try:
            os.rename(source, path)
        except BaseException:
            os.unlink(path)
            raise
        return
    os.unlink(source)
