"""Records on disk: where they are, who writes them, reading them, and how many are kept.

    <user's data folder>/discomfort/runs/<record_id>/
        record.jsonl      see `record_file`
        pictures.N        small pictures, one behind the other; the lines say where each is
        <digest>.json     the workflows that ran
        owner.lock        held by the writer for as long as it lives

Private to the user. The oldest go when there are too many.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import threading
from pathlib import Path
from typing import Any, NamedTuple

from ..system.owned_folders import LOCK_NAME, folders_in, is_held, owner_lock, remove_owned
from ..system.plain_files import read_plain
from ..system.random_names import random_name
from ..system.user_folders import data_folder
from .record_file import Entry, parse_lines
from .table import build_view, summarize

log = logging.getLogger("discomfort.records")

MAX_RECORDS = 50
MAX_BYTES = 512 << 20
LINES_NAME = "record.jsonl"
_RECORD_ID = re.compile(r"\d{8}-\d{6}-[0-9a-z]{8}")
_NAME = re.compile(r"[0-9a-z_]{1,80}")


class RecordNotFound(LookupError):
    """There is no such record, or no such part of it (any more)."""


class RecordInUse(PermissionError):
    """The process that writes the record still runs."""


class _Stamp(NamedTuple):
    size: int
    mtime_ns: int
    is_alive: bool


def records_dir() -> Path:
    """Where this user's records are; made if absent, closed to others."""
    return data_folder("runs")


def new_record_id(local_time: str) -> str:
    """A folder name that sorts by time; `local_time` as %Y%m%d-%H%M%S."""
    return f"{local_time}-{random_name(8)}"


def is_alive(folder: Path) -> bool:
    """Whether the process that writes a record still runs: it holds the lock."""
    return is_held(folder / LOCK_NAME)


class Archive:
    """The records in a folder, read as they grow. Any thread.

    Args:
        root: the folder; None: the user's own.
    """

    def __init__(self, root: Path | None = None):
        self._root = root
        self._lock = threading.Lock()
        self._summaries: dict[str, tuple[_Stamp, dict[str, Any]]] = {}
        self._entries: tuple[str, _Stamp, list[Entry]] | None = None

    @property
    def root(self) -> Path:
        return self._root if self._root is not None else records_dir()

    def list_records(self) -> list[dict[str, Any]]:
        """What `summarize` gives for each, the newest first; `unreadable` says why one can't be
        read.
        """
        found, known = [], {}
        for folder in sorted(_folders(self.root), reverse=True):
            try:
                stamp = _stamp(folder)
                kept = self._summaries.get(folder.name)
                if kept is None or kept[0] != stamp:
                    kept = stamp, _summary(folder, stamp)
            except OSError:
                continue  # it was just removed, or is just being made
            known[folder.name] = kept
            found.append(kept[1])
        self._summaries = known
        return found

    def tag(self, record_id: str) -> str:
        """Changes whenever the record does."""
        return "-".join(str(int(part)) for part in _stamp(self._folder(record_id)))

    def view(self, record_id: str, **page: int | None) -> dict[str, Any]:
        """See `build_view`."""
        stamp, entries = self._load(record_id)
        view = build_view(entries, stamp.is_alive, **page)
        return {**view, "id": record_id, "is_alive": stamp.is_alive}

    def picture(self, record_id: str, version: str) -> bytes:
        """The JPEG of one stored value."""
        _, entries = self._load(record_id)
        for e in reversed(entries):
            if e["k"] == "picture" and e.get("version") == version:
                return _read_picture(self._folder(record_id), e)
        raise RecordNotFound(f"The record {record_id} has no picture of this value.")

    def pictures(self, record_id: str) -> dict[str, bytes]:
        """All pictures of a record, by version."""
        _, entries = self._load(record_id)
        folder, found = self._folder(record_id), {}
        for e in entries:
            if e["k"] == "picture":
                with contextlib.suppress(RecordNotFound):
                    found[e["version"]] = _read_picture(folder, e)
        return found

    def workflow(self, record_id: str, digest: str) -> dict[str, Any]:
        """A workflow that ran, as it was given."""
        folder = self._folder(record_id)
        if not _NAME.fullmatch(digest):
            raise RecordNotFound(f"{digest!r} names no workflow.")
        try:
            return json.loads(read_plain(folder / f"{digest}.json"))
        except (OSError, ValueError, RecursionError) as e:
            raise RecordNotFound(f"The record {record_id} has no such workflow.") from e

    def remove(self, record_id: str) -> None:
        """Remove the record of a run that is over.

        Raises:
            RecordNotFound: there is none.
            RecordInUse: its process still writes it.
        """
        folder = self._folder(record_id)
        if not remove_record(folder):
            raise RecordInUse(
                f"The record {record_id} is still written. It can be removed when its script ends."
            )

    def _folder(self, record_id: str) -> Path:
        """The folder of a record. The id may come from anywhere: only our own names pass."""
        folder = self.root / record_id if _RECORD_ID.fullmatch(record_id) else None
        if folder is None or folder.is_symlink() or not (folder / LINES_NAME).is_file():
            raise RecordNotFound(f"There is no record {record_id!r}. It may have been removed.")
        return folder

    def _load(self, record_id: str) -> tuple[_Stamp, list[Entry]]:
        folder = self._folder(record_id)
        try:
            stamp = _stamp(folder)
            with self._lock:
                kept = self._entries
            if kept is not None and kept[:2] == (record_id, stamp):
                return stamp, kept[2]
            entries = _read(folder)
        except OSError as e:
            raise RecordNotFound(f"The record {record_id!r} was just removed.") from e
        with self._lock:
            self._entries = record_id, stamp, entries
        return stamp, entries


