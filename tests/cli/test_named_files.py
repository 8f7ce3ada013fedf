"""The file that a user names to be written: what is there is written to and stays what it is."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.cli.failures import OutputFailed, UsageFailed
from custom_nodes.discomfort.cli.named_files import check_file, write_text_file
from support.package import ROOT

needs_posix = pytest.mark.skipif(os.name == "nt", reason="there are none of these")
FLOWS = [str(ROOT / "test_workflows" / f"{name}.json") for name in ("loop_ping", "loop_pong")]


@needs_posix
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    write_text_file(str(pipe), "text")
    reader.join(60)
    assert got == ["text"] and stat.S_ISFIFO(os.lstat(pipe).st_mode)


@needs_posix
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_what_it_names_is_written(tmp_path: Path, is_there):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    if is_there:
        real.write_text("old")
    link.symlink_to("real.json")
    write_text_file(str(link), "new")
    assert link.is_symlink() and real.read_text() == "new" and not real.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.json", "real.json"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it has no name there")
def test_standard_output_by_a_name_gets_it_behind_what_is_there(bare):
    (bare.here / "out").symlink_to("/proc/self/fd/1")
    words = " ".join(FLOWS)
    done = bare.shell(f"discomfort stitch {words} -o out | cat")
    told, _ = json.JSONDecoder().raw_decode(done.stdout.decode())
    assert "nodes" in told and (bare.here / "out").is_symlink(), done.stderr
    (bare.here / "log").write_text("before\n")
    done = bare.shell(f"discomfort stitch {words} -o out >> log")
    assert (bare.here / "log").read_text().startswith("before\n{"), done.stderr


@pytest.mark.parametrize("write", [check_file, lambda name: write_text_file(name, "text")])
def test_what_can_not_be_written_is_refused_with_words(tmp_path: Path, write):
    for name, words in ((tmp_path / "no" / "a.json", "no folder"), (tmp_path, "is a folder")):
        with pytest.raises(OutputFailed, match=words):
            write(str(name))
    with pytest.raises(UsageFailed):
        write("")
    assert not list(tmp_path.iterdir())


def test_it_is_refused_before_the_work_is_done(bare):
    flow = FLOWS[0]
    for words in (
        ("convert", flow, "--start", "-o", "no/prompt.json"),
        ("plan", flow, "--svg", "no/plan.svg"),
        ("report", "-o", "no/report.txt"),
        ("stitch", flow, "-o", "no/all.json"),
    ):
        told = bare.json(*words)
        assert (told["error"]["code"], told["exit"]) == ("E_OUTPUT", 1), words
    told = bare.json("plan", flow, "--svg", "plan.png")
    assert (told["error"]["code"], told["exit"]) == ("E_USAGE", 2)
