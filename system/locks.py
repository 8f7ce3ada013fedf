"""Locks between processes that vanish with their process, also when it is killed.

The kernel keeps them (flock; `msvcrt.locking` on Windows), so neither a crash nor a process id that
was given out again can make a dead owner look alive, or a living one dead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .patience import Patience, looked_at
from .processes import describe

log = logging.getLogger("discomfort")

if sys.platform == "win32":
    import msvcrt

    def try_exclusive(fd: int) -> bool:
        """Lock without waiting. Windows has no shared locks, but an open file can't be removed."""
        try:
            os.lseek(fd, 0, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def try_shared(fd: int) -> bool:
        return True

    def unlock(fd: int) -> None:
        with contextlib.suppress(OSError):
            os.lseek(fd, 0, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def _wait_exclusive(fd: int) -> None:
        while not try_exclusive(fd):
            time.sleep(0.001)

    def _holder(path: Path) -> int | None:
        return None

else:
    import fcntl

    def try_exclusive(fd: int) -> bool:
        """Lock without waiting: true if no process has this file locked, or mapped by us."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def try_shared(fd: int) -> bool:
        """Mark as in use, without waiting, until the descriptor and all mappings of it are gone."""
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def _wait_exclusive(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)

    def _holder(path: Path) -> int | None:
        """The process that has it locked; None where the system does not say (Linux does)."""
        with contextlib.suppress(OSError, ValueError):
            end = f":{path.stat().st_ino}"  # the device before it may be another for overlays
            for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
                fields = line.split()
                if fields[1] == "FLOCK" and fields[5].endswith(end):  # who waits has "->" there
                    return int(fields[4])
        return None


_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class ProcessLock:
    """`with lock:` among threads and processes. Reentrant within a thread.

    A wait has no end of its own, since a holder that is suspended may go on; it says in the log
    who that is.

    The file stays open between uses: a lock and its release cost a microsecond. To open a lock file
    each time costs fifty, a third of what a small save may take.
    """

    def __init__(self, path: Path):
        self.path = path
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._fd: int | None = None
        self._pid = 0

    def __enter__(self) -> ProcessLock:
        if not self._thread_lock.acquire(blocking=False):
            with looked_at(Patience(log, self._what_threads_wait_for)):
                self._thread_lock.acquire()
        try:
            if self._depth == 0 and not try_exclusive(self._descriptor()):
                with looked_at(Patience(log, self._what_is_waited_for)):
                    _wait_exclusive(self._descriptor())
            self._depth += 1
        except BaseException:
            self._thread_lock.release()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            self._depth -= 1
            if self._depth == 0 and self._fd is not None:
                unlock(self._fd)
        finally:
            self._thread_lock.release()

    def _what_is_waited_for(self) -> str:
        holder = _holder(self.path)
        if holder is None:
            who = "another process holds"
        else:
            who = f"{describe(holder)} holds" if holder else "a process of another container holds"
        return f"Waiting for the lock {self.path}, which {who}"

    def _what_threads_wait_for(self) -> str:
        return f"Waiting for the lock {self.path}, which another thread of this process holds"

    def _descriptor(self) -> int:
        # A forked child must not share the parent's open file: the two would count as one holder.
        if self._fd is None or self._pid != os.getpid():
            self._fd = os.open(self.path, _OPEN_FLAGS, 0o600)
            self._pid = os.getpid()
        return self._fd

    def close(self) -> None:
        with self._thread_lock:
            if self._fd is not None and self._pid == os.getpid():
                os.close(self._fd)
            self._fd = None


class OwnerLock:
    """A lock file held for as long as its owner lives: of contexts, workers and records.

    Ours, and not the filelock package's: it notices when a purge removed the file between the open
    and the lock, it can be let go with or without its file, and `ProcessLock` is here anyway.

    Args:
        path: the lock file; made if absent.
    """

    def __init__(self, path: Path):
        self.path = path
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Take it, or return False when its owner lives."""
        while True:
            fd = os.open(self.path, _OPEN_FLAGS, 0o600)
            if not try_exclusive(fd):
                os.close(fd)
                return False
            # Between open and lock a purge may have removed the file; a lock on a nameless file is
            # worthless.
            try:
                if os.path.samestat(os.fstat(fd), os.stat(self.path)):
                    self._fd = fd
                    return True
            except FileNotFoundError:
                pass
            os.close(fd)

    def release(self, remove: bool = True) -> None:
        """Let go. On POSIX the file goes first: a lock on a file about to vanish is worthless."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        if remove and sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        os.close(fd)
        if remove and sys.platform == "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)
