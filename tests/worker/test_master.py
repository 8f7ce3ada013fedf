"""The worker ends with its master, however that one ends; the next start removes what it left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.worker.launch import worker_folder
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.programs import Program
from support.servers import FAKE, Server, real_servers, require, wait_until, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

NO_TORCH = ["--misbehave", "no-torch"]  # its import would be most of the time


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def folders_of(pid: int) -> list[Path]:
    return list((worker_folder.base_dir() / "workers").glob(f"{pid}-*"))


def purge_now() -> None:
    """What the next start does first."""
    folder = worker_folder.make_worker_folder()
    folder.remove(with_log=True)


def assert_kill_leaves_nothing(config: Path, delay_s: float) -> None:
    """Kill a script that carries a value from run to run: nothing is left of it."""
    program = Program("worker/carry_a_value", config)
    pid = program.worker_pid()
    token, folder = program.line(), program.line()
    with contextlib.suppress(psutil.TimeoutExpired):  # it ends at no moment of its own
        psutil.Process(program.pid).wait(timeout=delay_s)
    program.kill()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    assert folders_of(program.pid) and Path(folder).is_dir()
    purge_now()
    WorkflowContext().shutdown()
    assert not folders_of(program.pid) and not Path(folder).exists()
    if base.SHM_DIR.is_dir():
        assert [p.name for p in base.SHM_DIR.iterdir() if token in p.name] == []


@posix
def test_master_killed_at_twenty_random_moments_leaves_nothing(tmp_path: Path):
    config, chance = write_config(tmp_path, FAKE, EXTRA_ARGS=NO_TORCH), random.Random(3)
    for _ in range(20):
        assert_kill_leaves_nothing(config, chance.uniform(0, 0.5))


@posix
@pytest.mark.slow
@pytest.mark.parametrize("real", real_servers(), ids=lambda server: server.name)
def test_master_of_a_real_comfyui_killed_at_twenty_random_moments(tmp_path: Path, real: Server):
    config, chance = write_config(tmp_path, real.path), random.Random(4)
    for _ in range(20):
        assert_kill_leaves_nothing(config, chance.uniform(0, 1.5))


@posix
def test_master_killed_while_the_worker_starts_takes_it_along(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=["--misbehave", "slow-start=30"])
    program = Program("worker/start_only", config)
    pid = program.worker_pid()
    # exec_child has become ComfyUI; our extension, with its watchdog, is not loaded for long.
    wait_until(lambda: psutil.Process(pid).cmdline()[1:2] == ["main.py"], "the start of main.py")
    program.kill()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    purge_now()
    assert not folders_of(program.pid)


@posix
def test_master_killed_takes_a_real_comfyui_along(tmp_path: Path):
    found = real_servers()
    real = require(found[0] if found else Server("real", tmp_path / "none"))
    assert_kill_leaves_nothing(write_config(tmp_path, real.path), 0.5)


def test_script_that_does_not_kill_its_worker_leaves_nothing_at_its_end(tmp_path: Path):
    program = Program("worker/end_without_kill", write_config(tmp_path, FAKE))
    pid = program.worker_pid()
    _, err = program.wait()
    assert err == "" and program.process.returncode == 0
    assert is_gone(pid) and not folders_of(program.pid)


@pytest.mark.parametrize("how", ["end", "wait"])
def test_ephemeral_upload_goes_with_the_script_or_at_the_next_start(tmp_path: Path, how: str):
    program = Program("worker/upload", write_config(tmp_path, FAKE), how)
    pid = program.worker_pid()
    path = Path(program.line())
    assert path.parent == FAKE / "input" / "made_by_a_test"
    if how == "wait":
        assert path.is_file()
        program.kill()
    else:
        program.end()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    purge_now()
    assert not path.parent.exists()


@posix
def test_ctrl_c_ends_script_and_worker_without_a_storm(tmp_path: Path):
    program = Program("worker/run_for_ever", write_config(tmp_path, FAKE))
    pid = program.worker_pid()
    os.kill(program.pid, signal.SIGINT)
    _, err = program.wait()
    # What a shell shows as 130.
    assert program.process.returncode in (-signal.SIGINT, 130)
    assert is_gone(pid) and not folders_of(program.pid)
    assert err.count("Traceback") <= 2 and "Exception ignored" not in err, err


@posix
def test_forked_child_that_ends_leaves_the_worker_alone(tmp_path: Path):
    program = Program("worker/fork", write_config(tmp_path, FAKE))
    program.worker_pid()
    assert program.end() == "still 5"
    assert not folders_of(program.pid)


@posix
def test_watchdog_alone_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the kernel's help, as on macOS: exec_child takes the system for another one."""
    program_file = tmp_path / "exec_child.py"
    text = Path(worker_folder.__file__).with_name("exec_child.py").read_text(encoding="utf-8")
    program_file.write_text(text.replace('"linux"', '"none"'), encoding="utf-8")
    program = Program("worker/run_for_ever", write_config(tmp_path, FAKE), program_file)
    pid = program.worker_pid()
    program.kill()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    purge_now()


