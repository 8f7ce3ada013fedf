"""Every code block of docs/workflow_functions.md does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.package import ROOT
from support.programs import run_script
from support.servers import FAKE

TEXT = (ROOT / "docs" / "workflow_functions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SCRIPT, IMPROVE = (code for language, code in BLOCKS if language == "python")
(COMMAND,) = (code for language, code in BLOCKS if not language)


@pytest.mark.usefixtures("leaves_nothing")
def test_its_scripts_and_its_command_do_what_they_say(tmp_path: Path):
    line = CommandLine(tmp_path / "cli", {"COMFYUI_PATH": str(FAKE)})
    for name in ("examples", "test_workflows"):
        (line.here / name).symlink_to(ROOT / name, target_is_directory=True)
    environment = {"COMFYUI_PATH": str(FAKE), "PYTHONPATH": line.variables()["PYTHONPATH"]}

    def run(name: str, code: str) -> str:
        script = line.here / name
        script.write_text(code, encoding="utf-8")
        return run_script(script, cwd=line.here, **environment).stdout

    shown = run("first.py", SCRIPT)
    assert "detail: FLOAT = 1.0" in shown and "True" in shown.splitlines()[0]
    program, *words = shlex.split(COMMAND)
    assert program == "discomfort"
    done = line.run(*words)
    assert done.returncode == 0, done.stderr
    call = "async def main():\n    async with await Discomfort.create() as made:\n"
    call += "        print((await improve(made, __import__('torch').rand(1, 8, 8, 3))).shape)\n"
    shown = run("second.py", f"{IMPROVE}\n{call}\nimport asyncio\nasyncio.run(main())\n")
    assert "[1, 8, 8, 3]" in shown
