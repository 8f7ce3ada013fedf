"""The command line as the README has it, on a real ComfyUI."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.command_line import CommandLine
from support.package import ROOT
from support.servers import Server

pytestmark = pytest.mark.one_version


def test_a_template_runs_as_it_is_and_its_picture_is_a_file(server: Server, tmp_path: Path):
    line = CommandLine(tmp_path / "cli", {"COMFYUI_PATH": str(server.path)})
    flow = str(ROOT / "example_workflows" / "Sharpen a picture.json")
    told = line.json("run", flow, "-o", "out")
    assert told["exit"] == 0, told
    (result,) = told["results"].values()
    (file,) = result["files"]
    with Image.open(line.here / file) as picture:
        assert picture.size == (768, 768)
