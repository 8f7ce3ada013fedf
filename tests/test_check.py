"""`devtools/check.py`: which tools it runs and what it says of them, in a small checkout.

The tools are small programs in place of ruff, pyright and npm, which note how they were called.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import PROGRAMS

ROOT = Path(__file__).resolve().parent.parent
TOOL = PROGRAMS / "check" / "tool.py"
posix = pytest.mark.skipif(sys.platform == "win32", reason="npm's stand-ins are shell scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    (folder / "devtools").mkdir(parents=True)
    shutil.copy(ROOT / "devtools" / "check.py", folder / "devtools" / "check.py")
    (tmp_path / "bin").mkdir()
    for name in ("ruff", "pyright"):
        shutil.copy(TOOL, tmp_path / "bin" / f"{name}.py")
    return folder


def check(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where there is no other tool in reach."""
    bin_dir = str(checkout.parent / "bin")
    return subprocess.run(
        [sys.executable, str(checkout / "devtools" / "check.py"), *arguments],
        env={**os.environ, "PATH": bin_dir, "PYTHONPATH": bin_dir},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls.txt").read_text().splitlines()


def add_npm(checkout: Path) -> None:
    """A package.json, and an npm and an npx whose ways are those of TOOL."""
    (checkout / "package.json").write_text("{}")
    for name in ("npm", "npx"):
        tool = checkout.parent / "bin" / f"{name}.py"
        shutil.copy(TOOL, tool)
        program = tool.with_suffix("")
        program.write_text(f'#!/bin/sh\nexec {sys.executable} "{tool}" "$@"\n')
        program.chmod(0o755)


def test_hooks_before_a_commit_are_the_steps_of_the_check():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +entry: python bootstrap.py check (.*)$", text, re.MULTILINE)
    assert " ".join(entries).split() == ["format", "lint", "types", "eslint", "tsc"]
    assert re.findall(r"repo: (.*)", text) == ["local"]
    assert len(re.findall(r"- id: ", text)) == len(entries)


def test_every_step_says_its_result_in_a_line(checkout):
    done = check(checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "check: format: ok",
        "check: lint: ok",
        "check: types: ok",
        "check: eslint, tsc: skipped: there is no package.json",
    ]
    assert calls(checkout) == ["ruff format --check .", "ruff check .", "pyright"]


def test_a_finding_is_shown_and_the_other_steps_run_all_the_same(checkout):
    (checkout / "bad_ruff_check").touch()
    done = check(checkout)
    assert done.returncode == 1
    shown = done.stdout.splitlines()
    assert shown[:3] == [
        "check: format: ok",
        "ruff found a thing",
        "check: lint: found something (ruff check .)",
    ]
    assert shown[3] == "check: types: ok"
    (checkout / "bad_ruff_check").unlink()
    assert check(checkout).returncode == 0


def test_a_step_is_taken_alone_by_its_name(checkout):
    assert check(checkout, "types").stdout == "check: types: ok\n"
    assert calls(checkout) == ["pyright"]


def test_an_unknown_step_is_refused_before_anything_runs(checkout):
    done = check(checkout, "--fix", "style")
    assert done.returncode == 2
    assert "there is no step style" in done.stderr
    assert not (checkout / "calls.txt").exists()


def test_fix_mends_first_and_checks_then(checkout):
    assert check(checkout, "--fix", "format", "lint").returncode == 0
    assert calls(checkout) == [
        "ruff format .",
        "ruff check --fix .",
        "ruff format --check .",
        "ruff check .",
    ]


def test_the_checkout_is_linked_under_the_names_of_the_package(checkout):
    check(checkout, "types")
    typing = checkout / ".venv" / "typing"
    links = [typing / "discomfort", typing / "custom_nodes" / "discomfort"]
    assert [link.resolve() for link in links] == [checkout, checkout]
    moved = checkout.rename(checkout.parent / "moved")
    assert check(moved, "types").returncode == 0
    links = [moved / link.relative_to(checkout) for link in links]
    assert [link.resolve() for link in links] == [moved, moved]


@posix
def test_packages_of_npm_are_installed_once_for_each_list_of_them(checkout):
    add_npm(checkout)
    done = check(checkout, "eslint", "tsc")
    assert done.stdout.splitlines() == ["check: eslint: ok", "check: tsc: ok"]
    assert calls(checkout) == ["npm install --no-audit --no-fund", "npx eslint .", "npx tsc -p ."]
    check(checkout, "eslint")
    assert calls(checkout)[3:] == ["npx eslint ."]
    (checkout / "package.json").write_text('{"devDependencies": {}}')
    check(checkout, "eslint")
    assert calls(checkout)[4:] == ["npm install --no-audit --no-fund", "npx eslint ."]


@posix
def test_packages_that_can_not_be_installed_are_a_failure_and_tried_again(checkout):
    add_npm(checkout)
    (checkout / "bad_npm_install").touch()
    done = check(checkout, "eslint", "tsc")
    assert done.returncode == 1
    assert "npm found a thing" in done.stdout
    assert "check: eslint, tsc: could not run: npm install failed" in done.stdout
    (checkout / "bad_npm_install").unlink()
    assert check(checkout, "eslint").returncode == 0


def test_a_machine_without_npm_skips_its_steps_in_a_line(checkout):
    (checkout / "package.json").write_text("{}")
    done = check(checkout)
    assert done.returncode == 0
    assert done.stdout.splitlines()[3:] == [
        "check: eslint, tsc: skipped: there is no npm on this machine"
    ]
