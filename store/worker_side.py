"""The worker's end of the store: loads versions, saves values. Runs inside the nested ComfyUI.

It keeps no receipts and takes no locks. Folder, versions and orders come from `context/handoff.py`
in the master, which collects afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import (
    ContextNotFound,
    CorruptValueError,
    ForeignFolderError,
    StoreError,
    StoreFullError,
)
from ..system.config import ContextConfig
from . import context_folder, run_dir
from .blocks.base import BINARY, Blocks, NoRoom
from .blocks.choose import Storages, open_storages
from .encoding import codec
from .encoding.layout import Encoded, read_header
from .receipt import Receipt
from .save_order import SaveOrder
from .versions import is_name, new_version

_KEPT_RUNS = 64


class Loaded(NamedTuple):
    value: Any
    is_list: bool


_contexts: set[Path] = set()  # the folders whose contexts runs had here


@lru_cache(maxsize=16)
def _storages_of(folder: str) -> Storages:
    """RAM and disk of one run's folder.

    Raises:
        ContextNotFound, ForeignFolderError: see `context_folder.check_named`.
    """
    checked = context_folder.check_named(folder)
    _contexts.add(checked.parent)
    return open_storages(checked)


def load(run_dir: str, version: str) -> Loaded:
    """Read one version of a value, without a copy where the system allows.

    Args:
        run_dir: as the prompt names it, which may be a stranger's.

    Raises:
        CorruptValueError: it is neither in RAM nor on disk, or damaged.
        ForeignFolderError: the folder is none of this user's contexts, or the version is no name.
    """
    if not is_name(version):
        raise ForeignFolderError(f"{version!r} is no version of a value. {context_folder.ADVICE}")
    try:
        storages = _storages_of(run_dir)
    except ContextNotFound:
        raise _gone(run_dir, version) from None
    ram, disk = storages.ram, storages.disk
    # Twice: it may move from RAM to disk between the two looks.
    for blocks in (ram, disk, ram, disk):
        try:
            view = blocks.open(version)
        except FileNotFoundError:
            continue
        where = f"the stored value {blocks.locate(version)}"
        head = read_header(view, where)
        if head.version == version:
            return Loaded(codec.decode(view, where=where, head=head), head.is_list)
    raise _gone(run_dir, version)


def _gone(run_dir: str, version: str) -> CorruptValueError:
    return CorruptValueError(
        f"The value {version} is not in the store of {run_dir} any more: the context was closed, "
        "or the run that lent it has ended."
    )


def save(order: SaveOrder, unique_id: str, value: Any, is_list: bool) -> None:
    """Write a value where the master will find it: the block first, then its receipt.

    Args:
        order: from the master.
        is_list: the value is a ComfyUI list output, not one value.

    Raises:
        StoreFullError: neither RAM nor disk has room.
        TypeError: the value can't be stored.
        ForeignFolderError: the folder is none of this user's contexts.
    """
    try:
        storages = _storages_of(order.run_dir)
    except ContextNotFound:
        raise _closed(order.run_dir, unique_id) from None
    _let_go_of_taken()
    encoded = _encode(unique_id, value)
    version = new_version(order.token)
    with _Draft(order, unique_id, version) as draft:
        storage = _write(storages, order, unique_id, version, encoded, is_list)
        receipt = Receipt(
            unique_id,
            version,
            encoded.total_bytes,
            storage,
            is_safe=encoded.is_safe,
            is_list=is_list,
        )
        try:
            draft.publish(receipt)
        except BaseException:
            storages.at(storage).free(version)
            raise
        if storage == "ram" and storages.holding is not None:
            _waiting[version] = _Held(draft.published, storages.ram)


def _encode(unique_id: str, value: Any) -> Encoded:
    try:
        return codec.encode(value)
    except Exception as e:
        raise TypeError(
            f"The value of {unique_id!r} ({type(value).__name__}) can't be stored: {e} Set its "
            'ComfyUI type to "ref" in pass_by_rules.json: then the workflow that makes it is kept.'
        ) from e


def _closed(run_dir: str, unique_id: str) -> ContextNotFound:
    return ContextNotFound(
        f"The value of {unique_id!r} can't be saved: the context in {run_dir} was closed."
    )


class _Draft:
    """The note of one save, which names its block from before that exists: if we are killed, the
    master knows what to remove.

    Raises:
        ContextNotFound: the context was closed.
        StoreError: the run was ended while the value was written; the note is gone.
    """

    def __init__(self, order: SaveOrder, unique_id: str, version: str):
        self._run_dir, self._unique_id = order.run_dir, unique_id
        note = os.path.join(order.run_dir, "handoff", f"{order.nonce}.{version}")
        self._draft, self.published = note + ".part", note + ".json"
        self._fd = -1

    def __enter__(self) -> _Draft:
        try:
            self._fd = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        except FileNotFoundError:
            raise _closed(self._run_dir, self._unique_id) from None
        return self

    def publish(self, receipt: Receipt) -> None:
        """Have the master find the value."""
        data = {"unique_id": receipt.unique_id, **receipt.to_json(), "is_list": receipt.is_list}
        os.write(self._fd, json.dumps(data).encode())
        self._close()
        os.replace(self._draft, self.published)

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._close()
        if error is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._draft)
        if isinstance(error, FileNotFoundError):
            raise StoreError(
                f"The value of {self._unique_id!r} was not saved: the run was ended meanwhile."
            ) from error


class _Held(NamedTuple):
    """Windows: a block that we made lives by our handle until the master has its own, and then the
    master has removed our note. Its folder's blocks stay open for as long.
    """

    note: str
    blocks: Blocks


_waiting: dict[str, _Held] = {}  # by version


def _let_go_of_taken() -> None:
    for version, held in list(_waiting.items()):
        if not os.path.exists(held.note):
            del _waiting[version]
            held.blocks.free(version)


def forget_runs() -> None:
    """Let go of the folders and blocks of all runs that were, and remove those of dead masters."""
    for version, held in list(_waiting.items()):
        del _waiting[version]
        held.blocks.free(version)
    _spent.clear()
    _storages_of.cache_clear()
    # Also of one that was killed before its first run had come here.
    usual = run_dir.contexts_dir(ContextConfig().CONTEXTS_DIR_NAME)
    for contexts in {usual, *_contexts}:
        if contexts.resolve() != run_dir.durable_dir().resolve():
            run_dir.purge(contexts)
    _contexts.clear()


_spent: OrderedDict[str, int] = OrderedDict()  # nonce -> bytes of RAM


def _write(
    storages: Storages,
    order: SaveOrder,
    unique_id: str,
    version: str,
    value: Encoded,
    is_list: bool,
) -> str:
    """Write a block where there is room; returns "ram" or "disk"."""
    ram, disk, reusing = storages.ram, storages.disk, storages.reusing
    size, spent = value.total_bytes, _spent.get(order.nonce, 0)
    if order.use_ram and spent + size <= order.room_bytes:
        try:
            if reusing is None:
                ram.create(version, value, is_list)
            else:
                reusing.create_in(order.spare, version, value, is_list)
        except NoRoom:
            pass  # the memory file system is smaller than the limit
        else:
            _spent[order.nonce] = spent + size
            while len(_spent) > _KEPT_RUNS:
                _spent.popitem(last=False)
            return "ram"
    try:
        disk.create(version, value, is_list)
    except NoRoom as e:
        raise StoreFullError(
            e.errno,
            f"No room for the value of {unique_id!r} ({size} bytes): RAM left to this run "
            f"{max(0, order.room_bytes - spent)} bytes, disk {disk.room_bytes()} bytes",
        ) from e
    return "disk"
