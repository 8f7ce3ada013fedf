"""The beginning of a file that is being downloaded, beside its place, so that it can be gone on
with: `NAME.part`, and `NAME.part.json` with what it is the beginning of.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DownloadError
from ..system.files import move_to_new, write_all, write_file
from ..system.plain_files import read_plain

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_CHUNK = 1 << 20
_MOST_ABOUT = 1 << 16


class Version(NamedTuple):
    """What a server has under a URL at the time. `etag` is "" where it can't be gone on with."""

    url: str
    etag: str
    size_bytes: int


def begun_bytes(target: Path) -> int:
    """How much of a file is there from a try before."""
    with contextlib.suppress(OSError):
        return target.with_name(f"{target.name}.part").stat().st_size
    return 0


class PartFile:
    """Open as long as a download goes on. What is read or written counts in `sha256`."""

    def __init__(self, target: Path):
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._about = target.with_name(f"{target.name}.part.json")
        try:
            self._fd = os.open(self.path, _FLAGS, 0o666)
        except OSError as e:
            raise _unusable(self.path, e) from e
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise DownloadError(f"{self.path} is no file of ours; remove it, and try again.")

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def known_version(self, url: str) -> Version | None:
        """What it is the beginning of; None if that is not known, or of another address."""
        try:
            about: Any = json.loads(read_plain(self._about, most_bytes=_MOST_ABOUT))
            version = Version(about["url"], about["etag"], about["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_whole = isinstance(version.etag, str) and type(version.size_bytes) is int
        has_bytes = 0 < os.fstat(self._fd).st_size <= version.size_bytes if is_whole else False
        return version if has_bytes and version.etag and version.url == url else None

    def go_on(self) -> None:
        """Keep what is there, and read it for the hash."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        while data := os.read(self._fd, _CHUNK):
            self._hash.update(data)
            self.size_bytes += len(data)

    def begin(self, version: Version) -> None:
        """Start at the first byte."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._hash, self.size_bytes = hashlib.sha256(), 0
        about = {"url": version.url, "etag": version.etag, "size": version.size_bytes}
        write_file(self._about, lambda file: file.write(json.dumps(about).encode()))

    def write(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            DownloadError: the disk takes no more; what is there is kept.
        """
        try:
            write_all(self._fd, data)
        except OSError as e:
            raise _unusable(self.path, e) from e
        self._hash.update(data)
        self.size_bytes += len(data)

    def first_bytes(self, count: int) -> bytes:
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.read(self._fd, count)  # of a plain file: all of them, or all there are

    def put_in_place(self) -> None:
        """Give it its name, if nothing has that by now.

        Raises:
            DownloadError: something has.
        """
        os.fsync(self._fd)
        self.close()
        try:
            move_to_new(self.path, self.target)
        except FileExistsError as e:
            self.remove()
            raise DownloadError(
                f"{self.target} appeared meanwhile, and was left as it is; what came is removed."
            ) from e
        except OSError as e:
            raise _unusable(self.target, e) from e
        self._forget()

    def close(self) -> None:
        """What came stays; nothing is left of one of which nothing came."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        is_empty = os.fstat(fd).st_size == 0
        os.close(fd)
        if is_empty:
            self.remove()

    def remove(self) -> None:
        """Nothing of it is kept."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self._about.unlink(missing_ok=True)


def _unusable(path: Path, error: OSError) -> DownloadError:
    words = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)):
        words += "; free some room and try again, what came is kept"
    elif error.errno == errno.ELOOP:
        words = "it is a link; remove it, and try again"
    return DownloadError(f"{path} can't be written: {words}.")
