"""Commands as processes, on one ComfyUI that runs already: results, errors, streams, exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess

import numpy as np
import pytest
from PIL import Image
from support.package import ROOT
from support.prompts import port

ECHO = {
    "1": port("number"),
    "2": {"class_type": "PrimitiveInt", "inputs": {"value": ["1", 0]}},
    "3": port("out", ["2", 0]),
}
COUNT = {**ECHO, "3": port("number", ["4", 0])}
COUNT["4"] = {"class_type": "StubAdd", "inputs": {"a": ["2", 0], "b": 2}}
TEXT = {
    "1": port("text"),
    "2": {"class_type": "PrimitiveString", "inputs": {"value": ["1", 0]}},
    "3": port("out", ["2", 0]),
}
PICTURE = {
    "1": port("picture"),
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": port("inverted", ["2", 0]),
}
RAISE = {
    "1": {"class_type": "StubRaise", "inputs": {"message": "as you wish"}},
    "2": port("out", ["1", 0]),
}


def noise(size: int = 64) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_run_prints_its_results_and_nothing_else(there):
    done = there.run("run", there.write("echo.json", ECHO), "number=4")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"out: 4\n", b"")
    assert [p.name for p in there.here.iterdir()] == ["echo.json"]


def test_a_picture_from_a_file_comes_back_as_a_file(there):
    (there.here / "photo.png").write_bytes(noise())
    there.write("invert.json", PICTURE)
    told = there.json("run", "invert.json", "picture=@photo.png", "-o", "out")
    assert told["ok"] and told["command"] == "run" and told["exit"] == 0
    result = told["results"]["inverted"]
    assert result["value"] is None and result["files"] == ["out/inverted.png"]
    with (
        Image.open(there.here / "out/inverted.png") as made,
        Image.open(there.here / "photo.png") as given,
    ):
        assert np.array_equal(255 - np.asarray(given), np.asarray(made))


def test_a_value_may_come_from_standard_input(there):
    told = there.json("run", there.write("text.json", TEXT), "text=@-", stdin=b"a cat\n")
    assert told["results"]["out"] == {"value": "a cat", "summary": "'a cat'", "files": []}


def test_iterations_end_when_the_condition_is_met(there):
    there.write("count.json", COUNT)
    told = there.json("run", "count.json", "number=1", "--until", "number > 6 and i > 1")
    assert told["results"]["number"]["value"] == 7 and told["iterations"] == 3
    refused = there.json("run", "count.json", "number=1", "--until", "__import__('os')")
    assert (refused["error"]["code"], refused["exit"]) == ("E_WORKFLOW", 4)


def test_events_are_lines_and_the_last_has_the_results(there):
    there.write("echo.json", ECHO)
    done = there.run("run", "echo.json", "number=4", "--events")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines[:2]] == ["workflow_started", "queued"]
    assert lines[-1]["event"] == "finished" and lines[-1]["results"]["out"]["value"] == 4
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("workflow", "words", "code", "exit_code"),
    [
        (ECHO, ["numbr=4"], "E_WORKFLOW", 4),
        (ECHO, ["number=4.5"], "E_WORKFLOW", 4),
        (ECHO, [], "E_MISSING_INPUT", 4),
        (RAISE, [], "E_NODE_FAILED", 1),
    ],
)
def test_what_goes_wrong_has_a_code_and_an_exit_code(there, workflow, words, code, exit_code):
    told = there.json("run", there.write("flow.json", workflow), *words)
    assert (told["ok"], told["error"]["code"]) == (False, code)
    assert told["exit"] == told["error"]["exit_code"] == exit_code
    assert told["error"]["message"]


def test_wrong_usage_and_missing_files_are_told_before_anything_starts(bare):
    bare.write("echo.json", ECHO)
    for words, exit_code, says in (
        (["run"], 2, "run --help"),
        (["run", "echo.json", "--iterations", "0"], 2, "--iterations"),
        (["rnu"], 2, "Did you mean 'run'"),
        (["run", "echo.json", "picture=@nowhere.png"], 4, "nowhere.png"),
        (["fetch", "echo.json"], 2, "--yes"),
    ):
        done = bare.run(*words)
        assert (done.returncode, done.stdout) == (exit_code, b""), words
        assert says in done.stderr.decode() and b"Traceback" not in done.stderr
    told = bare.json("run", "echo.json", "number=4", "-o", "echo.json/out")
    assert (told["error"]["code"], told["exit"]) == ("E_OUTPUT", 1)
    told = bare.json("run", "nowhere.json")
    assert (told["error"]["code"], told["exit"]) == ("E_FILE_NOT_FOUND", 4)
    told = bare.json("run", "echo.json", "number=4")
    assert (told["error"]["code"], told["exit"]) == ("E_WORKER_START", 3)
    done = bare.run("run", "echo.json", "number=4", DISCOMFORT_KEEP_WARM=None)
    assert b"stays warm" not in done.stderr, "there is none"


def test_a_folder_for_results_that_can_not_be_one_is_refused_before_anything_starts(bare):
    bare.write("echo.json", ECHO)
    told = bare.json("run", "echo.json", "number=4", "-o", "")
    assert (told["error"]["code"], told["exit"]) == ("E_USAGE", 2)
    if os.name != "nt":
        (bare.here / "link").symlink_to("nowhere")
        told = bare.json("run", "echo.json", "number=4", "-o", "link")
        assert (told["error"]["code"], told["exit"]) == ("E_OUTPUT", 1)


@pytest.mark.skipif(os.name == "nt", reason="no process can send it itself there")
def test_ctrl_c_while_the_program_is_still_being_imported_ends_it_without_a_word(bare):
    program = """
