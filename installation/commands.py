"""The commands of `bootstrap.py`."""

from __future__ import annotations

import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ..worker.launch import find_comfyui as finder
from .choose_comfyui import check_comfyui_environment, choose_comfyui, is_required
from .clone import Clone
from .environment import plan_check, plan_installation, prepare_environment
from .programs import SetupError, run, say

# Tests that need a real ComfyUI say this in the reason for which they are skipped.
SKIP_WORDS = "real ComfyUI"


def main(folder: Path, argv: list[str], usage: str) -> int:
    """Run one of the commands on the clone in that folder; return the exit code."""
    commands = {"demo": run_demo, "test": run_tests, "check": run_check}
    if not argv or argv[0] in ("-h", "--help"):
        print(usage)
        return 0 if argv else 2
    if argv[0] not in commands:
        print(
            f"bootstrap: there is no command {argv[0]!r}. There are: {', '.join(commands)}. "
            "`python bootstrap.py --help` says what they do.",
            file=sys.stderr,
        )
        return 2
    try:
        return commands[argv[0]](Clone(folder), argv[1:])
    except SetupError as e:
        print(f"bootstrap: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def prepare_run(clone: Clone) -> tuple[Path, dict[str, str]]:
    """The interpreter that the demo and the tests run with, and their environment variables."""
    comfyui = choose_comfyui(clone)
    check_comfyui_environment(clone, comfyui)
    return prepare_environment(clone, plan_installation(clone, comfyui)), run_environment(
        clone, comfyui
    )


def run_environment(clone: Clone, comfyui: Path) -> dict[str, str]:
    """This process's variables. Bytecode of a ComfyUI of the user's goes to our cache."""
    environment = {**os.environ, "COMFYUI_PATH": str(comfyui)}
    cache = finder.user_cache_dir()
    if cache not in comfyui.parents and clone.folder not in comfyui.parents:
        environment.setdefault("PYTHONPYCACHEPREFIX", str(cache / "pycache"))
    return environment


def run_demo(clone: Clone, arguments: list[str]) -> int:
    """Run the example that refines a picture."""
    clone.require("demo", "pyproject.toml", "examples/refine_image.py")
    python, environment = prepare_run(clone)
    script = clone.folder / "examples" / "refine_image.py"
    code = run([str(python), str(script), *arguments], environment)
    if not finder.is_comfyui(Path(environment["COMFYUI_PATH"])):
        say("this ran on the fake server of tests/fakes: set COMFYUI_PATH for a real ComfyUI.")
    return code


def run_check(clone: Clone, arguments: list[str]) -> int:
    """Run formatter, linter and type checkers. They need no ComfyUI."""
    clone.require("check", "pyproject.toml", "devtools/check.py")
    python = prepare_environment(clone, plan_check(clone))
    script = clone.folder / "devtools" / "check.py"
    return run([str(python), str(script), *arguments], dict(os.environ))


def run_tests(clone: Clone, arguments: list[str]) -> int:
    """Run pytest, then name what was skipped because there is no real ComfyUI."""
    clone.require("test", "pyproject.toml", "tests")
    python, environment = prepare_run(clone)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [str(python), "-m", "pytest", f"--junitxml={report}", *arguments]
        code = run(command, environment, clone.folder)
        names = skipped_tests(report)
    if names:
        print(f"\nskipped for want of a {SKIP_WORDS}: {len(names)} tests")
        print("\n".join(f"  {name}" for name in names), flush=True)
    if names and is_required() and code == 0:
        print("bootstrap: DISCOMFORT_REQUIRE_COMFYUI is set: that is a failure", file=sys.stderr)
        return 1
    return code


def skipped_tests(report: Path) -> list[str]:
    """Tests in a JUnit report that were skipped for want of a real ComfyUI."""
    if not report.is_file():  # the user gave pytest another --junitxml
        return []
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in ElementTree.parse(report).iter("testcase")
        for skipped in case.iter("skipped")
        if SKIP_WORDS in (skipped.get("message") or "")
    ]
