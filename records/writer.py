"""Writes one record to disk while its runs go on. A run never waits for it, and never fails for it.

Lines are written at once, so that a killed process loses none; pictures are made in a thread, and
left out when it can't keep up.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..system.files import write_all, write_file, written_beside
from ..system.owned_folders import owner_lock
from .archive import LINES_NAME, new_record_id, purge, records_dir
from .record_file import FORMAT, make_line, parse_lines
from .table import is_in_row, row_of
from .thumbnails import make_thumbnail

log = logging.getLogger("discomfort.records")

KEPT_STEPS = 2000
KEPT_PICTURE_BYTES = 24 << 20
# Of values that wait for their picture, which the store keeps meanwhile.
_WAITING_BYTES = 64 << 20
_OPEN = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class RecordWriter:
    """One record, held by this process until `close`, garbage collection or the process's end.

    Args:
        title: what people see in the list.
        root: the folder of records; None: the user's own.
        calls_before: how many calls of `run()` were made before, which it does not have.

    Raises:
        OSError, StoreError: the folder can't be made.
    """

    def __init__(self, title: str, root: Path | None = None, calls_before: int = 0):
        root = records_dir() if root is None else root
        now = time.time()
        record_id = new_record_id(time.strftime("%Y%m%d-%H%M%S", time.localtime(now)))
        self.folder = root / record_id
        self.folder.mkdir(mode=0o700)
        self._state = _State(self.folder)
        self._finalizer = weakref.finalize(self, _State.close, self._state)
        head = {"k": "record", "format": FORMAT, "id": record_id, "title": title, "t": now}
        head |= {"pid": os.getpid(), "calls_before": calls_before}
        self.write(make_line(head))
        self._state.later(lambda: purge(root))

    @property
    def record_id(self) -> str:
        return self.folder.name

    def write(self, line: bytes) -> None:
        """Append a line."""
        self._state.write(line)

    def write_workflow(self, digest: str, data: Mapping[str, Any]) -> None:
        """Keep a workflow as it was given."""
        path = self.folder / f"{digest}.json"
        self._state.later(lambda: _write_private(path, data))

    def write_picture(self, version: str, size_bytes: int, load: Callable[[], Any]) -> None:
        """Make and keep the small picture of a value, if it is one; `load` gives the value. Left
        out when too much waits already.
        """
        state = self._state
        state.later(lambda: state.write_picture(version, load), size_bytes)

    def settle(self) -> None:
        """Wait for the pictures that are being made."""
        self._state.settle()

    def close(self) -> None:
        """End in good order. Safe to call twice."""
        self._finalizer()


class _State:
    """All but the owner's handle, so that garbage collection of that one can close this."""

    def __init__(self, folder: Path):
        self.folder, self.pid = folder, os.getpid()
        self._lock = threading.RLock()
        self._owner = owner_lock(folder)
        deadline = time.monotonic() + 1
        while not self._owner.acquire():  # another process just asks whether we live
            if time.monotonic() > deadline:
                raise OSError(f"The record {folder} is held by another process.")
            time.sleep(0.001)
        self._fd: int | None = os.open(folder / LINES_NAME, _OPEN, 0o600)
        self._pictures_name = "pictures.0"
        self._picture_bytes = 0
        self._pictured: dict[str, None] = {}
        self._steps = 0
        self._jobs: queue.Queue[tuple[Callable[[], Any] | None, int]] = queue.Queue()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None

    def write(self, line: bytes) -> None:
        with self._lock:
            if self._fd is None or os.getpid() != self.pid:
                return
            try:
                os.write(self._fd, line)
            except OSError as e:
                self._give_up(e)
                return
            if line.startswith((b'{"k":"step"', b'{"k":"end"')):
                self._steps += 1
                if self._steps > KEPT_STEPS * 2:
                    self._steps = 0
                    self.later(self.trim)

    def later(self, job: Callable[[], Any], size_bytes: int = 0) -> None:
        """Have it done in the thread. What holds memory is left out while much is held."""
        with self._lock:
            is_too_much = self._waiting_bytes + size_bytes > _WAITING_BYTES
            if self._fd is None or (is_too_much and size_bytes and self._waiting_bytes):
                return
            self._waiting_bytes += size_bytes
            self._jobs.put((job, size_bytes))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="discomfort-record", daemon=True
                )
                self._thread.start()

    def _work(self) -> None:
        while True:
            job, size_bytes = self._jobs.get()
            if job is None:
                return
            try:
                job()
            except OSError as e:
                self._give_up(e)
            except Exception as e:  # a value that can't be read, or is no picture after all
                log.debug("left out of the record %s: %r", self.folder.name, e)
            finally:
                del job  # and with it the value
                with self._lock:
                    self._waiting_bytes -= size_bytes
                self._jobs.task_done()

    def write_picture(self, version: str, load: Callable[[], Any]) -> None:
        if version in self._pictured:
            return
        try:
            thumbnail = make_thumbnail(load())
        except OSError as e:  # the value's file is gone: no reason to end the record
            raise ValueError(str(e)) from e
        if thumbnail is None:
            return
        data = thumbnail.data
        with self._lock:
            if self._fd is None:
                return
            _append(self.folder / self._pictures_name, data)
            where = {"file": self._pictures_name, "at": self._picture_bytes, "bytes": len(data)}
            self._picture_bytes += len(data)
            self._pictured[version] = None
            entry = {"k": "picture", "version": version, **where, **thumbnail.about()}
            self.write(make_line(entry))
        if self._picture_bytes > KEPT_PICTURE_BYTES * 3 // 2:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest steps and pictures. Readers see the old files or the new ones."""
        with self._lock:
            if self._fd is None:
                return
            path = self.folder / LINES_NAME
            old_name, number = self._pictures_name, int(self._pictures_name.split(".")[1])
            old = self.folder / old_name
            pictures = old.read_bytes() if old.exists() else b""
            new_name = f"pictures.{number + 1}"
            kept, new_pictures = trim_entries(
                parse_lines(path.read_bytes()), pictures, old_name, new_name
            )
            _append(self.folder / new_name, new_pictures)
            lines = b"".join(map(make_line, kept))
            try:
                with written_beside(path) as draft:
                    _append(draft, lines)
                    os.close(self._fd)  # Windows replaces no file that is open
            except PermissionError:  # Windows: it is just being read; the next time, then
                (self.folder / new_name).unlink()
                new_name, new_pictures = old_name, pictures
            else:
                with contextlib.suppress(OSError):
                    old.unlink()
            self._fd = os.open(path, _OPEN, 0o600)
            self._pictures_name, self._picture_bytes = new_name, len(new_pictures)
            self._steps = sum(e["k"] in ("step", "end") for e in kept)
            self._pictured = {e["version"]: None for e in kept if e["k"] == "picture"}

    def _give_up(self, error: OSError) -> None:
        advice = "Runs go on; make room on the disk to have them recorded."
        log.warning("The record %s ends here (%s). %s", self.folder, error, advice)
        with self._lock:
            fd, self._fd = self._fd, None
            if fd is not None:
                os.close(fd)

    def settle(self) -> None:
        if self._thread is not None and os.getpid() == self.pid:
            self._jobs.join()

    def close(self) -> None:
        if os.getpid() != self.pid:  # a forked child: the record is the parent's
            return
        self.settle()
        self.write(make_line({"k": "closed", "t": time.time()}))
        if self._thread is not None:
            self._jobs.put((None, 0))
            self._thread.join()
        with self._lock:
            fd, self._fd = self._fd, None
            if fd is not None:
                os.close(fd)
        self._owner.release()


