"""The worker's own folder, under the user's temporary directory, and the purge of dead owners'
ones.

    discomfort-<user>/workers/<id>/   temp, output, user, nodes (links), owner.json; held by a lock
    discomfort-<user>/logs/<id>.log   outlives a crash, so that errors can name it

Whoever holds `owner.lock` lives: a lock can't be mistaken for another's, as a recycled pid can.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from ...errors import WorkerStartError
from ..client.uploads import remove_journaled

log = logging.getLogger("discomfort.worker")

LOCK_NAME = "owner.lock"
OWNER_NAME = "owner.json"
KEPT_LOGS = 20
# psutil derives start times from the clock, which may be set in between.
_SAME_START_S = 5.0


def base_dir() -> Path:
    """The user's private folder of this package, made when absent (0700).

    Raises:
        WorkerStartError: somebody else owns the name.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    path = Path(tempfile.gettempdir()) / f"discomfort-{re.sub(r'[^A-Za-z0-9_.-]', '_', user)}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise WorkerStartError(
                f"{path} belongs to somebody else. Set TMPDIR to a folder of your own."
            )
        if about.st_mode & 0o077:
            path.chmod(0o700)
    return path


@dataclass(slots=True)
class WorkerFolder:
    """One worker's folder.

    `remove` it when the worker has ended; the log stays unless told otherwise.
    """

    path: Path
    log_path: Path
    _lock: FileLock = field(repr=False)

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
        about = {"worker_pid": pid, "started": _start_of(pid), "master_pid": os.getpid()}
        (self.path / OWNER_NAME).write_text(json.dumps(about), encoding="utf-8")

    def remove(self, with_log: bool) -> None:
        """Remove the folder, and the log if it is not needed any more. Never raises."""
        remove_tree(self.path, self._lock)
        if with_log:
            _unlink(self.log_path)


def make_worker_folder() -> WorkerFolder:
    """A new folder, held by this process until it ends. Removes what dead ones left first."""
    base = base_dir()
    workers, logs = base / "workers", base / "logs"
    workers.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(mode=0o700, exist_ok=True)
    with FileLock(base / "workers.lock"):
        purge(workers)
        _purge_logs(logs)
        worker_id = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        path = workers / worker_id
        path.mkdir(mode=0o700)
        # Another thread than the one that locks may release it.
        lock = FileLock(path / LOCK_NAME, thread_local=False)
        lock.acquire()
    folder = WorkerFolder(path, logs / f"{worker_id}.log", lock)
    for sub in (folder.temp, folder.output, folder.user, folder.nodes):
        sub.mkdir(mode=0o700)
    return folder


def purge(workers: Path) -> None:
    """Remove the folders whose owners are dead, and end workers that outlived them."""
    for path in workers.iterdir():
        if not path.is_dir():
            continue
        lock = FileLock(path / LOCK_NAME, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue  # its owner lives
        except OSError as e:
            log.warning("%s can't be purged: %s", path, e)
            continue
        _end_leftovers(path)
        remove_journaled(path)
        log.info("Removing %s, which a dead process left.", path)
        remove_tree(path, lock)


def _end_leftovers(path: Path) -> None:
    """Kill the worker of a dead master, and what its nodes started, if any of it still runs."""
    try:
        about = json.loads((path / OWNER_NAME).read_text(encoding="utf-8"))
        pid, started = int(about["worker_pid"]), float(about["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if hasattr(os, "getsid"):
        # The worker leads a session of its own: everything in that session is its.
        try:
            leader = psutil.Process(pid).create_time()
        except psutil.Error:
            leader = started
        if abs(leader - started) > _SAME_START_S:
            return  # the pid was given to somebody else
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) != pid or process.create_time() < started - _SAME_START_S:
                    continue
                os.kill(process.pid, signal.SIGKILL)
            except (OSError, psutil.Error):
                continue
        return
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - started) < _SAME_START_S:
            process.kill()
    except psutil.Error:
        pass


def _start_of(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return time.time()


def remove_tree(path: Path, lock: FileLock | None = None) -> None:
    """Remove a worker's folder; links in it are removed, never followed.

    Logs what can't be removed.
    """
    _tell_of_output(path / "output")
    nodes = path / "nodes"
    if nodes.is_dir():
        for link in nodes.iterdir():
            unlink_folder(link)
    if lock is not None:
        for child in path.iterdir() if path.is_dir() else ():  # somebody may have tidied up
            if child.name != LOCK_NAME:
                shutil.rmtree(child, ignore_errors=True) if child.is_dir() else _unlink(child)
        lock.release()
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        log.warning("%s could not be removed whole; the next start tries again.", path)


def _tell_of_output(output: Path) -> None:
    saved = sum(p.is_file() for p in output.rglob("*"))
    if saved:
        log.warning(
            "%d file(s) that nodes saved in %s are removed with the worker. To keep such files, "
            "set OUTPUT_DIRECTORY in comfy_serverless.json, or call "
            "Discomfort.create(output_directory=...).",
            saved,
            output,
        )


def link_folder(link: Path, target: Path) -> None:
    """Make `link` show the folder `target`: a symbolic link, on Windows a junction (needs no
    rights).
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
    """Keep the newest logs of crashed workers; those of living ones are among the newest, or in
    use.
    """
    found = sorted(logs.glob("*.log"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in found[KEPT_LOGS:]:
        if not (logs.parent / "workers" / path.stem).exists():
            _unlink(path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        log.warning("%s could not be removed: %s", path, e)
