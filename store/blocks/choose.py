"""Which blocks this system has for a context, and what they can do beyond the common part."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from . import base
from .base import Blocks, HoldsHandles, PinsBlocks, ReusesMemory
from .file_blocks import FileBlocks
from .named_blocks import PosixBlocks, WindowsBlocks
from .shared_files import SharedFiles


@dataclass(frozen=True, slots=True)
class Storages:
    """The two storages of a context, by the names that receipts have for them.

    Attributes:
        reusing, holding, ram_pinning, disk_pinning: the same blocks, where they can do that.
    """

    ram: Blocks
    disk: FileBlocks
    reusing: ReusesMemory | None
    holding: HoldsHandles | None
    ram_pinning: PinsBlocks | None
    disk_pinning: PinsBlocks

    def at(self, storage: str) -> Blocks:
        return self.ram if storage == "ram" else self.disk

    def pinning_at(self, storage: str) -> PinsBlocks | None:
        return self.ram_pinning if storage == "ram" else self.disk_pinning


def open_storages(context_folder: Path, is_synced: bool = False) -> Storages:
    """RAM and disk of the context in a folder.

    Args:
        is_synced: what goes to disk is written through before it counts as stored.
    """
    ram = ram_blocks(context_folder)
    disk = FileBlocks(context_folder / "values", is_synced=is_synced)
    # What not all kinds of blocks can do: only this place asks.
    return Storages(
        ram,
        disk,
        reusing=ram if isinstance(ram, ReusesMemory) else None,
        holding=ram if isinstance(ram, HoldsHandles) else None,
        ram_pinning=ram if isinstance(ram, PinsBlocks) else None,
        disk_pinning=disk,
    )


def ram_blocks(context_folder: Path) -> Blocks:
    """The shared memory of this system."""
    if sys.platform == "win32":
        return WindowsBlocks()
    if base.is_shm_a_folder():
        return SharedFiles(base.SHM_DIR)
    return PosixBlocks(context_folder / "made")
