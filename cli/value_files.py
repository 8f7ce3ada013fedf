"""Values from files (`name=@file`): looked at before anything starts, read by the port's type."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UntrustedValueError, WorkflowError
from ..system.config import decode
from ..system.pipes import read_file
from .typed_values import MEDIA, STDIN, Assignment, value_of_text

_PLAIN = {"INT", "FLOAT", "BOOLEAN", "COMBO"}
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True, slots=True)
class ValueFile:
    """A file that holds the value of a port. `is_pickle`: reading it may run code."""

    name: str
    path: Path
    is_pickle: bool = False


def find_files(
    given: Sequence[Assignment], folder: Path, allow_pickle: bool
) -> dict[str, ValueFile]:
    """The files of those values that come from some, by the names of the values.

    Args:
        folder: where what comes from standard input is put.

    Raises:
        FileNotFoundError: one is not there.
        WorkflowError: one is no file, or can't be looked at.
        UntrustedValueError: a pickle, and those were not asked for.
    """
    found = {}
    for one in given:
        if one.file is None:
            continue
        if one.file == STDIN:
            path = folder / "standard input"
            path.write_bytes(sys.stdin.buffer.read())
            found[one.name] = ValueFile(one.name, path)
            continue
        path = _plain_file(one, folder / f"pipe {len(found)}")
        is_pickle = path.suffix.lower() in _PICKLES
        if is_pickle and not allow_pickle:
            raise UntrustedValueError(
                f"{one.name}=@{one.file}: reading a pickle runs what stands in it. If you trust "
                "whoever wrote it, say --allow-pickle."
            )
        found[one.name] = ValueFile(one.name, path, is_pickle)
    return found


def _plain_file(one: Assignment, copy: Path) -> Path:
    """The file that was named; of a pipe, as of a shell's `<(...)`, a copy of what comes out."""
    given = f"{one.name}=@{one.file}"
    path = Path(os.path.expanduser(one.file or ""))
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISFIFO(mode):
            copy.write_bytes(read_file(path))
            return copy
    except FileNotFoundError as e:
        raise FileNotFoundError(f"{given}: there is no such file.") from e
    except (OSError, ValueError) as e:
        raise WorkflowError(f"{given}: {getattr(e, 'strerror', None) or e}.") from e
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a socket"
        raise WorkflowError(f"{given}: this is {kind}. Name a file.")
    return path


def read_value(file: ValueFile, kind: str, choices: Collection[Any] | None = None) -> Any:
    """What a file holds, as a port of that type takes it: of pictures, sound and video the path.

    Raises:
        OSError: it can't be read.
        WorkflowError: it is not what the port takes.
    """
    if file.is_pickle:
        from ..context.pickle_files import read_pickle

        return read_pickle(file.path, trusted=True)
    kinds = kind.split(",")
    if any(k in MEDIA for k in kinds):
        return file.path
    if kind == "ANY" and _is_picture(file.path):
        from ..values.picture_files import open_image_as_tensor

        return open_image_as_tensor(file.path)
    text = _read_text(file, kind)
    if kinds == ["STRING"]:
        return text
    if _PLAIN.issuperset(kinds):
        return value_of_text(file.name, text.strip(), kind, choices)
    return _read_json(file, text, kind)


def _is_picture(path: Path) -> bool:
    from ..values.metadata import PICTURES

    return path.suffix.lower() in {*PICTURES, ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"}


def _read_text(file: ValueFile, kind: str) -> str:
    """The text in it, without the end of its last line."""
    try:
        text = decode(read_file(file.path), file.path).removeprefix("\ufeff")
    except ValueError as e:
        raise WorkflowError(f"{file.name}=@{file.path}: the port takes {kind}. {e}") from e
    return text.removesuffix("\n").removesuffix("\r")


def _read_json(file: ValueFile, text: str, kind: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        if kind == "ANY" and file.path.suffix.lower() != ".json":
            return text
        raise WorkflowError(
            f"{file.name}=@{file.path}: the port takes {kind}, and this is no JSON ({e})."
        ) from e
