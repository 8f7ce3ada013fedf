"""Every code block of docs/any_workflow.md does what it says, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from custom_nodes.discomfort.graph.markers.classes import INPUTS, OUTPUTS
from support.package import ROOT
from support.programs import run_script
from support.servers import FAKE, real_servers

TEXT = (ROOT / "docs" / "any_workflow.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", SCRIPTS, ids=range(len(SCRIPTS)))
@pytest.mark.usefixtures("leaves_nothing")
def test_a_script_runs_as_it_stands(code: str, tmp_path: Path):
    real = real_servers()
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "discomfort").symlink_to(ROOT, target_is_directory=True)
    (tmp_path / "docs").symlink_to(ROOT / "docs", target_is_directory=True)
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    run_script(
        script,
        cwd=tmp_path,
        COMFYUI_PATH=str(real[0].path if real else FAKE),
        PYTHONPATH=str(tmp_path / "packages"),
    )


def test_there_are_scripts():
    assert len(SCRIPTS) == 3


def test_every_class_that_is_named_is_read():
    named = re.findall(r"`((?:ETN_|Workflow(?:In|Out)|SwarmSave)\w+)`", TEXT)
    assert len(named) >= 9
    assert not {name for name in named if name not in INPUTS and name not in OUTPUTS}
