"""The file that a command was told to write (`-o FILE`, `--svg FILE`): JSON, or a text.

A plain file is there whole or as it was. What is no plain file (a device, a pipe) is written to as
it is, and a link leads to what it names: the user has named it.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from ..system.files import write_all, write_file
from .failures import OutputFailed, UsageFailed

_STDOUT = 1


def check_file(name: str | None) -> None:
    """See that a file can be written there, before the work for it is done.

    Args:
        name: None: none was named.

    Raises:
        UsageFailed: it is no name.
        OutputFailed: says why it can't be written.
    """
    if name is None:
        return
    path = _path(name)
    if path.is_dir():
        raise OutputFailed(f"{path} is a folder. Name a file in it to write to.")
    folder = Path(os.path.realpath(path)).parent
    if not path.exists() and not folder.is_dir():
        raise OutputFailed(f"{path} can't be written: there is no folder {folder}. Make it first.")


def _path(name: str) -> Path:
    if not name:
        raise UsageFailed("A file to write to has no name. Name one, or leave out the option.")
    return Path(os.path.expanduser(name))


def write_json_file(name: str, data: Any) -> None:
    """Write JSON. Raises as `write_text_file`."""
    text = json.dumps(data, indent=2)
    write_text_file(name, f"{text}\n")


def write_text_file(name: str, text: str) -> None:
    """Write a text.

    Raises:
        UsageFailed, OutputFailed: says why it can't be written.
    """
    check_file(name)
    data = text.encode("utf-8", "backslashreplace")
    path = _path(name)
    try:
        if _is_own_stdout(path):  # maybe a file that the shell has opened to append to
            write_all(_STDOUT, data)
        elif _is_plain(path):
            write_file(Path(os.path.realpath(path)), lambda file: file.write(data))
        else:
            with open(os.open(path, os.O_WRONLY), "wb") as file:
                file.write(data)
    except OSError as e:
        raise OutputFailed(f"{path} can't be written: {e.strerror or e}.") from e


def _is_plain(path: Path) -> bool:
    """Whether a plain file is there, or nothing yet."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def _is_own_stdout(path: Path) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(_STDOUT))
    except OSError:
        return False
