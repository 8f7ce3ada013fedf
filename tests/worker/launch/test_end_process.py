"""How a worker's process is ended: by the first step that it heeds, with all that it started."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from custom_nodes.discomfort.worker.launch.child import Child
from custom_nodes.discomfort.worker.launch.end_process import end_process
from custom_nodes.discomfort.worker.launch.output_log import OutputLog
from support.programs import PROGRAMS
from support.servers import wait_until

pytestmark = [
    pytest.mark.usefixtures("leaves_nothing"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]


def start(folder: Path, *ignored: str) -> Child:
    """A program that ignores these signals, and has started another one."""
    command = [sys.executable, str(PROGRAMS / "worker" / "ignore_signals.py"), *ignored]
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    child = Child(popen, OutputLog(folder / "a.log"))
    child.follow()
    return child


@pytest.mark.parametrize(
    ("ignored", "ended_by"),
    [((), signal.SIGINT), (("SIGINT",), signal.SIGTERM), (("SIGINT", "SIGTERM"), signal.SIGKILL)],
    ids=["asked", "terminated", "killed"],
)
def test_process_ends_by_the_first_step_that_it_heeds(
    tmp_path: Path, ignored: tuple[str, ...], ended_by: signal.Signals
):
    child, log = start(tmp_path, *ignored), tmp_path / "a.log"
    wait_until(lambda: log.read_text(encoding="utf-8").strip(), "the start of both programs")
    grandchild = psutil.Process(int(log.read_text(encoding="utf-8")))
    watch = threading.Thread(target=child.wait)
    watch.start()
    end_process(child)
    watch.join()
    assert child.exited.is_set() and child.exit_code == -ended_by
    wait_until(
        lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE,
        "the end of what it had started",
    )


def test_process_that_has_ended_is_left_alone(tmp_path: Path):
    child = start(tmp_path)
    child.kill()
    assert child.exit_code == -signal.SIGKILL
    end_process(child)
    child.kill()
    assert child.exit_code == -signal.SIGKILL
