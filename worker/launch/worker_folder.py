"""The worker's own folder, in the user's temporary folder, and the purge of dead owners' ones.

What nodes saved in it stays until the process ends that started the worker.

    discomfort-<uid>/workers/<id>/   temp, output, user, nodes (links), owner.json; held by a lock
    discomfort-<uid>/logs/<id>.log   outlives a crash, so that errors can name it

Whoever holds `owner.lock` lives: see `system/owned_folders.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import WorkerStartError
from ...system import user_folders
from ...system.files import write_file
from ...system.locks import OwnerLock, ProcessLock
from ...system.owned_folders import (
    empty_owned,
    find_dead,
    folders_in,
    owner_lock,
    purge_dead,
    remove_owned,
)
from ..client.uploads import remove_journaled
from .leftovers import Life, end_leftovers

log = logging.getLogger("discomfort.worker")

OWNER_NAME = "owner.json"
KEPT_LOGS = 20


def base_dir() -> Path:
    """The folder of all workers and logs of this user.

    Raises:
        WorkerStartError: another user owns the name.
    """
    try:
        return user_folders.temporary_folder()
    except user_folders.NotOurFolder as e:
        raise WorkerStartError(str(e)) from e


@dataclass(slots=True)
class WorkerFolder:
    """One worker's folder. `remove` it when the worker has ended.

    Attributes:
        mark: what its processes bear, see `leftovers.py`.
    """

    path: Path
    log_path: Path
    _lock: OwnerLock = field(repr=False)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def temp(self) -> Path:
        return self.path / "temp"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def user(self) -> Path:
        return self.path / "user"

    @property
    def nodes(self) -> Path:
        return self.path / "nodes"

    def note_process(self, pid: int) -> None:
        """Write down who runs here, so that the purge can end it when the master could not."""
        about = Life.of_now(pid, self.mark).to_json()
        write_file(self.path / OWNER_NAME, lambda file: file.write(about))

    def remove(self, with_log: bool) -> None:
        """Remove the folder, and the log if it is not needed any more. Never raises.

        What nodes saved in it stays until this process ends: results name the files.
        """
        if _has_files(self.output):
            _remove(self.path, self._lock, keep=self.output)
            _retired[self.path] = self._lock
        else:
            _remove(self.path, self._lock)
        if with_log:
            _unlink(self.log_path)


_retired: dict[Path, OwnerLock] = {}  # what is left of them holds what nodes saved
_owner_pid = os.getpid()


def remove_retired() -> None:
    """Remove what nodes saved in the folders of workers that have ended. Runs at exit."""
    if os.getpid() != _owner_pid:  # a forked child: they are not its own
        return
    while _retired:
        _remove(*_retired.popitem())


atexit.register(remove_retired)  # before that of `process.py`, so that it runs after it


def make_worker_folder() -> WorkerFolder:
    """A new folder, held by this process until it ends. Removes what dead ones left first."""
    base = base_dir()
    workers, logs = base / "workers", base / "logs"
    workers.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(mode=0o700, exist_ok=True)
    with _locked(base):
        _purge(workers)
        _purge_logs(logs)
        worker_id = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        path = workers / worker_id
        path.mkdir(mode=0o700)
        lock = owner_lock(path)
        if not lock.acquire():
            raise WorkerStartError(f"{path} is held by another process.")
    _purge_former_folder()
    folder = WorkerFolder(path, logs / f"{worker_id}.log", lock)
    for sub in (folder.temp, folder.output, folder.user, folder.nodes):
        sub.mkdir(mode=0o700)
    return folder


@contextlib.contextmanager
def _locked(base: Path) -> Iterator[None]:
    """No other process makes or purges a worker's folder meanwhile."""
    lock = ProcessLock(base / "workers.lock")
    try:
        with lock:
            yield
    finally:
        lock.close()


def find_dead_workers() -> list[Path]:
    """The folders of workers whose owners are dead; nothing is touched."""
    return find_dead(folders_in(base_dir() / "workers"))


def purge_dead_workers() -> list[Path]:
    """Remove the folders of workers whose owners are dead, and end workers that outlived them."""
    base = base_dir()
    with _locked(base):
        return _purge(base / "workers")


def find_old_logs() -> list[Path]:
    """The logs of workers that were made to end or crashed, the newest first."""
    base = base_dir()
    found = sorted((base / "logs").glob("*.log"), key=_modified, reverse=True)
    return [path for path in found if not (base / "workers" / path.stem).exists()]


def _purge(workers: Path) -> list[Path]:
    """Remove the folders whose owners are dead, and end workers that outlived them."""
    removed = purge_dead(folders_in(workers), _remove_dead)
    for path in removed:
        log.info("Removed %s, which a dead process left.", path)
    return removed


def _remove_dead(path: Path, lock: OwnerLock) -> bool:
    life = Life.read(path / OWNER_NAME)
    if life is not None:
        end_leftovers(life)
    remove_journaled(path)
    return _remove(path, lock)


def _purge_former_folder() -> None:
    """What earlier versions left under the name that they gave to the user's temporary folder."""
    base = user_folders.former_temporary_folder()
    if base is None:
        return
    try:
        with _locked(base):
            _purge(base / "workers")
            if not folders_in(base / "workers"):
                shutil.rmtree(base, ignore_errors=True)
    except OSError as e:
        log.warning("%s, which an earlier version left, can't be purged: %s", base, e)


def _remove(path: Path, lock: OwnerLock, keep: Path | None = None) -> bool:
    """Remove a worker's folder; links in it are removed, never followed. Logs what stays.

    Args:
        keep: what stays of it, with the lock, which is kept then.
    """
    nodes = path / "nodes"
    if nodes.is_dir():
        for link in nodes.iterdir():
            unlink_folder(link)
    if keep is not None:
        empty_owned(path, lock, keep)
        return False
    is_gone = remove_owned(path, lock)
    if not is_gone:
        log.warning("%s could not be removed whole; the next start tries again.", path)
    return is_gone


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def link_folder(link: Path, target: Path) -> None:
    """Make `link` show the folder `target`: a symbolic link, or a junction, which needs no rights
    on Windows.
    """
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)


def unlink_folder(link: Path) -> None:
    """Remove what `link_folder` made, and only that."""
    try:
        if sys.platform == "win32":
            os.rmdir(link)
        else:
            link.unlink()
    except OSError as e:
        log.warning("The link %s could not be removed: %s", link, e)


def _purge_logs(logs: Path) -> None:
    """Keep the newest logs of crashed workers, and those of living ones."""
    found = sorted(logs.glob("*.log"), key=_modified, reverse=True)
    for path in found[KEPT_LOGS:]:
        if not (logs.parent / "workers" / path.stem).exists():
            _unlink(path)


def _modified(path: Path) -> float:
    """When a log was written to; 0 for one that its own worker has just removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        log.warning("%s could not be removed: %s", path, e)
