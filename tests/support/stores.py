"""Tests of store and context run in folders of their own, and leave nothing: no process, block,
folder or file handle. The `conftest.py` of both takes the fixtures from here.
"""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.workflow_context import WorkflowContext

from .programs import Program

DEADLINE_S = 60
T = TypeVar("T")
# For tests that look at the files of shared memory, or damage them.
shm_files = pytest.mark.skipif(
    not base.SHM_DIR.is_dir(), reason="no file system here; test_named_blocks has its blocks"
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary and data folders of this test's own; child processes inherit them."""
    temp = tmp_path / "temp"
    temp.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temp))
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    return temp


@pytest.fixture(autouse=True)
def nothing_left(own_folders: Path) -> Iterator[None]:
    """The one check after every test of the store."""
    before, files, children = shared_memory(), open_files(), child_processes()
    yield
    gc.collect()
    # A server that tests share may start a program for a moment.
    left = once_settled(lambda: child_processes() - children)
    assert not left, f"child processes are left: {left}"
    # Another program's block may be seen a moment before its owner's lock.
    left = once_settled(lambda: ours(shared_memory() - before))
    assert not left, f"left in shared memory: {sorted(left)}"
    folders = list(own_folders.glob("discomfort-*/*/*"))
    assert not folders, f"left in the temporary folder: {folders}"
    # The threads that watch a server which tests share open files of /proc for a moment.
    left = once_settled(lambda: open_files() - files)
    assert not left, f"files are left open: {left}"


def once_settled(look: Callable[[], T]) -> T:
    """What is seen in the end, at most 20 s later, if not nothing."""
    deadline = time.monotonic() + 20
    while (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


def shared_memory() -> set[str]:
    if not base.SHM_DIR.is_dir():
        return set()
    return {n for n in os.listdir(base.SHM_DIR) if n.startswith(base.PREFIX)}


def own_blocks() -> set[str]:
    """Blocks of this process, or of programs that ended: tests in another one have theirs."""
    return ours(shared_memory())


def ours(names: set[str]) -> set[str]:
    """Without what belongs to other living programs on this machine."""
    if not names:
        return set()
    holders = {}
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.replace("-> ", "").split()
        holders[fields[5].rpartition(":")[2]] = int(fields[4])
    found = set()
    for name in names:
        token = name[len(base.PREFIX) :].partition("_")[0]
        try:
            inode = os.stat(base.SHM_DIR / (base.PREFIX + token)).st_ino
        except FileNotFoundError:
            inode = 0
        if holders.get(str(inode), os.getpid()) == os.getpid():
            found.add(name)
    return {name for name in found if (base.SHM_DIR / name).exists()}


def child_processes() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def open_files() -> Counter[str]:
    """How often each file is open, where the system shows it. No sockets: those are of servers
    that other tests share.
    """
    folder = Path("/proc/self/fd")
    names: Counter[str] = Counter()
    for entry in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # the one that lists the folder
            opened = os.readlink(entry)
            if not opened.startswith("socket:"):
                names[_kind_of(opened)] += 1
    return names


def _kind_of(opened: str) -> str:
    """Pipes and the like are counted together: their numbers tell nothing."""
    kind, _, number = opened.partition(":[")
    return kind if number else opened


def open_handles() -> int:
    return open_files().total()


@pytest.fixture
def context() -> Iterator[WorkflowContext]:
    with WorkflowContext(max_ram_gb=1) as context:
        yield context


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Start a program of tests/programs/store; none outlives the test."""
    running: list[Program] = []

    def run(name: str, *arguments: object, **options: str) -> Program:
        running.append(Program(f"store/{name}", *arguments, **options))
        return running[-1]

    yield run
    for program in running:
        if not program.has_ended:
            program.kill()


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen in {DEADLINE_S} s"
        time.sleep(0.005)
    return found
