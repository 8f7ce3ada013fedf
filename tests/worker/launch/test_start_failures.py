"""Why a worker did not start: the error names the log, its last lines, and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import ConfigError, WorkerStartError
from custom_nodes.discomfort.worker.launch import start_failures
from custom_nodes.discomfort.worker.launch.output_log import OutputLog


@pytest.mark.parametrize(
    ("code", "is_killed", "words"), [(-9, True, "memory"), (7, False, "Put right"), (0, False, "")]
)
def test_early_end_says_whether_it_was_killed(
    tmp_path: Path, code: int, is_killed: bool, words: str
):
    output = OutputLog(tmp_path / "a.log")
    error = start_failures.ended_early(code, output, "/usr/bin/python")
    assert error.was_killed is is_killed and words in str(error)
    assert str(error).endswith(f"Its log: {output.path}")


def test_a_module_that_is_absent_names_the_python_and_what_to_do(tmp_path: Path):
    program = "print(\"ModuleNotFoundError: No module named 'sqlalchemy'\")"
    output = OutputLog(tmp_path / "a.log")
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    output.follow(child)
    child.wait()
    assert output._thread
    output._thread.join()
    text = str(start_failures.ended_early(1, output, "/opt/python"))
    assert "/opt/python, has no sqlalchemy" in text and "requirements.txt" in text


def test_any_error_of_a_start_becomes_one_that_callers_know():
    wrong = ConfigError("no such device")
    assert start_failures.as_start_error(wrong, "/log") is wrong
    known = start_failures.as_start_error(WorkerStartError("known"), "/log")
    assert isinstance(known, WorkerStartError) and known.log_path == "/log"
    other = start_failures.as_start_error(OSError("disk"), "/log")
    assert isinstance(other, WorkerStartError) and "disk" in str(other)
    assert isinstance(other.__cause__, OSError) and other.log_path == "/log"
