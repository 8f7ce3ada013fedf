"""Waits for a lock say in the log who holds it, whatever the holder is doing."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.system import locks, patience
from custom_nodes.discomfort.system.locks import ProcessLock
from support.servers import wait_until

_HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
from support import package
from pathlib import Path
from custom_nodes.discomfort.system.locks import ProcessLock
with ProcessLock(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.readline()
"""
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(patience, "FIRST_WORDS_S", 0.1)
    caplog.set_level(logging.WARNING)


class Waiter(threading.Thread):
    """Takes the lock and lets go of it again."""

    def __init__(self, lock: ProcessLock):
        super().__init__()
        self.lock = lock
        self.start()

    def run(self) -> None:
        with self.lock:
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
def test_process_that_holds_the_lock_is_named_also_when_it_is_suspended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(TESTS), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout and holder.stdin
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGSTOP)
        lock = ProcessLock(path)
        waiter = Waiter(lock)
        wait_until(lambda: "Waiting for the lock" in caplog.text, "the words")
        assert str(path) in caplog.text
        if sys.platform == "linux":
            assert f"which process {holder.pid} (" in caplog.text
            assert "), which is suspended holds" in caplog.text
        assert waiter.is_alive()
        os.kill(holder.pid, signal.SIGCONT)
        holder.stdin.write("\n")
        holder.stdin.flush()
        waiter.join(30)
        assert not waiter.is_alive()
        lock.close()
    finally:
        holder.kill()
        holder.communicate()


def test_thread_that_holds_the_lock_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    lock = ProcessLock(tmp_path / "a.lock")
    with lock:
        waiter = Waiter(lock)
        wait_until(lambda: "another thread of this process holds" in caplog.text, "the words")
    waiter.join(30)
    assert not waiter.is_alive()
    lock.close()


def test_short_wait_says_nothing_and_leaves_no_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(patience, "FIRST_WORDS_S", 60.0)
    lock = ProcessLock(tmp_path / "a.lock")
    with lock:
        waiters = [Waiter(lock) for _ in range(5)]
        wait_until(lambda: len(patience._waits._waiting) == 5, "the waits")
    for waiter in waiters:
        waiter.join(30)
    wait_until(lambda: patience._waits._thread is None, "the end of the thread that looks")
    assert not caplog.text
    lock.close()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks is Linux's")
def test_holder_is_known(tmp_path: Path):
    lock = ProcessLock(tmp_path / "a.lock")
    with lock:
        assert locks._holder(lock.path) == os.getpid()
    assert locks._holder(lock.path) is None
    assert locks._holder(tmp_path / "none") is None
    lock.close()