def trim_entries(
    entries: list[dict[str, Any]], pictures: bytes, old_name: str, new_name: str
) -> tuple[list[dict[str, Any]], bytes]:
    """The newest iterations and pictures, and the file of these.

    Args:
        pictures: the bytes of the file `old_name`; those that are kept go to `new_name`.
    """
    in_rows = [e for e in entries if is_in_row(e)]
    # Whole iterations go: one that is only half there would be counted twice.
    dropped = {row_of(e) for e in in_rows[: max(0, len(in_rows) - KEPT_STEPS)]}
    calls = {e.get("call") for e in in_rows if row_of(e) not in dropped}
    calls.add(next((e.get("call") for e in reversed(entries) if e["k"] == "end"), None))
    ended = {e.get("call") for e in entries if e["k"] == "end"}
    room = KEPT_PICTURE_BYTES
    kept, parts, at = [], [], 0
    for e in reversed(entries):
        if e["k"] == "picture":
            room -= e["bytes"] if e.get("file") == old_name else room
            if room <= 0:
                continue
            parts.append(pictures[e["at"] : e["at"] + e["bytes"]])
        elif is_in_row(e):
            if row_of(e) in dropped:
                continue
        elif e["k"] in ("begin", "end"):
            if e.get("call") in ended and e.get("call") not in calls:
                continue
        elif e["k"] == "record":
            e = {**e, "dropped": e.get("dropped", 0) + len(dropped)}
        kept.append(e)
    kept.reverse()
    parts.reverse()
    for i, e in enumerate(kept):
        if e["k"] == "picture":
            kept[i] = {**e, "file": new_name, "at": at}
            at += e["bytes"]
    return kept, b"".join(parts)


def _append(path: Path, data: bytes) -> None:
    fd = os.open(path, _OPEN, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def _write_private(path: Path, data: Mapping[str, Any]) -> None:
    if not path.exists():
        text = json.dumps(data).encode("utf-8", "surrogatepass")
        write_file(path, lambda file: file.write(text), is_private=True)
