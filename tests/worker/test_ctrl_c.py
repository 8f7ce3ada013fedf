"""Ctrl+C in a script: it is heard at once, whatever it then has to wait for."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.system import ctrl_c
from support.programs import Program
from support.servers import FAKE, wait_for, write_config

pytestmark = [
    pytest.mark.usefixtures("leaves_nothing"),
    pytest.mark.skipif(sys.platform == "win32", reason="another kind of signal"),
]


def until(program: Program, words: str) -> str:
    """Read what the program says to the user until it says that."""
    assert program.process.stderr
    for line in program.process.stderr:
        if words in line:
            return line
    raise AssertionError(f"it never said {words!r}")


def test_ctrl_c_is_heard_before_the_node_is_done(tmp_path: Path):
    program = Program("worker/interrupt_a_node", write_config(tmp_path, FAKE))
    program.worker_pid()
    os.kill(program.pid, signal.SIGINT)
    line = until(program, "Ctrl+C was heard")
    assert "ComfyUI is told to stop at node 1 'my StubBlock' (StubBlock)" in line
    assert "press it again" in line
    assert not program.has_ended, "it was said only at the end"
    out, err = program.wait()
    assert out.splitlines() == ["idle", "interrupted"], err
    assert "Traceback" not in err


def test_ctrl_c_is_heard_while_comfyui_starts(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=["--misbehave", "slow-start=60"])
    program = Program("worker/start_only", config)
    program.worker_pid()
    os.kill(program.pid, signal.SIGINT)
    assert "ComfyUI is not started" in until(program, "Ctrl+C was heard")
    _, err = program.wait()
    assert "never retrieved" not in err


def test_ctrl_c_is_heard_while_nothing_of_ours_runs(tmp_path: Path):
    """Then ComfyUI is ended, which takes it seconds."""
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=["--misbehave", "ignore-signals"])
    program = Program("worker/wait_beside_comfyui", config)
    program.worker_pid()
    os.kill(program.pid, signal.SIGINT)
    until(program, "ComfyUI is being ended.")
    assert not program.has_ended, "it was said only at the end"
    out, err = program.wait()
    assert out.splitlines() == ["interrupted"], err


async def test_handler_that_was_there_is_called_and_put_back():
    called = []
    before = signal.signal(signal.SIGINT, lambda *arguments: called.append(arguments))
    mine = signal.getsignal(signal.SIGINT)
    try:
        with ctrl_c.heard(lambda: "outer"):
            with ctrl_c.heard(lambda: "inner"):
                os.kill(os.getpid(), signal.SIGINT)
                await wait_for(lambda: len(called) == 1, "the first Ctrl+C")
            os.kill(os.getpid(), signal.SIGINT)
            await wait_for(lambda: len(called) == 2, "the second Ctrl+C")
        assert signal.getsignal(signal.SIGINT) is mine
        with ctrl_c.heard(lambda: "another"):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
