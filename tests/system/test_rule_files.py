"""Files with rules: what is read, and what a stranger may have put there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.system.rule_files import UnusableFile, owners_of_pack, read_rule_file


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def why(path: Path, folder: Path) -> str:
    with pytest.raises(UnusableFile) as e:
        read_rule_file(path, folder)
    return str(e.value)


def test_json_is_read_with_comments_and_through_links_inside(tmp_path: Path):
    write(tmp_path / "a.json", '{"a": [1]} // why\n')
    (tmp_path / "b.json").symlink_to("a.json")
    assert read_rule_file(tmp_path / "a.json", tmp_path) == {"a": [1]}
    assert read_rule_file(tmp_path / "b.json", tmp_path) == {"a": [1]}
    (tmp_path / "pack").symlink_to(tmp_path, target_is_directory=True)
    assert read_rule_file(tmp_path / "pack" / "a.json", tmp_path / "pack") == {"a": [1]}


def test_what_is_no_json_or_too_much_is_said(tmp_path: Path):
    place = tmp_path / "r.json"
    assert "not valid JSON" in why(write(place, "{"), tmp_path)
    assert "more than 1 MB" in why(write(place, json.dumps("x" * (1 << 20))), tmp_path)
    for depth in (20, 100_000):
        text = "[" * depth + "]" * depth
        assert "nested" in why(write(place, text), tmp_path)
    place.write_bytes(b"\xff\xff\xff")
    assert "no text" in why(place, tmp_path)
    place.unlink()
    assert why(place, tmp_path)


def test_what_leads_out_of_the_folder_or_is_no_file_is_not_opened(tmp_path: Path):
    folder = tmp_path / "pack"
    folder.mkdir()
    write(tmp_path / "secret.json", "{}")
    (folder / "r.json").symlink_to(tmp_path / "secret.json")
    assert "leads out of its folder" in why(folder / "r.json", folder)
    (folder / "circle.json").symlink_to("circle.json")
    assert why(folder / "circle.json", folder)
    (folder / "folder.json").mkdir()
    assert why(folder / "folder.json", folder)
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.json")
        assert "no plain file" in why(folder / "pipe.json", folder)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no owners to look at")
def test_another_users_is_read_only_where_that_user_installed_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    owner = os.getuid()
    place = write(tmp_path / "r.json", "{}")
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert "this user's" in why(place, tmp_path)
    assert read_rule_file(place, tmp_path, owners_of_pack(tmp_path)) == {}
