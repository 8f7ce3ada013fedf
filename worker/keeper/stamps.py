"""Whether sources have changed: names, dates and sizes of the files in a folder, as a digest.

Nothing is read, so that thousands of files take some hundredths of a second.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

CODE = (".py", ".pyd", ".so", ".dll", ".dylib", ".toml")
_ENVIRONMENT = "pyvenv.cfg"  # its folder is a Python environment, which has its own sign
_NO_CODE = frozenset({"__pycache__", "node_modules"})


def digest(value: object) -> str:
    """A digest of a value of JSON, in which the order of keys counts for nothing."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stamp_folders(folders: Iterable[Path], suffixes: tuple[str, ...] = CODE) -> str:
    """Of all code in some folders, whose order counts."""
    return digest([[str(folder), sorted(stamps(folder, suffixes))] for folder in folders])


def stamps(
    folder: Path, suffixes: tuple[str, ...] = CODE, skipped: Collection[str] = ()
) -> Iterator[tuple[str, int, int]]:
    """(name, date, size) of every file with code in a folder, and in those below it.

    Links are followed; a folder that was seen is not looked into again. A file stands for itself.

    Args:
        skipped: names right in the folder that do not count.
    """
    if folder.is_file():
        date, size = stamp_of(folder) or (0, 0)
        yield "", date, size
        return
    seen: set[str] = set()
    waiting = [(str(folder), "")]
    while waiting:
        place, name = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except OSError:
            yield f"{name}: unreadable", 0, 0
            continue
        if name and any(entry.name == _ENVIRONMENT for entry in entries):
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _NO_CODE:
                continue
            if not name and entry.name in skipped:
                continue
            if not entry.name.endswith(suffixes):
                if entry.is_dir() and _is_new(entry, seen):
                    waiting.append((entry.path, f"{name}/{entry.name}"))
                continue
            sign = stamp_of(entry.path)
            if sign is not None:
                yield (f"{name}/{entry.name}", *sign)


def _is_new(entry: os.DirEntry[str], seen: set[str]) -> bool:
    """Whether a folder was not yet looked into: only a link can lead back to one that was."""
    if not entry.is_symlink():
        return True
    real = os.path.realpath(entry.path)
    is_new = real not in seen
    seen.add(real)
    return is_new


def stamp_of(path: str | Path) -> tuple[int, int] | None:
    """(date, size) of one file; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
