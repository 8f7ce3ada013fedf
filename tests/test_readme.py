"""Every code block of the README does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import run_script
from support.servers import FAKE, Server, real_servers, require

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SCRIPTS = [code for language, code in BLOCKS if language == "python"]
# The stand-in server has no nodes that make references or load models.
NEEDS_REAL = ("ref_operation", "load_model")


def test_there_is_no_block_of_another_kind():
    assert {language for language, _ in BLOCKS} == {"bash", "python"}


def test_the_commands_are_those_of_bootstrap():
    commands = "".join(code for language, code in BLOCKS if language == "bash").splitlines()
    assert commands == ["python bootstrap.py demo", "python bootstrap.py test"]
    in_text = re.findall("`(python bootstrap.py [^`]+)`", README)
    assert in_text == ["python bootstrap.py check"]
    for command in commands + in_text:
        shown = subprocess.run(
            [sys.executable, str(ROOT / "bootstrap.py"), "--help"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert command in shown.stdout


@pytest.mark.parametrize("code", SCRIPTS, ids=lambda code: code.split("run(")[-1][:40])
@pytest.mark.usefixtures("leaves_nothing")
def test_a_script_runs_as_it_stands(code: str, tmp_path: Path):
    real = real_servers()
    if any(name in code for name in NEEDS_REAL):
        comfyui = require(real[0] if real else Server("real", Path("no ComfyUI found"))).path
    else:
        comfyui = real[0].path if real else FAKE
    # As after `pip install`, in a folder where the files that the README names lie.
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "discomfort").symlink_to(ROOT, target_is_directory=True)
    for name in ("examples", "test_workflows"):
        (tmp_path / name).symlink_to(ROOT / name, target_is_directory=True)
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    run_script(
        script, cwd=tmp_path, COMFYUI_PATH=str(comfyui), PYTHONPATH=str(tmp_path / "packages")
    )
    if "output/first.png" in code:
        assert (tmp_path / "output" / "first.png").is_file()


def test_every_file_that_it_links_to_is_there():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 10
    assert [t for t in targets if not t.startswith("http") and not (ROOT / t).exists()] == []
