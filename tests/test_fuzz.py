"""What strangers may send, 2,000 cases of it; and the fuzzer, which names what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def fuzz(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folders = {"XDG_DATA_HOME": str(tmp_path / "data"), "TMPDIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, str(ROOT / "bench" / "fuzz.py"), *arguments],
        env={**os.environ, **folders, "LOCALAPPDATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=1200,
    )


def test_nothing_but_our_own_errors_comes_out_of_two_thousand_cases(tmp_path: Path):
    found = fuzz(tmp_path, "--cases", "2000", "--seed", "13")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "2000 cases, 0 went wrong" in found.stdout
    assert not list(tmp_path.glob("discomfort-*/*/*")), "a context is left"


@pytest.mark.parametrize(
    ("family", "words"),
    [("dies", "the process ended with"), ("grows", "MiB"), ("raises", "KeyError: 'not ours'")],
)
def test_case_that_goes_wrong_is_named_and_the_others_are_run(
    tmp_path: Path, family: str, words: str
):
    found = fuzz(tmp_path, "--cases", "8", "--family", family, "--family", "records")
    assert found.returncode == 1
    named = [line for line in found.stdout.splitlines() if line.startswith(f"{family}:")]
    assert named and words in found.stdout
    assert f"8 cases, {len(named)} went wrong" in found.stdout


def test_case_that_hangs_is_ended_and_named(tmp_path: Path):
    found = fuzz(tmp_path, "--cases", "1", "--family", "hangs", "--patience", "3")
    assert found.returncode == 1 and "hangs:0: it was not over after 3 s" in found.stdout
