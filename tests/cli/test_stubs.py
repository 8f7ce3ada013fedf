"""`discomfort stubs` as a process: what it writes, what it tells, and its exit codes."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.worker.kept_classes import Identity, keep
from support.all_ports import INFO, blend
from support.command_line import CommandLine


@pytest.fixture
def here(tmp_path) -> CommandLine:
    """The command line, where a ComfyUI was started once that is no more."""
    cache = tmp_path / "cache"
    keep(Identity("/gone/ComfyUI"), INFO, cache / "discomfort" / "object_info")
    environment = {"COMFYUI_PATH": str(tmp_path / "nowhere"), "XDG_CACHE_HOME": str(cache)}
    return CommandLine(tmp_path / "cli", {**environment, "LOCALAPPDATA": str(cache)})


def test_stubs_are_written_loaded_and_told_stale(here):
    done = here.run("stubs", here.write("blend.json", blend()), "-o", "workflows.pyi")
    assert done.returncode == 0, done.stderr
    assert [line.rsplit(b"/", 1)[1] for line in done.stdout.split()] == [
        b"workflows.pyi", b"workflows.py",
    ]  # fmt: skip
    assert b"Note: No ComfyUI was found. This goes by the one at /gone/ComfyUI" in done.stderr
    stub = (here.here / "workflows.pyi").read_text()
    assert (
        "import discomfort as _d" in stub and '# {"function": "blend", "file": "blend.json"' in stub
    )
    assert here.json("stubs", "--check") == {
        "ok": True, "command": "stubs", "stub": "workflows.pyi", "is_stale": False, "reasons": [],
        "exit": 0,
    }  # fmt: skip
    data = blend()
    data["nodes"][1]["widgets_values"][0] = "image"
    here.write("blend.json", data)
    done = here.run("stubs", "--check")
    assert done.returncode == 1 and b"blend.json has changed since." in done.stdout
    assert b"Write it again: discomfort stubs -o workflows.pyi" in done.stdout
    assert here.json("stubs")["exit"] == 0 and here.json("stubs", "--check")["exit"] == 0


def test_what_can_not_be_written_says_why(here, tmp_path):
    (here.here / "workflows.py").write_text("mine = 1\n")
    here.write("blend.json", blend())
    told = here.json("stubs", "blend.json")
    assert told["exit"] == 1 and "is not replaced" in told["error"]["message"]
    told = here.json("stubs", "none.json", "-o", "a.pyi")
    assert told["exit"] == 4 and told["error"]["code"] == "E_FILE_NOT_FOUND"
    told = here.json("stubs", "blend.json", "-o", "a.pyi", XDG_CACHE_HOME=str(tmp_path))
    assert told["exit"] == 4 and "discomfort check WORKFLOW" in told["error"]["message"]
