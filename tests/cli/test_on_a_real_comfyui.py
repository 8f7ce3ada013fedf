"""The command line as the README has it, on a real ComfyUI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from support.command_line import CommandLine
from support.model_workflows import said_of, vae_workflow
from support.package import ROOT
from support.servers import Server, real_servers, require
from support.terminal import terminal

pytestmark = pytest.mark.usefixtures("ends_keepers")


def test_a_template_runs_as_it_is_and_the_next_command_asks_before_it_downloads(tmp_path: Path):
    real = real_servers()
    comfyui = require(real[0] if real else Server("real", Path("no ComfyUI found"))).path
    line = CommandLine(
        tmp_path / "cli", {"COMFYUI_PATH": str(comfyui), "DISCOMFORT_KEEP_WARM": "100"}
    )
    flow = str(ROOT / "example_workflows" / "Sharpen a picture.json")
    told = line.json("run", flow, "-o", "out")
    assert told["exit"] == 0, told
    (result,) = told["results"].values()
    (file,) = result["files"]
    with Image.open(line.here / file) as picture:
        assert picture.size == (768, 768)
    (warm,) = line.json("workers")["workers"]
    said = said_of("https://127.0.0.1:1/no-such-model.safetensors", "no-such-model.safetensors")
    lacking = vae_workflow(("no-such-model.safetensors", said))
    (line.here / "lacking.json").write_text(json.dumps(lacking), encoding="utf-8")
    command = line.command("fetch", "lacking.json")
    with terminal(command, line.here, line.variables(TERM="xterm"), columns=200) as seen:
        seen.wait_for("Download 1 model")
        seen.press(b"n\n")
        assert seen.wait() == 1
    assert "no-such-model.safetensors" in seen.shown and "Traceback" not in seen.shown
    assert [worker["pid"] for worker in line.json("workers")["workers"]] == [warm["pid"]]
