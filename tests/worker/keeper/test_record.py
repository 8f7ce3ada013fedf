"""The file that says where a keeper is: believed while its very process lives, else removed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from custom_nodes.discomfort.system.processes import started_at
from custom_nodes.discomfort.worker.keeper import record as records
from custom_nodes.discomfort.worker.keeper.record import (
    RECORD_NAME,
    KeeperRecord,
    find_keepers,
    write_record,
)
from custom_nodes.discomfort.worker.launch.worker_folder import WorkerFolder, make_worker_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")


@pytest.fixture
def folder() -> Iterator[WorkerFolder]:
    """A worker's folder that this process owns."""
    folder = make_worker_folder()
    yield folder
    folder.remove(with_log=True)


def record_of(pid: int, started: float) -> KeeperRecord:
    return KeeperRecord(
        pid=pid,
        started=started,
        worker_pid=pid,
        comfyui="/comfyui",
        address=["unix", "/nowhere"],
        secret="s" * 64,
        place="p",
        sources="s",
        packs=[],
        packs_stamp="",
    )


def own_record() -> KeeperRecord:
    return record_of(os.getpid(), started_at(os.getpid()) or 0.0)


def test_record_of_a_living_keeper_is_found_and_private(folder: WorkerFolder):
    write_record(folder.path, own_record())
    (found,) = find_keepers()
    assert found.record == own_record() and found.folder == folder.path
    assert os.name == "nt" or (folder.path / RECORD_NAME).stat().st_mode & 0o777 == 0o600
    assert "s" * 64 not in repr(found.record)


def _change(**changed: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    return change


def _link(path: Path) -> None:
    other = path.with_name("other.json")
    path.rename(other)
    path.symlink_to(other)


def _unlock(path: Path) -> None:
    path.chmod(0o644)


def _give_away(path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


LIES = [
    pytest.param(_change(started=1.0), id="recycled pid"),
    pytest.param(_change(pid=0), id="no pid"),
    pytest.param(_change(pid=-1), id="all processes"),
    pytest.param(_change(pid="1"), id="pid is text"),
    pytest.param(_change(pid=2**70), id="pid too large"),
    pytest.param(_change(started=None), id="no start"),
    pytest.param(_change(secret=None), id="no secret"),
    pytest.param(_change(address=["unix"]), id="half an address"),
    pytest.param(_change(packs=[1]), id="packs are numbers"),
    pytest.param(lambda path: path.write_text("[1]"), id="a list"),
    pytest.param(lambda path: path.write_text("{"), id="no JSON"),
    pytest.param(lambda path: path.write_bytes(b"\xff\xfe" * 99), id="bytes"),
    pytest.param(lambda path: path.write_text("[" * 100_000), id="nested too deeply"),
    pytest.param(_link, id="a link", marks=posix),
    pytest.param(_unlock, id="readable by others", marks=posix),
    pytest.param(_give_away, id="another user's", marks=posix),
    pytest.param(_pipe, id="a pipe", marks=posix),
]


@pytest.mark.parametrize("lie", LIES)
def test_file_that_can_not_be_believed_is_removed(
    folder: WorkerFolder, lie: Callable[[Path], None]
):
    write_record(folder.path, own_record())
    lie(folder.path / RECORD_NAME)
    assert find_keepers() == []
    assert not os.path.lexists(folder.path / RECORD_NAME)


def test_record_whose_keeper_has_ended_is_removed(folder: WorkerFolder):
    dead = psutil.Popen([sys.executable, "-c", ""])
    started = started_at(dead.pid) or 0.0
    dead.wait()
    write_record(folder.path, record_of(dead.pid, started))
    assert find_keepers() == []
    assert not (folder.path / RECORD_NAME).exists()


def test_folder_whose_owner_is_dead_goes_with_its_record():
    dead = make_worker_folder()
    write_record(dead.path, own_record())
    dead._lock.release(remove=False)  # what the system does when the owner dies
    assert find_keepers() == []
    assert not dead.path.exists()


def test_record_of_another_version_is_left_alone(folder: WorkerFolder):
    write_record(folder.path, own_record())
    _change(format=2)(folder.path / RECORD_NAME)
    assert find_keepers() == []
    assert (folder.path / RECORD_NAME).exists()


def test_workers_that_are_not_kept_have_no_record(folder: WorkerFolder):
    assert find_keepers() == [] and folder.path.is_dir()
    assert records.RECORD_NAME not in os.listdir(folder.path)
