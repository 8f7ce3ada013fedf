"""What a script leaves in a process and its folders goes; what was there stays as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.launch.leavings import Leavings, own_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own" / "of a pack").mkdir(parents=True)
    (tmp_path / "own" / "settings.json").write_text("{}")
    return tmp_path / "own"


def test_new_files_go_and_changed_ones_are_as_they_were(folder, tmp_path):
    leavings = Leavings((folder, tmp_path / "not there"))
    leavings.note()
    (folder / "new" / "deep").mkdir(parents=True)
    (folder / "new" / "deep" / "x.png").write_bytes(b"x")
    (folder / "of a pack" / "y.png").write_bytes(b"y")
    (folder / "settings.json").write_text("{'a': 1}")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine.txt").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "not there").mkdir()
    (tmp_path / "not there" / "z").write_text("z")
    leavings.remove()
    assert sorted(p.name for p in folder.rglob("*")) == ["of a pack", "settings.json"]
    assert (folder / "settings.json").read_text() == "{}"
    assert (tmp_path / "outside" / "mine.txt").read_text() == "mine"
    assert list((tmp_path / "not there").iterdir()) == []
    (folder / "settings.json").unlink()
    leavings.remove()
    assert (folder / "settings.json").read_text() == "{}"


def test_environment_and_working_folder_are_as_they_were(folder, monkeypatch):
    monkeypatch.setenv("A_WORD", "before")
    leavings = Leavings((folder,))
    leavings.note()
    here = os.getcwd()
    monkeypatch.setenv("A_SECRET", "x")
    monkeypatch.setenv("A_WORD", "after")
    monkeypatch.chdir(folder)
    leavings.remove()
    assert "A_SECRET" not in os.environ
    assert os.environ["A_WORD"] == "before"
    assert os.getcwd() == here


def test_a_user_folder_that_is_not_the_workers_is_left_alone(tmp_path):
    temp, user = str(tmp_path / "temp" / "temp"), str(tmp_path / "user")
    assert own_folders(temp, user) == (Path(temp), Path(user))
    assert own_folders(temp, str(tmp_path / "elsewhere" / "user")) == (Path(temp),)
