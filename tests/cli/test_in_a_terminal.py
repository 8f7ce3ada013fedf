"""A user at a terminal: progress, Ctrl+C, completion, on a worker that the command starts."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest
from support.command_line import CommandLine, config_with_stub_nodes
from support.package import ROOT
from support.prompts import port
from support.servers import FAKE, wait_until
from support.terminal import CTRL_C, terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="it needs a pseudo-terminal")

SLEEP = {
    "1": {"class_type": "StubSleep", "inputs": {"seconds": 600.0}},
    "2": port("out", ["1", 0]),
}
BLOCK = {
    "1": {"class_type": "StubBlock", "inputs": {"seconds": 600.0, "nonce": 0}},
    "2": port("out", ["1", 0]),
}
ECHO = {
    "1": port("number"),
    "2": {"class_type": "PrimitiveInt", "inputs": {"value": ["1", 0]}},
    "3": port("out", ["2", 0]),
}


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """The command line with a ComfyUI that it has to start, and a folder for what is temporary."""
    (tmp_path / "temporary").mkdir()
    made = CommandLine(tmp_path / "cli", {"TMPDIR": str(tmp_path / "temporary")})
    made.options = ("--config", str(config_with_stub_nodes(tmp_path, FAKE)))
    return made


def left_of(alone: CommandLine) -> tuple[list[str], list[str]]:
    """Folders of workers and contexts, and processes, that are still there."""
    base = Path(str(alone.environment["TMPDIR"]))
    folders = [str(p) for kind in ("workers", "contexts") for p in base.glob(f"*/{kind}/*")]
    return folders, [str(p.pid) for p in psutil.process_iter() if _is_its_worker(p, base)]


def _is_its_worker(process: psutil.Process, base: Path) -> bool:
    try:
        return any(str(base) in word for word in process.cmdline())
    except psutil.Error:
        return False


def wait_until_nothing_is_left(alone: CommandLine) -> None:
    wait_until(lambda: left_of(alone) == ([], []), "the end of all that the command had started")


def test_progress_is_shown_and_one_ctrl_c_ends_the_run_and_leaves_nothing(alone):
    alone.write("sleep.json", SLEEP)
    command = alone.command("run", "sleep.json", *alone.options)
    with terminal(command, alone.here, alone.variables(TERM="xterm")) as seen:
        seen.wait_for("/30000")
        assert "sleep.json" in seen.shown
        seen.press(CTRL_C)
        assert seen.wait() == 130
    lines = [line for line in seen.shown.replace("\r", "\n").split("\n") if "Ctrl+C" in line]
    assert len(lines) == 1 and "Ctrl+C was heard" in lines[0]
    for word in ("Traceback", "Interrupted", "being ended"):
        assert word not in seen.shown
    wait_until_nothing_is_left(alone)


def test_a_second_ctrl_c_does_not_wait_for_a_node_that_heeds_none(alone):
    alone.write("block.json", BLOCK)
    command = alone.command("run", "block.json", *alone.options)
    with terminal(command, alone.here, alone.variables(TERM="xterm")) as seen:
        seen.wait_for("StubBlock")
        seen.press(CTRL_C)
        seen.wait_for("Ctrl+C was heard")
        seen.press(CTRL_C)
        assert seen.wait() == 130
    assert "Traceback" not in seen.shown
    wait_until_nothing_is_left(alone)


def test_sigterm_is_heeded_as_ctrl_c_is(alone):
    alone.write("sleep.json", SLEEP)
    program = alone.start("run", "sleep.json", "--events")
    assert program.stdout
    while b"progress" not in program.stdout.readline():
        pass
    program.send_signal(signal.SIGTERM)
    out, error = program.communicate(timeout=120)
    assert program.returncode == 143
    assert b"E_INTERRUPTED" in out.splitlines()[-1] and b"Traceback" not in error
    wait_until_nothing_is_left(alone)


def test_a_dumb_terminal_gets_no_bar_and_a_narrow_one_a_narrow_one(there):
    there.write("echo.json", ECHO)
    command = there.command("run", "echo.json", "number=4", "--iterations", 2, *there.options)
    with terminal(command, there.here, there.variables(TERM="dumb")) as seen:
        assert seen.wait() == 0
    assert seen.shown == "out: 4\r\n"
    with terminal(command, there.here, there.variables(TERM="xterm"), columns=40) as seen:
        assert seen.wait() == 0
    assert "100%" in seen.shown and seen.shown.endswith("out: 4\r\n")
    assert all(len(line) <= 40 for line in seen.shown.replace("\n", "\r").split("\r"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_files_and_ports(alone, tmp_path):
    flow = ROOT / "examples" / "workflows" / "enhance.json"
    shutil.copy(flow, alone.here / "my flow.json")
    (alone.here / "photo one.jpg").write_bytes(b"")
    program = tmp_path / "bin" / "discomfort"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m discomfort "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    variables = alone.variables(PATH=path, PS1="> ", TERM="dumb", SHELL="/bin/bash")
    variables["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    with terminal(["bash", "--norc", "--noprofile", "-i"], alone.here, variables, 200) as seen:
        seen.press(b'eval "$(discomfort --show-completion bash)"; echo rea""dy\n')
        seen.wait_for("ready")
        for keys, completed in (
            (b"discomfort pla\t", "discomfort plan "),
            (b"discomfort run my\t", "discomfort run my\\ flow.json "),
            (b"discomfort run my\\ flow.json pic\t", "flow.json picture="),
            (b"discomfort run --iter\t", "discomfort run --iterations "),
        ):
            seen.press(keys)
            seen.wait_for(completed)
            if completed.endswith("="):  # and no blank behind it
                seen.press(b"@ph\t")
                seen.wait_for("picture=@ph")
                seen.wait_for("@photo\\ one.jpg ")
            seen.press(b"\x15")  # takes the line back
        seen.press(b"exit\n")
        seen.wait()
