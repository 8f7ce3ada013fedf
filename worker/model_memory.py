"""How much memory a worker's models take, and how much it could still get."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import psutil

from ..system.path_names import is_relative


def model_sizes(folders: Mapping[str, Iterable[str]], names: Iterable[str]) -> dict[str, int]:
    """Name of a model file, as nodes have it -> its bytes; without those that are not found.

    Args:
        folders: kind of model -> the folders in which ComfyUI looks for them.
    """
    sizes: dict[str, int] = {}
    places = {place for group in folders.values() for place in group}
    for name in filter(is_relative, names):  # they come with a prompt, which may be a stranger's
        for place in places:
            try:
                sizes[name] = max(sizes.get(name, 0), os.path.getsize(os.path.join(place, name)))
            except (OSError, ValueError):
                continue
    return sizes


def spare_address_bytes(pid: int) -> int | None:
    """What a limit on the process's address space leaves it; None without a limit."""
    try:
        process = psutil.Process(pid)
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        if limit == psutil.RLIM_INFINITY:
            return None
        return max(0, limit - process.memory_info().vms)
    except (psutil.Error, AttributeError):  # limits of other processes are a thing of Linux
        return None
