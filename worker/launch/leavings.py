"""Runs inside a worker that is kept: files, environment and folder of the process, as they were
when it was ready. Called by `keeping.py` between two masters.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_REMEMBERED_BYTES = 1 << 20  # of one file: settings, which a script may have changed


@dataclass(slots=True)
class Leavings:
    """What a script may leave behind in a process and its folders.

    Args:
        folders: which are the worker's own: all that is new in them goes.
    """

    folders: tuple[Path, ...]
    _files: dict[Path, bytes | None] = field(init=False)
    _subfolders: set[Path] = field(init=False)
    _environment: dict[str, str] = field(init=False)
    _working_folder: str = field(init=False)

    def note(self) -> None:
        """Remember how things are: when the server is about to open its port."""
        found = [path for folder in self.folders for path in _below(folder)]
        self._subfolders = {path for path in found if _is_folder(path)}
        self._files = {path: _content(path) for path in found if path not in self._subfolders}
        self._environment, self._working_folder = dict(os.environ), os.getcwd()

    def remove(self) -> None:
        """Make things as they were.

        Raises:
            OSError: a file can't be removed.
        """
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._working_folder)
        for folder in self.folders:
            self._remove_new(_below(folder))
        for path, content in self._files.items():
            if content is not None and _content(path) != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _remove_new(self, paths: Iterable[Path]) -> None:
        for path in sorted(paths, key=lambda p: len(p.parts), reverse=True):
            if path in self._subfolders or path in self._files:
                continue
            if _is_folder(path):
                path.rmdir()
            else:
                path.unlink(missing_ok=True)


def own_folders(temp: str, user: str) -> tuple[Path, ...]:
    """Those of ComfyUI's folders that a script's files are removed from.

    Args:
        temp: ComfyUI's folder of temporary files, which it empties at each start itself.
        user: that of settings and workflows. It is the worker's own where `spawn.py` has put both;
            with one that EXTRA_ARGS name, everything in it is the user's.
    """
    is_own = Path(user).parent == Path(temp).parent.parent
    return (Path(temp), Path(user)) if is_own else (Path(temp),)


def _below(folder: Path) -> list[Path]:
    """All that is in a folder, at any depth; links are not followed."""
    found: list[Path] = []
    for place, subfolders, files in os.walk(folder):
        found += [Path(place, name) for name in (*subfolders, *files)]
    return found


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _content(path: Path) -> bytes | None:
    """Of a small file; None of any other."""
    try:
        is_small = not path.is_symlink() and path.stat().st_size <= _REMEMBERED_BYTES
        return path.read_bytes() if is_small and path.suffix != ".log" else None
    except OSError:
        return None
