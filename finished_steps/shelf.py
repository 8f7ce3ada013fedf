"""The folder of finished steps: records and blocks, written whole, read with their checksums.

    steps/<key>.json    what a step gave; its time of change is when it was used last
    values/<name>       blocks as contexts have them; the name says what is in it
    drafts/<random>/    what a process is writing
    lock                of who puts something in its place, or removes it

Reading takes no lock. What a record names may be removed meanwhile: then the step is not there.
What is open stays readable.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import CorruptValueError
from ..store.blocks.file_blocks import FileBlocks
from ..store.receipt import Receipt
from ..system.files import write_file
from ..system.locks import ProcessLock
from ..system.plain_files import read_plain
from ..system.user_folders import make_private
from .content import Content
from .drafts import Drafts
from .record import Record, is_key, read_record
from .room import Kept

log = logging.getLogger("discomfort.finished_steps")

_SUFFIX = ".json"
_REMEMBERED = 10_000  # blocks that were checked


class Stamp(NamedTuple):
    """The state of a block's file that was checked."""

    inode: int
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: str | Path) -> Stamp:
        about = os.stat(path)
        return cls(about.st_ino, about.st_size, about.st_mtime_ns)


class Shelf:
    """One such folder, as one process sees it. Threads may share it.

    Args:
        folder: it and its parts are made by `prepare`.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.blocks = FileBlocks(folder / "values")
        self.drafts = Drafts(folder / "drafts")
        self.lock = ProcessLock(folder / "lock")
        self._steps = folder / "steps"
        self._checked: dict[str, Stamp] = {}

    def prepare(self) -> None:
        """
        Raises:
            NotOurFolder: it, or one of its parts, is another user's, or a link.
            OSError: it can't be made.
        """
        for part in (self.folder, self._steps, self.blocks.folder, self.folder / "drafts"):
            make_private(part, "XDG_CACHE_HOME")

    def close(self) -> None:
        self.drafts.close()
        self.lock.close()

    # -- reading ------------------------------------------------------------------------------

    def read(self, key: str) -> Record | None:
        """What the record of a step says; a damaged one is removed.

        Raises:
            OSError: it can't be read.
        """
        path = self._record_path(key)
        try:
            data = read_plain(path)
        except FileNotFoundError:
            return None
        record = read_record(data, key)
        if record is None:
            log.debug("%s is damaged, or of another version: removed", path)
            self._remove(path)
        return record

    def open(self, receipt: Receipt) -> memoryview | None:
        """A private view of a block, None where it is gone or damaged; a damaged one is removed.

        It is checked in the foreground, once in a process for each state of its file: CRC-32 does
        7 GB/s here, and a check behind the caller's back would come after the wrong value.

        Raises:
            OSError: it can't be read.
        """
        path = self.blocks.locate(receipt.version)
        try:
            stamp = Stamp.of(path)
            view = self.blocks.open(receipt.version)
            is_same = Stamp.of(path) == stamp
        except FileNotFoundError:
            return None
        except CorruptValueError:  # it became shorter just now
            return None
        if is_same and self._checked.get(receipt.version) == stamp:
            return view
        if len(view) != receipt.size_bytes or zlib.crc32(view) != receipt.checksum:
            log.debug("%s is damaged: removed", path)
            self._remove(path)
            return None
        if is_same:
            self._note_checked(receipt.version, stamp)
        return view

    def _note_checked(self, name: str, stamp: Stamp) -> None:
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()  # they are checked once more
        self._checked[name] = stamp

    def link(self, receipt: Receipt, target: str) -> bool:
        """Give a block that was checked a second name elsewhere; False: there it must be copied."""
        path = self.blocks.locate(receipt.version)
        checked = self._checked.get(receipt.version)
        if checked is None:
            return False
        try:
            os.link(path, target)
        except FileExistsError:
            raise
        except OSError:  # another disk, a file system without links, evicted meanwhile
            return False
        if Stamp.of(target) != checked:  # it is another file by now
            os.unlink(target)
            return False
        os.utime(target)  # who sweeps there spares what is young and has no receipt yet
        self._note_checked(receipt.version, Stamp.of(target))
        return True

    # -- writing ------------------------------------------------------------------------------

    def has(self, receipt: Receipt) -> bool:
        """Whether a block is in its place, and whole."""
        try:
            return self.open(receipt) is not None
        except OSError:
            return False

    def write_draft(self, content: Content) -> Path:
        """
        Raises:
            OSError: it can't be written; nothing of it is left.
        """
        blocks = self.drafts.blocks()
        blocks.create(content.name, content.value, content.is_list)
        return Path(blocks.locate(content.name))

    def commit(self, record: Record, data: bytes, drafts: Mapping[str, Path]) -> bool:
        """Put drafts in their places, and then the record that names them.

        Args:
            data: the record, written.
            drafts: by the names that the blocks are to have.

        Returns:
            False: a block that was there is not, by now.

        Raises:
            OSError: it can't be written; nothing of it is left.
        """
        path, placed = self._record_path(record.key), list[str]()
        with self.lock:
            try:
                for name, size in record.blocks().items():
                    place = self.blocks.locate(name)
                    if _size_of(place) == size:
                        continue
                    if name not in drafts:
                        return False
                    os.replace(drafts[name], place)
                    placed.append(place)
                write_file(path, lambda file: file.write(data), is_private=True)
            except BaseException:
                for place in placed:
                    self._remove(place)
                raise
        return True

    def note_use(self, key: str, used_ns: int) -> None:
        with contextlib.suppress(OSError):
            os.utime(self._record_path(key), ns=(used_ns, used_ns))

    # -- what is there ------------------------------------------------------------------------

    def sizes(self) -> tuple[list[int], list[int], int]:
        """The sizes of all records, and of all blocks, and when the latest use was."""
        records = [about for _, about in self._records()]
        blocks = [about.st_size for _, about in _files_in(self.blocks.folder)]
        latest = max((about.st_mtime_ns for about in records), default=0)
        return [about.st_size for about in records], blocks, latest

    def kept(self) -> Iterator[tuple[Kept, Record]]:
        """All steps that have all their blocks; the records of others are removed.

        The caller has the lock.
        """
        there = {name for name, _ in _files_in(self.blocks.folder)}
        for key, about in self._records():
            with contextlib.suppress(OSError):
                record = self.read(key)
                if record is None:
                    continue
                if record.blocks().keys() <= there:
                    yield Kept(key, about.st_mtime_ns, about.st_size, record.blocks()), record
                else:
                    self.remove([key])

    def _records(self) -> Iterator[tuple[str, os.stat_result]]:
        for name, about in _files_in(self._steps):
            key = name.removesuffix(_SUFFIX)
            if name.endswith(_SUFFIX) and is_key(key):
                yield key, about

    def free_bytes(self) -> int:
        """What the disk has left."""
        return shutil.disk_usage(self.folder).free

    # -- removing -----------------------------------------------------------------------------

    def remove(self, keys: Collection[str]) -> None:
        """Remove records; `sweep` removes their blocks."""
        for key in keys:
            self._remove(self._record_path(key))

    def sweep(self, named: Collection[str]) -> int:
        """Remove all blocks but these, and what killed processes left; returns the bytes that went.

        The caller has the lock. What Windows won't let go, since it is being read, stays for the
        next time.
        """
        freed = 0
        for name, about in _files_in(self.blocks.folder):
            if name not in named and self._remove(self.blocks.locate(name)):
                freed += about.st_size
        for name, _ in _files_in(self._steps):
            if not (name.endswith(_SUFFIX) and is_key(name.removesuffix(_SUFFIX))):
                self._remove(self._steps / name)  # a draft of `write_file`
        self.drafts.purge()
        return freed

    def _record_path(self, key: str) -> Path:
        return self._steps / (key + _SUFFIX)

    @staticmethod
    def _remove(path: str | Path) -> bool:
        try:
            os.unlink(path)
        except OSError:
            return False
        return True


def _size_of(path: str) -> int | None:
    """Of a plain file; None: there is none."""
    try:
        about = os.lstat(path)
    except OSError:
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _files_in(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # removed meanwhile
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False)
