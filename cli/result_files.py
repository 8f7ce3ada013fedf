"""The files of what one run gave: no two of them have one name, also where --force replaces files.

What is written is whole or not there; in place of a link comes a file, and where it led stays.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..values.save_value import default_ending, place, save_value

# Windows forbids these names, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w .()+,=@#-]+")
_LONGEST_BYTES = 100


class Written(NamedTuple):
    """The files of a value. `why_pickled`: why they are not what such a value usually becomes."""

    files: list[Path]
    why_pickled: str = ""


class ResultFiles:
    """A folder, for the results of one run.

    Args:
        is_forced: files of the same names are replaced; else the new ones get a number.
    """

    def __init__(self, folder: Path, is_forced: bool):
        self.folder, self._is_forced = folder, is_forced
        self._taken: set[str] = set()  # file systems of macOS and Windows know no case

    def copy_all(self, sources: list[Path]) -> tuple[dict[Path, Path], dict[Path, str]]:
        """Copy files that nodes saved; the copies, and why there are none.

        What they saved in this very folder stays where it is.
        """
        copies, failures = {}, {}
        for source in sources:
            if _is_same(source.parent, self.folder):
                copies[source] = self.folder / source.name
                self._taken.add(source.name.casefold())
        for source in sources:
            if source in copies:
                continue
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                copies[source] = self._copy(source)
            except OSError as e:
                failures[source] = str(e.strerror or e)
        return copies, failures

    def _copy(self, source: Path) -> Path:
        def write(file: Any) -> None:
            with source.open("rb") as read:
                shutil.copyfileobj(read, file)

        return self._place(self.folder / source.name, write)

    def write(self, name: str, value: Any, *, has_format: bool) -> Written:
        """Write a value in the format that fits it; what has none, or fails in it, as a pickle.

        Raises:
            OSError: the system does not let it be written.
        """
        if not has_format:
            return Written([self._pickle(name, value)])
        try:
            target = self.folder / f"{safe_name(name)}{default_ending(value)}"
            return Written(save_value(name, value, target, placed=self._place))
        except Exception as e:  # whatever encoders raise
            if isinstance(e, OSError) and not type(e).__module__.startswith("av"):
                raise
            return Written([self._pickle(name, value)], str(e) or type(e).__name__)

    def _pickle(self, name: str, value: Any) -> Path:
        from ..context.pickle_files import pickle_writer

        self.folder.mkdir(parents=True, exist_ok=True)
        return self._place(self.folder / f"{safe_name(name)}.pkl", pickle_writer(value))

    def _place(self, path: Path, write: Callable[[Any], Any]) -> Path:
        placed = place(path, write, overwrite=self._is_forced, taken=self._taken)
        self._taken.add(placed.name.casefold())
        return placed


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def safe_name(name: str) -> str:
    """A name of a value as one that every system takes for a file."""
    text = _UNSAFE.sub("_", name).strip(" .") or "value"
    while len(text.encode()) > _LONGEST_BYTES:
        text = text[:-1].rstrip(" .")
    return f"_{text}" if _RESERVED.fullmatch(text.partition(".")[0]) else text
