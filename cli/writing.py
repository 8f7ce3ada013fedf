"""Results become files, and what is said of them: the only place that writes what a run gave."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..values.save_value import default_ending, kind_of_value, save_value
from ..values.what_it_is import summary
from .failures import OutputFailed

if TYPE_CHECKING:
    from ..run.results import Results

DEFAULT_FOLDER = "output"
_UNSAFE = re.compile(r"[^\w .()+,=@#-]+")
# Windows forbids these names, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_LONGEST_BYTES = 100
JSON_LESS = object()


@dataclass(frozen=True, slots=True)
class Where:
    """Where results are written.

    Attributes:
        folder: None: pictures, sound, video and what nodes saved in "output", nothing else.
        is_forced: files of the same names are replaced; else the new ones get a number.
    """

    folder: Path | None = None
    is_forced: bool = False

    def check(self) -> None:
        """See that files can be written where it was asked for, before a run: its results would
        be lost.

        Raises:
            OutputFailed: says why not.
        """
        folder = self.folder
        if folder is None:  # there may be none to be written
            return
        place = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        if not place.is_dir():
            raise OutputFailed(f"Results can't be written into {folder}: {place} is no folder.")
        if not os.access(place, os.W_OK | os.X_OK):
            raise OutputFailed(f"Results can't be written into {folder}: you may not write there.")


def write_results(results: Results, where: Where) -> dict[str, dict[str, Any]]:
    """Write what is to be written, and describe all: name -> `value`, `summary`, `files`.

    What nodes saved is copied as it is, and not written a second time from the values.

    Raises:
        OutputFailed: names the file, and why.
    """
    saved = _copy_saved(results, where)
    names = _file_names([name for name in results if name not in saved])
    described = {}
    for name, value in results.items():
        files = saved.get(name)
        if files is None:
            files = _write(name, value, names[name], where)
        plain = as_json(value)
        described[name] = {
            "value": None if plain is JSON_LESS else plain,
            "summary": summary(value),
            "files": [str(path) for path in files],
        }
    for name in saved:
        if name not in described:
            files = [str(path) for path in saved[name]]
            described[name] = {"value": None, "summary": "files", "files": files}
    return described


def describe(name: str, about: Mapping[str, Any]) -> str:
    """One result for people: its files, else its value, else what it is."""
    if about["files"]:
        return "\n".join(f"{name}: {path}" for path in about["files"])
    value = about["value"]
    if isinstance(value, str):
        return f"{name}: {value}"
    return f"{name}: {about['summary']}"


def safe_name(name: str) -> str:
    """A name of a value as one that every system takes for a file."""
    text = _UNSAFE.sub("_", name).strip(" .") or "value"
    while len(text.encode()) > _LONGEST_BYTES:
        text = text[:-1].rstrip(" .")
    return f"_{text}" if _RESERVED.fullmatch(text.partition(".")[0]) else text


def as_json(value: Any) -> Any:
    """The value as JSON has it, or JSON_LESS.

    Numbers without an end (NaN, Infinity) are texts: JSON knows none.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (list, tuple)):
        items = [as_json(item) for item in value]
        return JSON_LESS if any(item is JSON_LESS for item in items) else items
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        pairs = {key: as_json(item) for key, item in value.items()}
        return JSON_LESS if any(item is JSON_LESS for item in pairs.values()) else pairs
    item = getattr(value, "item", None)
    if getattr(value, "shape", None) == () and item is not None:
        return as_json(item())
    return JSON_LESS


def _file_names(names: list[str]) -> dict[str, str]:
    """A name of a file for each value; no two are the same where case does not count."""
    taken: set[str] = set()
    found = {}
    for name in names:
        base = text = safe_name(name)
        number = 1
        while text.casefold() in taken:
            number += 1
            text = f"{base}-{number}"
        taken.add(text.casefold())
        found[name] = text
    return found


def _write(name: str, value: Any, file_name: str, where: Where) -> list[Path]:
    is_media = _is_media(value)
    if where.folder is None and not is_media:
        return []
    folder = where.folder or Path(DEFAULT_FOLDER)
    try:
        if is_media or as_json(value) is not JSON_LESS:
            target = folder / f"{file_name}{default_ending(value)}"
            return save_value(name, value, target, overwrite=where.is_forced)
        return [_write_pickle(value, folder / f"{file_name}.pkl", where.is_forced)]
    except OSError as e:
        raise _failed(e, folder, file_name) from e


def _is_media(value: Any) -> bool:
    """Whether it is a picture, a sound or a video: nothing that a terminal shows."""
    return as_json(value) is JSON_LESS and kind_of_value(value) != "text"


def _write_pickle(value: Any, path: Path, is_forced: bool) -> Path:
    from ..context.pickle_files import write_pickle

    number, target = 0, path
    while True:
        try:
            write_pickle(value, target, is_forced)
            return target
        except FileExistsError:
            number += 1
            target = path.with_name(f"{path.stem} ({number}){path.suffix}")


def _copy_saved(results: Results, where: Where) -> dict[str, list[Path]]:
    """What nodes saved, copied: name of the node -> the copies."""
    if not results.files:
        return {}
    folder = where.folder or Path(DEFAULT_FOLDER)
    files = list(dict.fromkeys(path for paths in results.files.values() for path in paths))
    try:
        if where.is_forced:
            folder.mkdir(parents=True, exist_ok=True)
            copies = [Path(shutil.copyfile(path, folder / path.name)) for path in files]
        else:
            copies = results.save_files(folder)
    except shutil.SameFileError:
        copies = files  # nodes save there themselves
    except OSError as e:
        raise _failed(e, folder, "the files that nodes saved") from e
    by_source = dict(zip(files, copies, strict=True))
    return {name: [by_source[path] for path in paths] for name, paths in results.files.items()}


def _failed(error: OSError, folder: Path, what: str) -> OutputFailed:
    return OutputFailed(
        f"{what} can't be written into {folder}: {error.strerror or error}. Make room or name "
        "another folder (-o), and run it again."
    )
