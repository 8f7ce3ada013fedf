"""The worker's end of the store: loads versions, saves values. Runs inside the nested ComfyUI.

It keeps no receipts and takes no locks. `run_dir`, versions and orders come from
`handover.hand_over` in the master, which collects afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ContextNotFound, CorruptValueError, StoreError, StoreFullError
from . import run_dir
from .blocks import base, choose, file_blocks
from .encoding import codec

_BINARY = getattr(os, "O_BINARY", 0)


class Loaded(NamedTuple):
    value: Any
    is_list: bool


@lru_cache(maxsize=16)
def _blocks_of(folder: str) -> tuple[base.Blocks, file_blocks.FileBlocks]:
    """RAM and disk of one run's folder. Kept: on Windows our RAM blocks live as long as this."""
    path = Path(folder)
    return choose.ram_blocks(path), choose.disk_blocks(path)


def load(run_dir: str, version: str) -> Loaded:
    """Read one version of a value, without a copy where the system allows.

    Raises:
        CorruptValueError: it is neither in RAM nor on disk, or damaged.
    """
    ram, disk = _blocks_of(run_dir)
    # Twice: it may move from RAM to disk between the two looks.
    for blocks in (ram, disk, ram, disk):
        try:
            view = blocks.open(version)
        except FileNotFoundError:
            continue
        where = f"the stored value {blocks.locate(version)}"
        head = codec.read_header(view, where)
        if head.version == version:
            return Loaded(codec.decode(view, where=where, head=head), head.is_list)
    raise CorruptValueError(
        f"The value {version} is not in the store of {run_dir} any more: the context was closed, "
        "or the "
        "run that lent it has ended."
    )


def save(save_order: dict[str, Any], unique_id: str, value: Any, is_list: bool) -> None:
    """Write a value where the master will find it: the block first, then its receipt.

    Args:
        order: from the master: run_dir, token, nonce, use_ram, room (bytes of RAM it may take).
        is_list: the value is a ComfyUI list output, not one value.

    Raises:
        StoreFullError: neither RAM nor disk has room.
        TypeError: the value can't be stored.
    """
    try:
        encoded = codec.encode(value)
    except Exception as e:
        raise TypeError(
            f"The value of {unique_id!r} ({type(value).__name__}) can't be stored: {e} Set its "
            'ComfyUI type to "ref" in pass_by_rules.json: then the workflow that makes it is kept.'
        ) from e
    version = run_dir.new_version(save_order["token"])
    note = os.path.join(save_order["run_dir"], "handoff", f"{save_order['nonce']}.{version}")
    draft = note + ".part"
    # The draft names the block before it exists: if we are killed, the master knows what to remove.
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    except FileNotFoundError:
        raise ContextNotFound(
            f"The value of {unique_id!r} can't be saved: the context in {save_order['run_dir']} "
            "was closed."
        ) from None
    storage = None
    try:
        storage = _write(save_order, unique_id, version, encoded, is_list)
        receipt = {
            "unique_id": unique_id, "version": version, "size": encoded.total_bytes,
            "storage": storage, "pass_by": "val", "safe": encoded.is_safe, "is_list": is_list,
        }  # fmt: skip
        os.write(fd, json.dumps(receipt).encode())
        os.close(fd)
        fd = -1
        os.replace(draft, note + ".json")
        if storage == "ram" and sys.platform == "win32":
            _waiting[version] = note + ".json"
    except BaseException as e:
        if fd >= 0:
            os.close(fd)
        if storage is not None:
            _blocks_of(save_order["run_dir"])[storage == "disk"].free(version)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        if isinstance(e, FileNotFoundError):
            raise StoreError(
                f"The value of {unique_id!r} was not saved: the run was ended meanwhile."
            ) from e
        raise


_waiting: dict[str, str] = {}


def _let_go_of_taken(ram: base.Blocks) -> None:
    """Windows: a block that we made lives by our handle until the master has its own, and then the
    master has removed our note."""
    if sys.platform == "win32":
        for version, note in list(_waiting.items()):
            if not os.path.exists(note):
                del _waiting[version]
                ram.free(version)


_spent: OrderedDict[str, int] = OrderedDict()


def _write(
    save_order: dict[str, Any], unique_id: str, version: str, value: codec.Encoded, is_list: bool
) -> str:
    ram, disk = _blocks_of(save_order["run_dir"])
    _let_go_of_taken(ram)
    nonce, size = save_order["nonce"], value.total_bytes
    spent = _spent.get(nonce, 0)
    if save_order["use_ram"] and spent + size <= save_order["room"]:
        try:
            ram.create(version, value, is_list, save_order.get("spare", ()))
        except base.NoRoom:
            pass  # the memory file system is smaller than the limit
        else:
            _spent[nonce] = spent + size
            while len(_spent) > 64:
                _spent.popitem(last=False)
            return "ram"
    try:
        disk.create(version, value, is_list)
    except base.NoRoom as e:
        raise StoreFullError(
            e.errno,
            f"No room for the value of {unique_id!r} ({size} bytes): RAM left to this run "
            f"{max(0, save_order['room'] - spent)} bytes, disk {disk.room_bytes()} bytes",
        ) from e
    return "disk"
