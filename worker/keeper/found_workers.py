"""Lists the workers that keepers have, and ends them: what `discomfort workers` shows and does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from ...system.processes import is_running
from .record import FoundKeeper, find_keepers
from .start_keeper import ask_keeper

_END_WAIT_S = 30.0  # for a worker that must be killed
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class FoundWorker:
    """One worker that is kept.

    Attributes:
        pid: of ComfyUI.
        started: seconds since 1970.
        state: "held" by a script, "idle", or on the way between: "leaving", "taking", "ending";
            "silent" if its keeper does not answer.
        held_by: the process id of the script that has it.
        idle_since: seconds since 1970.
        left_s: seconds until it ends, if no script comes.
        memory_bytes: of ComfyUI's process; None: not known.
    """

    pid: int
    keeper_pid: int
    comfyui: str
    started: float
    state: str
    held_by: int | None
    idle_since: float | None
    left_s: float | None
    memory_bytes: int | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_workers() -> list[FoundWorker]:
    """The workers of this user that are kept. What dead keepers left is removed."""
    return [_look(found) for found in find_keepers()]


def stop_workers(pids: Iterable[int] | None = None) -> list[int]:
    """End kept workers at once, also those that a script has: it gets a WorkerDied.

    Args:
        pids: of the workers (or of their keepers). None: all.

    Returns:
        The process ids of the workers that have ended.

    Raises:
        ValueError: there is none of such a number; none is ended then.
    """
    keepers = find_keepers()
    if pids is not None:
        wanted = set(pids)
        known = {p for found in keepers for p in (found.record.pid, found.record.worker_pid)}
        if unknown := sorted(wanted - known):
            names = ", ".join(map(str, unknown))
            raise ValueError(
                f"There is no warm worker {names}. `discomfort workers` lists those that are there."
            )
        keepers = [f for f in keepers if {f.record.pid, f.record.worker_pid} & wanted]
    for found in keepers:
        if ask_keeper(found, "end") is None:
            _kill(found)
    deadline = time.monotonic() + _END_WAIT_S
    return [found.record.worker_pid for found in keepers if _has_ended(found, deadline)]


def _look(found: FoundKeeper) -> FoundWorker:
    record, about = found.record, ask_keeper(found, "about") or {}
    return FoundWorker(
        pid=record.worker_pid,
        keeper_pid=record.pid,
        comfyui=record.comfyui,
        started=record.started,
        state=str(about.get("state", "silent")),
        held_by=about.get("held_by"),
        idle_since=about.get("idle_since"),
        left_s=about.get("left_s"),
        memory_bytes=_memory_of(record.worker_pid),
    )


def _memory_of(pid: int) -> int | None:
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None


def _kill(found: FoundKeeper) -> None:
    """A keeper that does not answer, with which the system ends the worker."""
    if is_running(found.record.pid, found.record.started):
        try:
            psutil.Process(found.record.pid).kill()
        except psutil.Error:
            return


def _has_ended(found: FoundKeeper, deadline: float) -> bool:
    pid = found.record.worker_pid
    while True:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
