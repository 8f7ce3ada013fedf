"""Reads a file, or a pipe such as a shell's `<(...)`, which somebody has to write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

PATIENCE_S = 30.0


def read_file(path: str | Path) -> bytes:
    """All of a file or pipe.

    Raises:
        OSError: it can't be read; nothing came out of a pipe for 30 s; or it is a device, which
            may have no end.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISFIFO(mode):
        return _read_pipe(path)
    if not stat.S_ISREG(mode):
        raise OSError("it is no file")
    return Path(path).read_bytes()


def _read_pipe(path: str | Path) -> bytes:
    import select  # it can wait for pipes on POSIX only, and only there they have paths

    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        parts: list[bytes] = []
        while poll.poll(PATIENCE_S * 1000):
            part = os.read(fd, 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(fd)
    raise TimeoutError(f"it is a pipe, and nobody has written to it for {PATIENCE_S:g} s")
