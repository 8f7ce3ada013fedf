"""The damage that was seen in a context, noted in its folder: as long as the note is there, nothing
that no receipt names is removed, since a damaged receipt may have named it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path

log = logging.getLogger("discomfort.store")

NOTE = "damage.txt"
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)


def note(folder: Path, what: str) -> None:
    """Say it in the log, and in the folder once."""
    line = f"{what}\n"
    path = folder / NOTE
    with contextlib.suppress(OSError):
        if path.exists() and line in path.read_text(encoding="utf-8"):
            return
    log.warning(
        "%s: %s What is left in the folder stays as long as %s is in it; remove that file when "
        "you need nothing more of it.",
        folder,
        what,
        NOTE,
    )
    with contextlib.suppress(OSError):  # a full disk: it is in the log
        fd = os.open(path, _APPEND, 0o600)
        try:
            os.write(fd, f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{line}".encode())
        finally:
            os.close(fd)


def is_noted(folder: Path) -> bool:
    """Whether damage was seen here."""
    return (folder / NOTE).exists()
