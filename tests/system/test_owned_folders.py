"""Folders that a living process owns, and the purge of those whose owners died."""

from __future__ import annotations

from pathlib import Path

import pytest
from custom_nodes.discomfort.system import owned_folders


def test_the_purge_takes_dead_owners_folders_only(tmp_path: Path):
    dead, living = tmp_path / "dead", tmp_path / "living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "value").write_text("x")
        (folder / owned_folders.LOCK_NAME).write_text("")
    held = owned_folders.owner_lock(living)
    assert held.acquire()
    assert owned_folders.purge_dead(owned_folders.folders_in(tmp_path)) == [dead]
    assert (living / "value").read_text() == "x"
    held.release()


def test_a_folder_without_a_lock_is_removed_only_if_it_is_empty(tmp_path: Path):
    # A cleaner of temporary files may have taken the lock file of an owner that lives.
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder in (empty, full):
        folder.mkdir()
    (full / "value").write_text("x")
    owned_folders.purge_dead(owned_folders.folders_in(tmp_path))
    assert not empty.exists() and (full / "value").read_text() == "x"


def test_a_removal_that_fails_lets_the_lock_go_and_the_next_purge_goes_on(tmp_path: Path):
    folder = tmp_path / "dead"
    folder.mkdir()
    (folder / owned_folders.LOCK_NAME).write_text("")

    def fails(*_: object) -> bool:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="middle"):
        owned_folders.purge_dead([folder], fails)
    assert not owned_folders.is_held(folder / owned_folders.LOCK_NAME)
    assert owned_folders.purge_dead([folder]) == [folder]


def test_links_in_a_dead_owners_folder_are_removed_and_not_followed(tmp_path: Path):
    folder, target = tmp_path / "dead", tmp_path / "users"
    for made in (folder, target):
        made.mkdir()
    (target / "keep").write_text("x")
    (folder / owned_folders.LOCK_NAME).write_text("")
    (folder / "link").symlink_to(target, target_is_directory=True)
    assert owned_folders.purge_dead([folder]) == [folder]
    assert (target / "keep").read_text() == "x"


def test_a_lock_tells_the_living_from_the_dead(tmp_path: Path):
    lock = owned_folders.owner_lock(tmp_path)
    assert not owned_folders.is_held(lock.path)
    assert lock.acquire() and owned_folders.is_held(lock.path)
    assert not owned_folders.owner_lock(tmp_path).acquire()
    lock.release(remove=False)
    assert not owned_folders.is_held(lock.path)
