"""What the worker prints: read at once, freed of colours, written to its own log file.

The pipe is always drained, also when the file can't be written: a full pipe would stop the worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO

from .prompt_thread import EXIT_CODE as PROMPT_THREAD_ENDED

log = logging.getLogger("discomfort.worker")

_KEPT_LINES = 1000
_DRAIN_TIMEOUT_S = 2.0
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def clean_line(raw: bytes) -> str:
    """One line of output without colour codes; of one that was overwritten (a bar), the last."""
    text = _ANSI.sub("", raw.decode("utf-8", errors="replace")).rstrip("\r\n")
    states = [part for part in text.split("\r") if part]
    return states[-1] if states else ""


def describe_exit(code: int | None) -> str:
    """What an exit code of `subprocess` means."""
    if code is None:
        return "not known"
    if code == PROMPT_THREAD_ENDED:
        return "ComfyUI's prompt thread had ended, so that it could run nothing any more"
    if code in (-9, 137):
        return "killed, most likely because memory ran out"
    if code in (-11, 139, 0xC0000005):
        return "a crash in native code, a segmentation fault"
    if code in (-6, 134):
        return "aborted by native code"
    if code < 0:
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"
    return "it ended by itself" if code == 0 else "an error, see the log"


def was_killed(code: int | None) -> bool:
    """Whether a signal ended it; a shell in between adds 128 to the signal's number."""
    return code is not None and (code < 0 or 128 < code < 192)


class _LogFile:
    """A file to which lines are added. Those that find no room wait for it, the newest of them."""

    def __init__(self, path: Path):
        self._path = path
        self._fd: int | None = None
        self._waiting: deque[str] = deque(maxlen=_KEPT_LINES)
        self._missed = 0
        self._rest = b""  # of a line that the disk took a part of

    def write(self, line: str) -> None:
        if len(self._waiting) == _KEPT_LINES:
            self._missed += 1
        self._waiting.append(line)
        is_first = len(self._waiting) == 1 and not self._rest
        try:
            self._write_all()
        except OSError as e:
            if is_first:
                log.warning(
                    "The worker's log %s can't be written: %s. It goes on when it can.",
                    self._path,
                    e.strerror or e,
                )

    def _write_all(self) -> None:
        if self._fd is None:
            self._fd = os.open(self._path, _APPEND, 0o600)
        self._write_rest()
        if self._missed:
            self._rest = f"[discomfort] {self._missed} lines found no room\n".encode()
            self._missed = 0
            self._write_rest()
        while self._waiting:
            self._rest = (self._waiting.popleft() + "\n").encode("utf-8", errors="replace")
            self._write_rest()

    def _write_rest(self) -> None:
        while self._rest:
            assert self._fd is not None
            self._rest = self._rest[os.write(self._fd, self._rest) :]

    def empty(self) -> None:
        """Forget what was written, and what waits to be."""
        self._waiting.clear()
        self._missed, self._rest = 0, b""
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)

    def close(self) -> None:
        """Write what still waits, if there is room now."""
        with contextlib.suppress(OSError):
            self._write_all()
        if self._fd is not None:
            os.close(self._fd)


class OutputLog:
    """The log file of one worker, and its newest lines in memory.

    Attributes:
        count: of all lines so far.
    """

    def __init__(self, path: Path):
        self.path = path
        self.count = 0
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._thread: threading.Thread | None = None
        self._file = _LogFile(path)
        self._lock = threading.Lock()  # one line at a time, or a new beginning
        path.touch(mode=0o600)

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Read the process's output until it ends."""
        assert process.stdout
        self._thread = threading.Thread(
            target=self._drain, args=(process.stdout,), name="discomfort-output", daemon=True
        )
        self._thread.start()

    def _drain(self, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                line = clean_line(raw)
                with self._lock:
                    self._lines.append(line)
                    self.count += 1
                    self._file.write(line)
        self._file.close()

    def begin_anew(self) -> None:
        """Forget all lines, those in the file too: the next ones are another script's."""
        with self._lock:
            self._lines.clear()
            self._file.empty()

    def last_lines(self, count: int) -> tuple[str, ...]:
        return tuple(self._lines)[-count:] if count > 0 else ()

    def close(self) -> None:
        """Wait for the last lines; a stray child that still holds the pipe is not waited for."""
        if self._thread is not None:
            self._thread.join(_DRAIN_TIMEOUT_S)
