"""How much RAM is free, as the data store and the choice of the models that are kept ask it."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def free_ram_bytes() -> int:
    """RAM that is free for this process: the system's, or less where a container is limited."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        if limit != "max":
            free = min(free, max(0, int(limit) - used))
    except (OSError, ValueError):
        pass  # no control group of the second kind: the system's figure holds
    return free
