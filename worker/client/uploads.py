"""Files handed to the server: copied into one of its folders; ephemeral ones removed at its end.

A journal in the worker's own folder names the ephemeral ones, so that the end of the script, or the
next start after it was killed, removes them too.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import logging
import shutil
import threading
from pathlib import Path

from ...system.files import write_file, written_beside

log = logging.getLogger("discomfort.worker")

FOLDER_TYPES = ("input", "output", "temp", "models")
JOURNAL_NAME = "uploads.json"


class Uploads:
    """Copies files, and remembers those that must go."""

    def __init__(self) -> None:
        self._ephemeral: set[Path] = set()
        self._made_folders: list[Path] = []
        self._journal: Path | None = None
        self._lock = threading.Lock()

    @property
    def has_ephemeral(self) -> bool:
        return bool(self._ephemeral)

    def keep_journal_in(self, folder: Path | None) -> None:
        """Name the ephemeral files in this worker's folder from now on. None: it has none."""
        with self._lock:
            journal = folder / JOURNAL_NAME if folder else None
            is_moved, self._journal = journal != self._journal, journal
            if is_moved and self._ephemeral:
                self._write_journal()

    def _write_journal(self) -> None:
        if self._journal is None:
            return
        about = {
            "files": sorted(map(str, self._ephemeral)),
            "folders": sorted(map(str, self._made_folders)),
        }
        try:
            write_file(self._journal, lambda file: file.write(json.dumps(about).encode()))
        except OSError as e:
            log.warning("The journal of ephemeral uploads can't be written: %s", e)

    def put(self, source: Path, folder: Path, overwrite: bool, is_ephemeral: bool) -> Path:
        """Copy `source` into `folder`.

        An equal file that is there is used as it is. A different one is replaced with `overwrite`,
        else the copy gets a number, as in ComfyUI's own upload (server.py `image_upload`).

        Returns:
            The copy's absolute path.

        Raises:
            FileNotFoundError: no such source.
        """
        if not source.is_file():
            raise FileNotFoundError(f"{source} is no file, so it can't be uploaded.")
        with self._lock:
            self._make_folder(folder, is_ephemeral)
            target = folder / source.name
            count = 0
            while target.exists() and not overwrite:
                if filecmp.cmp(source, target, shallow=False):
                    return target
                count += 1
                target = folder / f"{source.stem} ({count}){source.suffix}"
            if target.exists() and target.samefile(source):
                return target
            # What was there before us is the user's: it stays, even when we replaced its content.
            if is_ephemeral and not target.exists():
                self._ephemeral.add(target)
                self._write_journal()
            with written_beside(target) as draft:  # a reader never sees half a file
                shutil.copyfile(source, draft)
        return target

    def _make_folder(self, folder: Path, is_ephemeral: bool) -> None:
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        if is_ephemeral:
            self._made_folders += missing

    def remove_ephemeral(self) -> None:
        """Remove the ephemeral copies, and the folders made for them if empty. Never raises."""
        with self._lock:
            files, self._ephemeral = self._ephemeral, set()
            folders, self._made_folders = self._made_folders, []
        _remove(list(files), folders)


def remove_journaled(folder: Path) -> None:
    """Remove the ephemeral uploads that the journal in a worker's folder names. Never raises."""
    try:
        about = json.loads((folder / JOURNAL_NAME).read_text(encoding="utf-8"))
        files, folders = map(Path, about["files"]), map(Path, about["folders"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    _remove(list(files), list(folders))


def _remove(files: list[Path], folders: list[Path]) -> None:
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as e:
            log.warning("The ephemeral upload %s could not be removed: %s", path, e)
    for folder in sorted(folders, key=lambda p: len(p.parts), reverse=True):
        with contextlib.suppress(OSError):  # others put something into it
            folder.rmdir()


def target_folder(
    folders: dict[str, str], models: dict[str, list[str]], folder_type: str, subfolder: str | None
) -> Path:
    """The folder on disk that `folder_type` and `subfolder` mean to this server.

    Raises:
        ValueError: an unknown type, models without a subfolder, or a subfolder that leads out.
    """
    if folder_type not in FOLDER_TYPES:
        raise ValueError(
            f"folder_type={folder_type!r}: it must be one of {', '.join(FOLDER_TYPES)}."
        )
    parts = Path(subfolder or "").parts
    if any(part == ".." for part in parts) or Path(subfolder or "").is_absolute():
        raise ValueError(f"subfolder={subfolder!r}: it must lie within the {folder_type} folder.")
    if folder_type != "models":
        return Path(folders[folder_type], *parts)
    if not parts:
        raise ValueError('folder_type="models" needs a subfolder, for instance "checkpoints".')
    places = models.get(parts[0])
    if not places:
        raise ValueError(
            f"subfolder={subfolder!r}: this ComfyUI has no models folder {parts[0]!r}. "
            f"It has: {', '.join(sorted(models))}."
        )
    return Path(places[0], *parts[1:])
