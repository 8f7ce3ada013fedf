"""Warm workers for tests: scripts that have one in turn, and the check that nothing is left.

All keepers that are found belong to this process of tests, whose temporary folder is its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector, WorkerOptions
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.worker.keeper.found_workers import find_workers, stop_workers
from custom_nodes.discomfort.worker.keeper.kept_process import KeptProcess
from custom_nodes.discomfort.worker.launch import worker_folder

from .servers import FAKE, STUB_NODES, wait_until, write_config


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def ends_keepers() -> Iterator[None]:
    """After the test: no keeper, no process of one and no folder that was not there before."""
    with keepers_end():
        yield


@contextlib.contextmanager
def keepers_end() -> Iterator[None]:
    """As `ends_keepers`, after the block."""
    before = _folders()
    yield
    keepers = [worker.keeper_pid for worker in find_workers()]
    stop_workers()
    while Script.made:
        Script.made.pop().end_as_a_script()
    wait_until(lambda: all(map(is_gone, keepers)), "the end of the keepers")
    wait_until(lambda: _is_purged(before), "the end of their folders")


def _is_purged(before: set[Path]) -> bool:
    worker_folder.purge_dead_workers()  # as the next start does
    return _folders() <= before


def _folders() -> set[Path]:
    place = worker_folder.base_dir() / "workers"
    return set(place.iterdir()) if place.is_dir() else set()


class Script(ComfyConnector):
    """What one script has: a connector that nobody shares.

    Args:
        keep_s: how long its worker waits for the next; None: it says nothing.
    """

    made: ClassVar[list[Script]] = []

    def __init__(
        self, folder: Path, comfyui: Path = FAKE, keep_s: float | None = 60.0, **options: Any
    ):
        path = write_config(folder, comfyui)
        options.setdefault("extra_custom_nodes", [STUB_NODES])
        super().__init__(
            load_config(WorkerConfig, path.name, path),
            WorkerOptions(keep_warm=keep_s, **options),
        )
        self.made.append(self)

    def end_as_a_script(self) -> None:
        """What the system does at the end of a process."""
        process = self._server.process if self._server else None
        wire = process._wire if isinstance(process, KeptProcess) else None
        if wire is not None:
            wire.close()

    @property
    def kept(self) -> KeptProcess:
        process = self._server.process if self._server else None
        assert isinstance(process, KeptProcess)
        return process

    @property
    def worker_pid(self) -> int:
        pid = self.kept.pid
        assert pid is not None
        return pid

    @property
    def keeper_pid(self) -> int:
        (found,) = [w.keeper_pid for w in find_workers() if w.pid == self.worker_pid]
        return found


def until_idle(pid: int) -> None:
    """Wait until the worker waits for the next script."""
    wait_until(
        lambda: any(w.pid == pid and w.state == "idle" for w in find_workers()),
        f"worker {pid} idle",
    )


def variables(**changed: str) -> dict[str, str]:
    """The environment of this process, with some variables set."""
    return {**os.environ, **changed}
