"""The last /object_info of a ComfyUI: kept, bounded, private, and with a word where it is old."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from custom_nodes import discomfort
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.inspection.known_classes import known_classes
from custom_nodes.discomfort.worker import kept_classes
from custom_nodes.discomfort.worker.kept_classes import Identity, find_kept, keep, packs_digest
from custom_nodes.discomfort.workflow_tools import WorkflowTools

INFO = {"Make": {"input": {"required": {"seed": ["INT", {}]}}, "output": ["IMAGE"]}}
PROMPT = {"1": {"class_type": "Make", "inputs": {"seed": 1}}}


@pytest.fixture
def comfyui(tmp_path, monkeypatch) -> Path:
    """A folder that looks like a ComfyUI, and a cache folder of this test's own."""
    made = tmp_path / "ComfyUI"
    (made / "custom_nodes" / "pack").mkdir(parents=True)
    (made / "custom_nodes" / "pack" / "__init__.py").write_text("")
    (made / "comfy").mkdir()
    for name in ("main.py", "comfy/model_management.py"):
        (made / name).write_text("")
    (made / "comfyui_version.py").write_text('__version__ = "0.33.0"\n')
    monkeypatch.setenv("COMFYUI_PATH", str(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(
        kept_classes, "kept_folder", lambda: tmp_path / "cache" / "discomfort" / "object_info"
    )
    return made


def identity() -> Identity:
    from custom_nodes.discomfort.worker.launch.settings import WorkerOptions, read_config

    return kept_classes.identity_of(read_config(None, WorkerOptions()))


def kept(*args: Any) -> Path:
    path = keep(*args)
    assert path is not None
    return path


def test_what_is_to_be_kept_later_is_kept_when_it_is_asked_for(comfyui):
    kept_classes.keep_later(identity, INFO)
    assert not kept_classes.kept_folder().exists()
    assert "Make" in known_classes().info


def test_what_is_still_to_be_kept_is_kept_at_the_end_of_the_script(comfyui, tmp_path):
    program = Path(__file__).parents[1] / "programs" / "keep_at_the_end.py"
    root = Path(discomfort.__file__).parent
    subprocess.run([sys.executable, str(program), str(root), str(tmp_path)], check=True)
    found = find_kept(Identity("/there"), tmp_path)
    assert found is not None and "Make" in found.object_info


def test_what_is_kept_is_known_without_a_word(comfyui):
    keep(identity(), INFO)
    known = known_classes()
    assert "Make" in known.info and known.notes == ()
    assert discomfort.inspect(PROMPT).seeds[0].address == "Make.seed"


def test_a_conversion_needs_no_server_then(comfyui):
    keep(identity(), INFO)
    workflow = {"nodes": [{"id": 1, "type": "Make", "widgets_values": [7]}], "links": []}
    made = WorkflowTools().workflow_to_prompt(workflow)
    assert made["1"]["inputs"] == {"seed": 7}


def test_nothing_kept_says_what_to_do(comfyui):
    with pytest.raises(WorkflowError, match="Start it once"):
        known_classes()
    found = discomfort.inspect(PROMPT)
    assert "object_info=" in found.problems[0] and not found.inputs


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c: (c / "comfyui_version.py").write_text('__version__ = "0.34"'), "0.34 now"),
        (lambda c: (c / "custom_nodes" / "more.py").write_text(""), "packs have changed"),
        (
            lambda c: (c / "custom_nodes" / "pack" / "__init__.py").write_text("x = 1"),
            "packs have changed",
        ),
    ],
)
def test_a_comfyui_that_changed_since_is_used_with_a_word(comfyui, change, word):
    keep(identity(), INFO)
    change(comfyui)
    known = known_classes()
    assert "Make" in known.info and word in known.notes[0]
    assert word in discomfort.inspect(PROMPT).notes[0]


def test_another_comfyui_is_used_with_a_word(comfyui):
    keep(Identity("/somewhere/else", "0.1", "x"), INFO)
    assert "/somewhere/else" in known_classes().notes[0]
    keep(identity(), {})
    assert known_classes().notes == ()


def test_a_start_of_a_pack_changes_nothing_of_it(comfyui):
    folder = comfyui / "custom_nodes"
    before = packs_digest([folder])
    (folder / "pack" / "__pycache__").mkdir()
    (folder / "__pycache__").mkdir()
    assert packs_digest([folder]) == before


def test_the_last_answer_counts_and_few_are_kept(comfyui, tmp_path):
    folder = tmp_path / "kept"
    for number in range(20):
        path = kept(Identity(f"/{number}"), {"N": {"number": number}}, folder)
        os.utime(path, ns=(number, number))
    keep(Identity("/19"), {"N": {"number": 99}}, folder)
    assert len(list(folder.iterdir())) <= 9
    found = find_kept(Identity("/19"), folder)
    assert found is not None and found.object_info == {"N": {"number": 99}}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_user_can_read_it(comfyui):
    path = kept(identity(), INFO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(json.dumps({"format": 1}).encode()),
        gzip.compress(
            json.dumps(
                {"format": 99, "place": "", "version": "", "packs": "", "saved_at": 1}
                | {"object_info": {}}
            ).encode()
        ),
        gzip.compress(b'{"format": 1, "place": 3, "object_info": []}')[:-6],
        gzip.compress(b"0" * 300_000_000, 1),
    ],
    ids=["empty", "plain", "half", "deep", "bare", "newer", "cut", "bomb"],
)
def test_a_damaged_file_is_as_if_it_were_not_there(comfyui, content):
    kept(identity(), INFO).write_bytes(content)
    assert find_kept(identity()) is None


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_not_followed(comfyui, tmp_path):
    path = kept(identity(), INFO)
    path.rename(tmp_path / "elsewhere.gz")
    path.symlink_to(tmp_path / "elsewhere.gz")
    assert find_kept(identity()) is None
