"""Memory, shared memory and disk: whether there is room for values and results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from ...store.blocks import base
from ...worker.launch.find_comfyui import user_cache_dir
from ..sizes import size_text
from .finding import ERROR, OK, WARNING, Finding

_SMALL_SHM = 1e9
_LITTLE, _TOO_LITTLE = 5e9, 2e8


def look() -> Iterator[Finding]:
    """Of this machine, or of the container that this is."""
    memory = psutil.virtual_memory()
    text = f"Memory: {size_text(memory.available)} of {size_text(memory.total)} free."
    yield Finding("memory", OK, text)
    if base.is_shm_a_folder():
        usage = shutil.disk_usage(base.SHM_DIR)
        yield judge_shared_memory(usage.total, usage.free, str(base.SHM_DIR))
    for what, path, variable in (
        ("temporary files", Path(tempfile.gettempdir()), "TMPDIR"),
        ("the cache", user_cache_dir(), "XDG_CACHE_HOME"),
    ):
        place = next(p for p in (path, *path.parents) if p.is_dir())
        yield judge_disk(what, str(path), shutil.disk_usage(place).free, variable)


def judge_shared_memory(total: int, free: int, place: str) -> Finding:
    """Pictures and latents travel through it; what does not fit goes to disk. Pure."""
    text = f"Shared memory ({place}): {size_text(free)} of {size_text(total)} free."
    if total >= _SMALL_SHM:
        return Finding("shared_memory", OK, text)
    advice = "values that do not fit are kept on disk; faster is `docker run --shm-size=8g`"
    return Finding("shared_memory", WARNING, text, advice)


def judge_disk(what: str, place: str, free: int, variable: str) -> Finding:
    """Pure."""
    text = f"Disk for {what} ({place}): {size_text(free)} free."
    if free >= _LITTLE:
        return Finding("disk", OK, text)
    advice = f"make room, or set {variable} to a folder on another disk"
    return Finding("disk", ERROR if free < _TOO_LITTLE else WARNING, text, advice)
