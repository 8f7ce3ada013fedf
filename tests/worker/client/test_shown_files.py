"""Which files output nodes report: within the server's folders, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.worker.client.shown_files import (
    ShownFile,
    names_files,
    shown_files,
)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """Output is behind a link, as where a user has put it on another disk."""
    for name in ("disk", "temp", "input"):
        (tmp_path / name).mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk" / "sub").mkdir()
    for name in ("disk/a.png", "disk/sub/b.png", "temp/c.png", "secret.txt"):
        (tmp_path / name).write_text(name)
    return {name: str(tmp_path / name) for name in ("output", "temp", "input")}


def found(folders: dict[str, str], *items: Any) -> list[ShownFile]:
    return list(shown_files({"1": {"images": list(items)}}, folders).files.get("1", ()))


def test_files_are_found_by_kind_and_subfolder(folders: dict[str, str], tmp_path: Path):
    a = {"filename": "a.png", "subfolder": "", "type": "output"}
    b = {"filename": "b.png", "subfolder": "sub", "type": "output"}
    c = {"filename": "c.png", "type": "temp"}
    disk = (tmp_path / "disk").resolve()
    assert found(folders, a, b, c, a) == [
        ShownFile(disk / "a.png", "output"),
        ShownFile(disk / "sub" / "b.png", "output"),
        ShownFile((tmp_path / "temp").resolve() / "c.png", "temp"),
    ]
    assert found(folders, {"filename": "a.png"}) == [ShownFile(disk / "a.png", "output")]


def test_what_names_no_file_is_none(folders: dict[str, str]):
    outputs = {"1": {"text": ["a.png"], "n": [3, None], "d": {"filename": "a.png"}}, "2": ["x"]}
    assert not names_files(outputs)
    assert shown_files(outputs, folders) == ({}, ())
    assert names_files({"1": {"gifs": ({"filename": "x"},)}})


@pytest.mark.parametrize(
    "item",
    [
        {"filename": "../secret.txt"},
        {"filename": "secret.txt", "subfolder": ".."},
        {"filename": "secret.txt", "subfolder": "sub/../.."},
        {"filename": "/etc/passwd"},
        {"filename": "passwd", "subfolder": "/etc"},
        {"filename": "passwd", "subfolder": ["/etc"]},
        {"filename": "a.png", "type": "models"},
        {"filename": "gone.png"},
        {"filename": "a.png", "subfolder": "sub/.."},  # as a text it leads out
        {"filename": "sub"},
        {"filename": ""},
        {"filename": "a\0.png"},
        {"filename": "x", "fullpath": "/etc/passwd"},
        {"filename": "\\\\server\\share\\a.png"},
        {"filename": "x" * 5000},
    ],
)
def test_what_leads_out_or_is_not_there_is_refused_in_words(folders: dict[str, str], item: Any):
    files, refused = shown_files({"7": {"images": [item]}}, folders)
    assert not files and len(refused) == 1
    assert "Node 7" in refused[0] and "is not among the files" in refused[0]


def test_a_link_that_leads_out_is_refused(folders: dict[str, str], tmp_path: Path):
    (tmp_path / "disk" / "link.png").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "disk" / "inner.png").symlink_to(tmp_path / "disk" / "a.png")
    assert found(folders, {"filename": "link.png"}) == []
    (inner,) = found(folders, {"filename": "inner.png"})
    assert inner.path.name == "a.png"
    full = {"filename": "no.mp4", "fullpath": str(tmp_path / "disk" / "sub" / "b.png")}
    assert [f.path.name for f in found(folders, full)] == ["b.png"]


def test_without_folders_there_are_no_files():
    assert shown_files({"1": {"images": [{"filename": "a"}]}}, {}).files == {}
