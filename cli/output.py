"""The only place that writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from typing import Any

from ..errors import printable, visible
from .failures import OutputFailed, ReaderGone
from .shell_words import in_shell_words


def prepare_streams() -> None:
    """Have three streams that take any text.

    One that the caller has closed is the null device: else the next file or socket that is opened
    would get its number, and what is meant for the terminal.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        with contextlib.suppress(OSError):
            mode, flags = ("r", os.O_RDONLY) if number == 0 else ("w", os.O_WRONLY)
            fd = os.open(os.devnull, flags)
            if fd != number:
                os.dup2(fd, number)
                os.close(fd)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def write(text: str) -> None:
    """Write a result.

    Raises:
        ReaderGone: a closed pipe.
        OutputFailed: a full disk, and the like.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as e:
        silence_output()
        if isinstance(e, BrokenPipeError) or (os.name == "nt" and e.errno == errno.EINVAL):
            raise ReaderGone("Standard output is read no longer.") from e
        raise OutputFailed(e.errno, f"Standard output can't be written: {e.strerror or e}.") from e


def write_line(text: str) -> None:
    """Write a result for people."""
    write(f"{for_terminal(text)}\n")


def for_terminal(text: str) -> str:
    """The text without what a terminal would obey, or can't show: it may be a stranger's."""
    return visible(printable(text), keep="\n\t")


def write_json(data: Any) -> None:
    """Write one object in one line, in ASCII alone: any locale takes that."""
    write(f"{json.dumps(data, default=str)}\n")


def write_indented(data: Any) -> None:
    """Write JSON that is the result itself, for people and programs."""
    write(f"{json.dumps(data, indent=2)}\n")


def answer(is_json: bool, command: str, text: str, fields: dict[str, Any]) -> None:
    """Write what a command found: for people, or as its one object."""
    if is_json:
        write_json({"ok": True, "command": command, **fields})
    elif text:
        write_line(text)


def say(text: str) -> None:
    """Tell something that is no result, in a line on standard error."""
    # Who can't be told is not told: the exit code still says it.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{in_shell_words(for_terminal(text))}\n")
        sys.stderr.flush()


def ask(question: str) -> bool:
    """Ask on the terminal; anything but yes is no. The question is no result."""
    sys.stderr.write(for_terminal(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def silence_output() -> None:
    """After a failed write: what is still in the buffer must not fail again at the very end."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
