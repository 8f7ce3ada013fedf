"""Opening files that a stranger may have put where ours should be: no links, pipes or other users'.

A folder may have been unpacked from an archive. A link in it would lead to any file of the user's,
and a pipe would be waited for without an end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


def open_plain(path: str | Path, owners: Collection[int] = ()) -> int:
    """A descriptor to read a plain file of this user's.

    Args:
        owners: user ids whose it may be, too.

    Raises:
        FileNotFoundError: there is none: what is there is a link, a pipe, or another user's.
    """
    try:
        fd = os.open(path, _FLAGS)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise FileNotFoundError(errno.ENOENT, "this is a link", str(path)) from e
        raise
    about = os.fstat(fd)
    is_owner = not hasattr(os, "getuid") or about.st_uid in (os.getuid(), *owners)
    if is_owner and stat.S_ISREG(about.st_mode):
        return fd
    os.close(fd)
    raise FileNotFoundError(errno.ENOENT, "this is no plain file of this user's", str(path))


def read_plain(
    path: str | Path,
    start: int = 0,
    most_bytes: int | None = None,
    owners: Collection[int] = (),
) -> bytes:
    """What is in such a file, or a part of it. Raises as `open_plain`."""
    with open(open_plain(path, owners), "rb") as file:
        file.seek(start)
        if most_bytes is None:
            return file.read()
        # As much as there is: what asks may name any number.
        return file.read(min(most_bytes, max(0, os.fstat(file.fileno()).st_size - start)))
