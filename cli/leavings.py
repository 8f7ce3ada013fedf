"""What processes that no longer live have left: found, and removed by those who know how."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..store import run_dir
from ..system.config import ContextConfig, load_config
from ..worker.launch import worker_folder

VALUES, WORKER, LOG = "values", "worker", "log"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A folder or file of a dead process. `kind`: "values", "worker" or "log"."""

    kind: str
    path: Path
    size_bytes: int


def find_leavings(with_logs: bool = False) -> list[Leaving]:
    """What is there now; nothing is touched. What a living process has is never among it.

    Args:
        with_logs: also what `find_logs` gives.
    """
    found = [_leaving(VALUES, path) for path in run_dir.find_dead_things(_contexts())]
    found += [_leaving(WORKER, path) for path in worker_folder.find_dead_workers()]
    return [*found, *find_logs()] if with_logs else found


def find_logs() -> list[Leaving]:
    """The logs of workers that crashed: errors have named them, and the newest stay."""
    return [_leaving(LOG, path) for path in worker_folder.find_old_logs()]


def remove_leavings(found: list[Leaving]) -> list[Leaving]:
    """Remove what is still a dead process's; gives what is gone."""
    run_dir.purge(_contexts())
    worker_folder.purge_dead_workers()
    for one in found:
        if one.kind == LOG:
            one.path.unlink(missing_ok=True)
    return [one for one in found if not os.path.lexists(one.path)]


def _contexts() -> Path:
    config = load_config(ContextConfig, "workflow_context.json")
    return run_dir.contexts_dir(config.CONTEXTS_DIR_NAME)


def _leaving(kind: str, path: Path) -> Leaving:
    return Leaving(kind, path, _size_of(path))


def _size_of(path: Path) -> int:
    """All that is in it; links are not followed."""
    try:
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size
        return sum(_size_of(Path(entry.path)) for entry in os.scandir(path))
    except OSError:  # somebody else removes it just now
        return 0
