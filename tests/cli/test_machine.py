"""Commands that look at the machine: doctor, report, clean."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.programs import Program
from support.servers import FAKE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="HOME and TMPDIR are named otherwise")


@pytest.fixture
def here(tmp_path: Path) -> CommandLine:
    """The command line, with folders of its own for all that it keeps."""
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    return CommandLine(
        tmp_path / "cli",
        {
            "TMPDIR": str(tmp_path / "temporary"),
            "HOME": str(tmp_path / "home"),
            "COMFYUI_PATH": str(FAKE),
            "OPENAI_API_KEY": "a-key-of-mine-7",
            "XDG_CACHE_HOME": None,
            "XDG_DATA_HOME": None,
        },
    )


def test_a_report_has_what_was_found_and_no_secret(here):
    config = here.write("mine.json", {"COMFY_ORG_API_KEY": "comfyui-key-of-mine-8"})
    logs = here.folder.parent / "temporary" / f"discomfort-{os.getuid()}" / "logs"
    logs.mkdir(parents=True, mode=0o700)
    logs.parent.chmod(0o700)
    text = f"a-key-of-mine-7 {here.folder.parent}/home/models of {getpass.getuser()}: it failed\n"
    (logs / "1-ab.log").write_text(text)
    told = here.json("report", "--config", config)
    assert told["exit"] == 0 and told["file"] == "discomfort-report.txt"
    report = (here.here / told["file"]).read_text()
    for word in ("ComfyUI 0.0.0-fake", "aiohttp 3", "sees", "it failed", "~/models", "<secret>"):
        assert word in report, word
    secrets = ("of-mine", f"{here.folder.parent}/home", platform.node())
    assert [word for word in secrets if word in report] == []


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(here):
    told = here.json("doctor", COMFYUI_PATH="/nowhere")
    assert told["exit"] == 3 and told["state"] == "error"
    (missing,) = (one for one in told["findings"] if one["name"] == "comfyui.path")
    assert "/nowhere" in missing["found"] and missing["advice"]
    names = {one["name"] for one in told["findings"]}
    assert {"version", "python", "memory", "disk", "leavings"} <= names
    done = here.run("doctor", COMFYUI_PATH="/nowhere")
    assert done.returncode == 3 and b"-> set COMFYUI_PATH" in done.stdout and not done.stderr


def test_clean_removes_what_a_killed_process_left_and_nothing_of_a_living_one(here):
    variables = {k: str(v) for k, v in here.environment.items() if v is not None}
    living = Program("store/own_a_context", "living", **variables)
    kept = Path(living.line())
    killed = Program("store/own_a_context", "killed", **variables)
    left = Path(killed.line())
    killed.kill()
    listed = here.json("clean", "--dry-run")
    assert left.is_dir() and listed["is_dry_run"]
    assert str(left) in [one["path"] for one in listed["leavings"]]
    assert str(kept) not in [one["path"] for one in listed["leavings"]]
    assert listed["size_bytes"] > 3_000_000  # others may purge /dev/shm meanwhile
    removed = here.json("clean")
    assert str(left) in [one["path"] for one in removed["leavings"]] and not left.exists()
    assert kept.is_dir()
    living.say("end")
    living.end()
    assert here.run("clean").stdout == b"There is nothing to remove.\n"
    crashed = left.parents[1] / "logs" / "1-ab.log"
    crashed.parent.mkdir(exist_ok=True)
    crashed.write_text("it crashed")
    told = here.json("clean")
    assert told["leavings"] == [] and told["logs_left"] == [str(crashed)] and crashed.exists()
    offered = b"There is nothing to remove.\nLogs of workers that crashed stay (1, 10 B): --logs"
    assert here.run("clean").stdout.startswith(offered)
    assert [one["path"] for one in here.json("clean", "--logs")["leavings"]] == [str(crashed)]
    assert not crashed.exists()
