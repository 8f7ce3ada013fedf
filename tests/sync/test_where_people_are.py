"""The API without `await` where people sit: at Python's own prompt, and in tests of their own that
pytest-xdist spreads over processes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.programs import run_script
from support.servers import FAKE
from support.terminal import CTRL_C, terminal

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "test_workflows" / "type_int.json"
USERS_TESTS = """
import pytest
from discomfort.sync import Discomfort


@pytest.fixture(scope="session")
def discomfort():
    with Discomfort.create() as made:
        yield made


@pytest.mark.parametrize("number", range(6))
def test_number(discomfort, number):
    assert discomfort.run({workflow!r}, {{"number": number}})["same_number"] == number
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages, as after `pip install`."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "discomfort").symlink_to(ROOT, target_is_directory=True)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal of POSIX")
def test_at_the_prompt_a_run_can_be_broken_off_and_the_next_one_works(
    packages: Path, tmp_path: Path
):
    plain = {"PYTHONPATH": str(packages), "COMFYUI_PATH": str(FAKE), "PYTHON_BASIC_REPL": "1"}
    python = [sys.executable, "-i", "-c", "from discomfort.sync import Discomfort"]
    with terminal(python, tmp_path, {**os.environ, **plain, "TERM": "dumb"}) as screen:
        screen.wait_for(">>> ")
        screen.press(b"d = Discomfort.create()\n")
        screen.press(f"f = {str(WORKFLOW)!r}\n".encode())
        screen.press(b"print('a' + 'b', d.run(f, {'number': 7}))\n")
        screen.wait_for("ab Results({'same_number': 7})")
        screen.press(
            b"d.run(f, {'number': 8}, None, until=lambda c: print('so' + 'far') or False)\n"
        )
        screen.wait_for("sofar")
        screen.press(CTRL_C)
        screen.wait_for("KeyboardInterrupt")
        screen.press(b"print('c' + 'd', d.run(f, {'number': 9}))\n")
        screen.wait_for("cd Results({'same_number': 9})")
        screen.press(b"exit()\n")
        assert screen.wait() == 0


def test_under_xdist_each_process_has_its_own(packages: Path, tmp_path: Path):
    tests = tmp_path / "test_mine.py"
    tests.write_text(USERS_TESTS.format(workflow=str(WORKFLOW)), encoding="utf-8")
    runs = tmp_path / "run.py"
    runs.write_text(
        "import sys, pytest\n"
        f"sys.exit(pytest.main(['-q', '-n', '2', '-p', 'no:cacheprovider', {str(tests)!r}]))\n",
        encoding="utf-8",
    )
    done = run_script(
        runs, cwd=tmp_path, PYTHONPATH=str(packages), COMFYUI_PATH=str(FAKE), PYTEST_ADDOPTS=None
    )
    assert "6 passed" in done.stdout
