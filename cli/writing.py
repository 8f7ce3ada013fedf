"""What is said of what a run gave, once `result_files.py` has written it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import visible
from ..values.save_value import kind_of_value
from ..values.what_it_is import summary
from .failures import OutputFailed
from .result_files import ResultFiles

if TYPE_CHECKING:
    from ..run.results import Results

DEFAULT_FOLDER = "output"
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
        place = next(p for p in (folder, *folder.absolute().parents) if os.path.lexists(p))
        if not place.is_dir():
            raise OutputFailed(f"Results can't be written into {folder}: {place} is no folder.")
        if not os.access(place, os.W_OK | os.X_OK):
            raise OutputFailed(f"Results can't be written into {folder}: you may not write there.")


@dataclass(frozen=True, slots=True)
class Described:
    """What is told of results.

    Attributes:
        results: name -> `value`, `summary`, `files`.
        notes: of values that became another kind of file than such values do.
        problems: what could not be written at all.
    """

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raises OutputFailed: something could not be written; with what was."""
        if self.problems:
            text = "\n".join(self.problems)
            hint = "Make room or name another folder (-o), and run it again."
            error = OutputFailed(f"{text}\n{hint}")
            error.results = self.results
            raise error


def write_results(results: Results, where: Where) -> Described:
    """Write what is to be written, and describe all.

    What nodes saved is copied as it is, and not written a second time from the values. A value
    that can't be written keeps no other from it.
    """
    told = Described()
    files = ResultFiles(where.folder or Path(DEFAULT_FOLDER), where.is_forced)
    saved = _copy_saved(results, files, told)
    for name, value in results.items():
        plain = _plain(value)
        paths = saved.get(name)
        if paths is None:
            paths = _write(name, value, where, files, told)
        told.results[name] = {
            "value": None if plain is JSON_LESS else plain,
            "summary": summary(value),
            "files": [str(path) for path in paths],
        }
    for name in saved:
        if name not in told.results:
            paths = [str(path) for path in saved[name]]
            told.results[name] = {"value": None, "summary": "files", "files": paths}
    return told


def _plain(value: Any) -> Any:
    """`as_json`, of anything: deeper than can be looked at, or with a method that raises."""
    try:
        return as_json(value)
    except Exception:
        return JSON_LESS


def _copy_saved(results: Results, files: ResultFiles, told: Described) -> dict[str, list[Path]]:
    """What nodes saved, copied: name of the node -> the copies."""
    if not results.files:
        return {}
    sources = list(dict.fromkeys(path for paths in results.files.values() for path in paths))
    copies, failures = files.copy_all(sources)
    told.problems.extend(
        f"{source.name} can't be written into {files.folder}: {why}."
        for source, why in failures.items()
    )
    return {
        name: [copies[path] for path in paths if path in copies]
        for name, paths in results.files.items()
    }


def describe(name: str, about: Mapping[str, Any]) -> str:
    """One result for people: its files, else its value, else what it is."""
    name = visible(name)
    if about["files"]:
        return "\n".join(f"{name}: {visible(path)}" for path in about["files"])
    value = about["value"]
    if isinstance(value, str):
        return f"{name}: {value}"
    return f"{name}: {about['summary']}"


def as_json(value: Any) -> Any:
    """The value as JSON has it, or JSON_LESS.

    Numbers without an end (NaN, Infinity) are texts: JSON knows none.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if _has_digits(int(value)) else JSON_LESS
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


def _has_digits(number: int) -> bool:
    """Whether Python writes it out: it refuses numbers of thousands of digits."""
    try:
        return bool(str(number))
    except ValueError:
        return False


def _write(name: str, value: Any, where: Where, files: ResultFiles, told: Described) -> list[Path]:
    try:
        is_json = _plain(value) is not JSON_LESS
        is_media = not is_json and kind_of_value(value) != "text"
        if where.folder is None and not is_media:  # a terminal shows the others
            return []
        written = files.write(name, value, has_format=is_json or is_media)
    except Exception as e:
        why = getattr(e, "strerror", None) or e
        told.problems.append(f"{name!r} can't be written into {files.folder}: {why}.")
        return []
    if written.why_pickled:
        told.notes.append(f"{name!r} is written as a pickle: {written.why_pickled}")
    return written.files