import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "discomfort.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
runpy.run_module("discomfort", run_name="__main__", alter_sys=True)
"""
    command = [bare.command()[0], "-c", program]
    done = subprocess.run(command, cwd=bare.here, env=bare.variables(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_other_commands_ask_it_and_run_nothing(there):
    flow = str(ROOT / "test_workflows" / "type_int.json")
    plan = there.json("plan", flow, "number=4", "--svg", "plan.svg")
    port_of = {line["name"]: line for line in plan["steps"][0]["ports"]}
    assert (port_of["number"]["value"], plan["missing"], plan["exit"]) == (4, [], 0)
    assert (there.here / "plan.svg").read_text().startswith("<svg")
    check = there.json("check", flow)
    assert check["is_ready"] and check["exit"] == 0
    lacking = {"1": {"class_type": "NoSuchNode", "inputs": {}}}
    check = there.json("check", there.write("lacking.json", lacking))
    assert not check["is_ready"] and check["exit"] == 4
    fetch = there.json("fetch", flow, "--dry-run")
    assert fetch["downloads"] == [] and fetch["exit"] == 0
    prompt = there.json("convert", flow)["prompt"]
    assert prompt["2"]["class_type"] == "PrimitiveInt"


def test_workflows_are_looked_at_and_stitched_without_a_comfyui(bare):
    flows = [str(ROOT / "test_workflows" / f"{name}.json") for name in ("loop_ping", "loop_pong")]
    told = bare.json("stitch", *flows, "-o", "both.json")
    assert json.loads((bare.here / "both.json").read_text()) == told["stitched_workflow"]
    ports = bare.json("ports", flows[0])
    assert {"text"} <= {line["name"] for line in ports["ports"]}


def test_a_reader_that_stops_reading_is_no_error_that_is_told(there):
    there.write("echo.json", ECHO)
    words = " ".join(("run", "echo.json", "number=4", "--events", *there.options))
    done = there.shell(f"discomfort {words} | :; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == (b"141\n", b"")
    help_text = there.shell("discomfort --help | :; echo ${PIPESTATUS[0]}")
    assert help_text.stdout in (b"141\n", b"0\n") and help_text.stderr == b""
    head = there.shell(f"discomfort {words} | head -n 1")
    assert json.loads(head.stdout)["event"] == "workflow_started" and head.stderr == b""


def test_streams_that_are_closed_full_or_not_utf_8(there):
    there.write("text.json", TEXT)
    words = " ".join(("run", "text.json", "text='gr\u00fc\u00df \u732b'", *there.options))
    closed = there.shell(f"discomfort {words} >&- 2>&- <&-; echo $?")
    assert closed.stdout == b"0\n"
    full = there.shell(f"discomfort {words} >/dev/full; echo $?")
    assert full.stdout == b"1\n" and b"No space left on device" in full.stderr
    narrow = there.shell(f"discomfort {words}", PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert narrow.stdout == b"out: gr\\xfc\\xdf \\u732b\n"


def can_mount() -> bool:
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.name == "posix" and not subprocess.run(command, capture_output=True).returncode


@pytest.mark.skipif(not can_mount(), reason="may not mount a small disk")
def test_a_full_disk_for_results_is_told_and_leaves_no_half_file(there):
    (there.here / "photo.png").write_bytes(noise(256))
    there.write("invert.json", PICTURE)
    (there.here / "out").mkdir()
    words = there.command("run", "invert.json", "picture=@photo.png", "-o", "out", "--json")
    line = 'mount -t tmpfs -o size=64k tmpfs out && "$@"; echo; ls -A out'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", line, "sh", *words, *there.options],
        cwd=there.here,
        env=there.variables(),
        capture_output=True,
        check=False,
    )
    told, *left = done.stdout.splitlines()
    error = json.loads(told)["error"]
    assert error["code"] == "E_OUTPUT" and "No space left" in error["message"]
    assert [name for name in left if name] == []


def test_a_watched_workflow_runs_again_when_it_was_saved(there):
    path = there.here / there.write("echo.json", ECHO)
    program = there.start("run", "echo.json", "number=4", "--watch", "--json")
    assert program.stdout and program.stderr

    def next_one() -> dict:
        assert program.stdout and program.stderr
        told = json.loads(program.stdout.readline())
        assert b"Waiting for a change" in program.stderr.readline()
        return told

    try:
        assert next_one()["results"]["out"]["value"] == 4
        path.write_text('{"1": {"class_type": "DiscomfortPort",', encoding="utf-8")  # half of it
        assert next_one()["error"]["code"] == "E_WORKFLOW"
        changed = json.dumps({**ECHO, "3": port("renamed", ["2", 0])})
        (there.here / "draft").write_text(changed, encoding="utf-8")
        (there.here / "draft").replace(path)
        assert next_one()["results"]["renamed"]["value"] == 4
    finally:
        program.send_signal(signal.SIGINT)
        out, error = program.communicate(timeout=60)
    assert program.returncode == 130
    assert json.loads(out)["error"]["code"] == "E_INTERRUPTED" and b"Traceback" not in error
