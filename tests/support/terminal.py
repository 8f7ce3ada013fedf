"""A real pseudo-terminal with a program in it: what it shows, and keys that are pressed."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .servers import DEADLINE_S

CTRL_C = b"\x03"


class Terminal:
    """A program that a user sees and types to."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: dict[str, str], columns: int = 80
    ):
        import fcntl
        import pty
        import struct
        import termios

        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.shown = ""

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def wait_for(self, text: str) -> None:
        """Read until the text is shown."""
        end = time.monotonic() + DEADLINE_S
        while text not in self.shown:
            assert time.monotonic() < end and self._read(), f"{text!r} is not in {self.shown!r}"

    def wait(self) -> int:
        """Read to the end of the program; its exit code."""
        while self._read():
            pass
        return self.process.wait(DEADLINE_S)

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], DEADLINE_S)[0]:
            return False
        with contextlib.suppress(OSError):  # Linux says so when the other side is closed
            data = os.read(self._fd, 65536)
            self.shown += data.decode(errors="replace")
            return bool(data)
        return False

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._fd)


@contextlib.contextmanager
def terminal(
    command: Sequence[str], folder: Path, environment: dict[str, str], columns: int = 80
) -> Iterator[Terminal]:
    """A terminal that is closed at the end, and its program ended."""
    made = Terminal(command, folder, environment, columns)
    try:
        yield made
    finally:
        made.close()
