"""Where a keeper is: `keeper.json` in its worker's folder, which only this user may read.

A record is believed only as long as its folder is locked by a living owner, and the process that
it names is the very one that wrote it. What is no such record is removed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...system.files import write_file
from ...system.owned_folders import LOCK_NAME, folders_in, is_held
from ...system.plain_files import open_plain
from ...system.processes import is_running
from ..launch.worker_folder import base_dir, purge_dead_workers
from .worker_key import WorkerKey

log = logging.getLogger("discomfort.worker")

RECORD_NAME = "keeper.json"
_FORMAT = 1
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KeeperRecord:
    """Who keeps a worker, how it is reached, and who may have it.

    Attributes:
        started: when the keeper's process began.
        address: see `wire.connect`.
        packs: folders of node packs that only the worker knew of, and their stamp at its start.
    """

    pid: int
    started: float
    worker_pid: int
    comfyui: str
    address: list[Any]
    secret: str = field(repr=False)
    place: str
    sources: str
    packs: list[str]
    packs_stamp: str

    @property
    def key(self) -> WorkerKey:
        return WorkerKey(self.place, self.sources)


class FoundKeeper:
    """A record that is believed, and the folder that it is in."""

    __slots__ = ("folder", "record")

    def __init__(self, folder: Path, record: KeeperRecord):
        self.folder, self.record = folder, record


def write_record(folder: Path, record: KeeperRecord) -> None:
    data = json.dumps({"format": _FORMAT, **asdict(record)}).encode()
    write_file(folder / RECORD_NAME, lambda file: file.write(data), is_private=True)


def remove_record(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / RECORD_NAME).unlink()


def has_keepers() -> bool:
    """Whether there seems to be one: a look that costs nothing where there is none."""
    folders = folders_in(base_dir() / "workers")
    return any(os.path.lexists(folder / RECORD_NAME) for folder in folders)


def find_keepers() -> list[FoundKeeper]:
    """All keepers of this user that live. What dead ones left is removed."""
    workers = base_dir() / "workers"
    found, has_stale = [], False
    for folder in sorted(folders_in(workers)):
        path = folder / RECORD_NAME
        if not os.path.lexists(path):
            continue
        if not is_held(folder / LOCK_NAME):
            has_stale = True
            continue
        for record in _believed(path):
            found.append(FoundKeeper(folder, record))
    if has_stale:
        purge_dead_workers()
    return found


def _believed(path: Path) -> Iterator[KeeperRecord]:
    """The record, if it can be believed. One that can't goes: its folder is of our own."""
    try:
        record = _read(path)
    except _Unknown:
        return
    except FileNotFoundError:
        if not os.path.lexists(path):  # its keeper has just ended
            return
        record = None
    if record is not None and is_running(record.pid, record.started):
        yield record
        return
    log.warning("%s does not say where a keeper is; it is removed.", path)
    with contextlib.suppress(OSError):
        path.unlink()


class _Unknown(ValueError):
    """Written by another version of this project."""


def _read(path: Path) -> KeeperRecord | None:
    with open(open_plain(path), "rb") as file:
        about = os.fstat(file.fileno())
        if os.name != "nt" and stat.S_IMODE(about.st_mode) & 0o077:
            return None
        data = file.read(_MOST_BYTES)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and found.get("format") not in (None, _FORMAT):
        raise _Unknown
    return _checked(found)


def _checked(found: Any) -> KeeperRecord | None:
    kinds = {
        **dict.fromkeys(("pid", "worker_pid"), int),
        **dict.fromkeys(("comfyui", "secret", "place", "sources", "packs_stamp"), str),
        **dict.fromkeys(("address", "packs"), list),
    }
    if not isinstance(found, dict) or not isinstance(found.get("started"), (int, float)):
        return None
    if any(not isinstance(found.get(name), kind) for name, kind in kinds.items()):
        return None
    if len(found["address"]) != 2 or not all(isinstance(p, str) for p in found["packs"]):
        return None
    return KeeperRecord(**{name: found[name] for name in ("started", *kinds)})
