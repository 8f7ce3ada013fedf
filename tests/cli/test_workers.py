"""`discomfort workers`, and commands that leave a ComfyUI warm for the next."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.keepers import is_gone
from support.servers import FAKE, write_config

pytestmark = pytest.mark.usefixtures("ends_keepers")


def test_commands_share_a_warm_comfyui_which_stop_ends(tmp_path: Path):
    here = CommandLine(tmp_path / "cli", {"DISCOMFORT_KEEP_WARM": None})
    config = write_config(tmp_path, FAKE)
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    here.write("w.json", prompt)
    assert here.run("workers").stdout == b"No ComfyUI stays warm now.\n"
    first = here.run("run", "w.json", "--config", config)
    assert first.returncode == 0, first.stderr
    said = b"ComfyUI stays warm for 300 s; `discomfort workers stop` ends it.\n"
    assert first.stderr.count(said) == 1
    (worker,) = here.json("workers")["workers"]
    assert worker["comfyui"] == str(FAKE) and worker["held_by"] is None
    assert 200 < worker["left_s"] <= 300
    assert here.json("run", "w.json", "--config", config, "--keep-warm", 100)["exit"] == 0
    (again,) = here.json("workers")["workers"]
    assert again["pid"] == worker["pid"] and again["left_s"] <= 100
    line = here.run("workers").stdout.decode()
    assert line.startswith(f"{worker['pid']}  idle, ends in ") and str(FAKE) in line
    assert time.strftime("since %a", time.localtime(worker["started"])) in line
    refused = here.json("workers", "stop", 1)
    assert refused["exit"] == 4 and "no warm worker 1" in refused["error"]["message"]
    assert here.json("workers", "end")["error"]["code"] == "E_USAGE"
    assert here.json("workers", "stop", worker["pid"])["ended"] == [worker["pid"]]
    assert is_gone(worker["pid"])
    assert here.run("workers", "stop").stdout == b"No ComfyUI stays warm now.\n"
