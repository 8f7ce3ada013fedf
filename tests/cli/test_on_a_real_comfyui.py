"""The command line as the README has it, on a real ComfyUI."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from support.command_line import CommandLine
from support.package import ROOT
from support.servers import Server, real_servers, require


def test_a_template_runs_as_it_is_and_its_picture_is_a_file(tmp_path: Path):
    real = real_servers()
    comfyui = require(real[0] if real else Server("real", Path("no ComfyUI found"))).path
    line = CommandLine(tmp_path / "cli", {"COMFYUI_PATH": str(comfyui)})
    flow = str(ROOT / "example_workflows" / "Sharpen a picture.json")
    told = line.json("run", flow, "-o", "out")
    assert told["exit"] == 0, told
    (result,) = told["results"].values()
    (file,) = result["files"]
    with Image.open(line.here / file) as picture:
        assert picture.size == (768, 768)
