"""Names of places are judged as texts: no system is asked, and no other machine."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from custom_nodes.discomfort.system import path_names

REMOTE = [
    *(r"\\host\share\x", "//host/share/x", r"\\?\C:\x", r"\\.\pipe\x", r"\\?\UNC\host\share"),
    *(r"\??\C:\x", "/??/C:/x", r"\/host\share", r"/\host/share"),
]


@pytest.mark.parametrize("name", REMOTE)
def test_names_of_other_machines_and_devices_are_known(name):
    assert path_names.is_remote(name)
    assert not path_names.is_relative(name)


@pytest.mark.parametrize("name", ["a", "a/b", "/a/b", r"C:\a", r"a\\b", "", "?", "~/a"])
def test_other_names_are_not_taken_for_such(name):
    assert not path_names.is_remote(name)


@pytest.mark.parametrize(
    ("kind", "folder", "inside", "outside"),
    [
        (
            PurePosixPath,
            "/a/b",
            ["/a/b/c", "/a/b//c", "/a/b/./c"],
            ["/a/b", "/a/bc", "/a/b/../c", "b/c", "//a/b/c", "/a", "/a/b/c\0", "", "."],
        ),
        (
            PureWindowsPath,
            r"C:\a\b",
            [r"C:\a\b\c", "c:/A/B/c", r"C:\a\b\.\c"],
            [r"\\?\C:\a\b\c", r"\\host\a\b\c", r"D:\a\b\c", r"\a\b\c", "C:c", r"C:\a\b\..\c"],
        ),
        (
            PureWindowsPath,
            r"\\nas\share\a",
            [r"\\nas\share\a\b", "//NAS/share/a/b"],
            [r"\\other\share\a\b", r"\\nas\share\b", r"\\?\UNC\nas\share\a\b"],
        ),
    ],
)
def test_what_is_below_a_folder_follows_from_the_text(monkeypatch, kind, folder, inside, outside):
    monkeypatch.setattr(path_names, "PurePath", kind)
    assert [name for name in inside if not path_names.is_below(name, [kind(folder)])] == []
    assert [name for name in outside if path_names.is_below(name, [kind(folder)])] == []


@pytest.mark.parametrize(
    ("kind", "name", "stays"),
    [
        (PurePosixPath, "a/b.png", True),
        (PurePosixPath, "**/*.png", True),
        (PurePosixPath, "../a", False),
        (PurePosixPath, "a/../../b", False),
        (PurePosixPath, "/a", False),
        (PureWindowsPath, r"a\b", True),
        (PureWindowsPath, r"a\..\b", False),
        (PureWindowsPath, "C:a", False),
        (PureWindowsPath, r"\a", False),
    ],
)
def test_what_stays_in_a_folder_follows_from_the_text(monkeypatch, kind, name, stays):
    monkeypatch.setattr(path_names, "PurePath", kind)
    assert path_names.is_relative(name) is stays
