"""Which kind of blocks a context has: the shared memory of this system, and files on disk."""

from __future__ import annotations

import sys
from pathlib import Path

from . import base
from .file_blocks import FileBlocks
from .named_blocks import PosixBlocks, WindowsBlocks


def ram_blocks(run_dir: Path, pool_bytes: int = 0) -> base.Blocks:
    """The shared memory of this system, for the context in `run_dir`."""
    if sys.platform == "win32":
        return WindowsBlocks()
    if base.SHM_DIR.is_dir():
        return FileBlocks(base.SHM_DIR, base.PREFIX, is_ram=True, pool_bytes=pool_bytes)
    return PosixBlocks(run_dir / "made")


def disk_blocks(run_dir: Path, fsync: bool = False) -> FileBlocks:
    """Files in the context's folder."""
    return FileBlocks(run_dir / "values", "", is_ram=False, fsync=fsync)