def _summary(folder: Path, stamp: _Stamp) -> dict[str, Any]:
    about = {"id": folder.name, "is_alive": stamp.is_alive}
    try:
        return {**summarize(_read(folder), stamp.is_alive), **about}
    except ValueError as e:
        return {**about, "unreadable": str(e)}


def _stamp(folder: Path) -> _Stamp:
    # The lock first: a writer that ends in between has written its last line.
    alive = is_alive(folder)
    about = os.stat(folder / LINES_NAME)
    return _Stamp(about.st_size, about.st_mtime_ns, alive)


def _read(folder: Path) -> list[Entry]:
    return parse_lines(read_plain(folder / LINES_NAME))


def _read_picture(folder: Path, entry: Entry) -> bytes:
    name = str(entry.get("file", ""))
    try:
        if not re.fullmatch(r"pictures\.\d{1,9}", name):
            raise ValueError(name)
        data = read_plain(folder / name, int(entry["at"]), int(entry["bytes"]))
        if len(data) != entry["bytes"]:
            raise ValueError("it is cut off")
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as e:
        raise RecordNotFound("This picture is not kept any more.") from e
    return data


def _folders(root: Path) -> list[Path]:
    return [folder for folder in folders_in(root) if _RECORD_ID.fullmatch(folder.name)]


def remove_record(folder: Path) -> bool:
    """Remove a record whose process has ended; False if that still writes it."""
    lock = owner_lock(folder)  # one that ended in good order took its lock file along
    try:
        if not lock.acquire():
            return False
    except OSError:
        return False
    remove_owned(folder, lock)
    return True


def purge(root: Path, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> list[str]:
    """Remove the oldest records above a number and a size; those of living processes stay.

    Returns:
        The ids of what was removed.
    """
    removed, total_bytes = [], 0
    for number, folder in enumerate(sorted(_folders(root), reverse=True)):
        with contextlib.suppress(OSError):
            total_bytes += sum(e.stat().st_size for e in os.scandir(folder))
        if (number >= max_records or total_bytes > max_bytes) and remove_record(folder):
            removed.append(folder.name)
    if removed:
        log.debug("removed the oldest records: %s", ", ".join(removed))
    return removed