def test_purge_leaves_living_owners_alone_and_takes_dead_ones(tmp_path: Path):
    living = worker_folder.make_worker_folder()
    dead = worker_folder.make_worker_folder()
    target = tmp_path / "extension"
    target.mkdir()
    (target / "keep.py").write_text("", encoding="utf-8")
    worker_folder.link_folder(dead.nodes / "extension", target)
    (dead.temp / "big.bin").write_bytes(b"x" * 1000)
    dead._lock.release(remove=False)  # what the system does when the owner dies
    worker_folder.make_worker_folder().remove(with_log=True)
    assert living.path.is_dir() and not dead.path.exists()
    assert (target / "keep.py").is_file(), "a link was followed"
    living.remove(with_log=True)
    assert not living.path.exists()


SLEEPS = [sys.executable, "-c", "import time; time.sleep(100)"]
MARK = "DISCOMFORT_WORKER_MARK"


@contextlib.contextmanager
def sleeping(mark: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that bears a mark, or none."""
    environment = {k: v for k, v in os.environ.items() if k != MARK}
    environment |= {} if mark is None else {MARK: mark}
    program = subprocess.Popen(SLEEPS, env=environment, start_new_session=True)
    try:
        wait_until(lambda: environ_of(program.pid).get(MARK) == mark, "its start")
        yield program
    finally:
        program.kill()
        program.wait()


def environ_of(pid: int) -> dict[str, str]:
    try:
        return psutil.Process(pid).environ()
    except psutil.Error:
        return {}


def purge_with(folder: worker_folder.WorkerFolder, **changed: Any) -> None:
    """The owner dies, and the next start comes upon its record."""
    record = folder.path / "owner.json"
    about = {**json.loads(record.read_text()), **changed}
    record.write_text(json.dumps({k: v for k, v in about.items() if v is not None}))
    folder._lock.release(remove=False)
    purge_now()
    assert not folder.path.exists()


@posix
def test_purge_ends_a_worker_that_outlived_its_master_and_nobody_else():
    folder = worker_folder.make_worker_folder()
    with sleeping(folder.mark) as orphan, sleeping(None) as bystander:
        folder.note_process(orphan.pid)
        purge_with(folder)
        assert orphan.wait(10) == -signal.SIGKILL
        assert bystander.poll() is None


@posix
@pytest.mark.parametrize(
    "changed",
    [
        {"mark": "another worker's"},
        {"mark": None},
        {"mark": ""},
        {"boot": "another"},
        {"started": 1e12},
        {"worker_pid": "x"},
        {"started": None},
    ],
    ids=str,
)
def test_process_whose_record_does_not_fit_is_nobodys(changed: dict[str, Any]):
    folder = worker_folder.make_worker_folder()
    with sleeping(folder.mark) as other:
        folder.note_process(other.pid)
        purge_with(folder, **changed)
        assert other.poll() is None


@posix
@pytest.mark.parametrize("mark", [None, "another worker's"])
def test_process_id_that_was_given_out_again_is_nobodys(mark: str | None):
    folder = worker_folder.make_worker_folder()
    with sleeping(mark) as other:
        folder.note_process(other.pid)
        purge_with(folder)
        assert other.poll() is None


@posix
def test_a_worker_bears_the_mark_that_its_record_has(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=NO_TORCH)
    program = Program("worker/run_for_ever", config)
    pid = program.worker_pid()
    (folder,) = folders_of(program.pid)
    wait_until(lambda: (folder / "owner.json").exists(), "its record")
    mark = json.loads((folder / "owner.json").read_text())["mark"]
    wait_until(lambda: environ_of(pid).get(MARK) == mark, "the start of main.py")
    assert environ_of(pid)["DISCOMFORT_WORKER_TOKEN"] != mark
    program.kill()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    purge_now()


@posix
def test_folder_is_private(tmp_path: Path):
    folder = worker_folder.make_worker_folder()
    try:
        for path in (worker_folder.base_dir(), folder.path, folder.temp, folder.nodes):
            assert path.stat().st_mode & 0o077 == 0
    finally:
        folder.remove(with_log=True)
