"""This user's private folders: where they are, who may use them, what earlier versions left."""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from pathlib import Path

import pytest
from custom_nodes.discomfort.system import owned_folders, user_folders
from custom_nodes.discomfort.system.files import write_file, written_beside
from custom_nodes.discomfort.worker.launch import worker_folder

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no uids on Windows")


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@posix
def test_the_temporary_folder_is_named_by_uid_and_private(temp: Path):
    folder = user_folders.temporary_folder()
    assert folder == temp / f"discomfort-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    assert user_folders.temporary_folder().stat().st_mode & 0o777 == 0o700


@posix
def test_a_link_or_a_file_in_its_place_is_refused(temp: Path):
    place = temp / f"discomfort-{os.getuid()}"
    (temp / "elsewhere").mkdir()
    place.symlink_to(temp / "elsewhere")
    with pytest.raises(user_folders.NotOurFolder, match="TMPDIR"):
        user_folders.temporary_folder()
    place.unlink()
    place.write_text("")
    with pytest.raises(user_folders.NotOurFolder, match="is no folder"):
        user_folders.temporary_folder()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the custom of Linux")
def test_the_data_folder_is_where_the_system_says(temp: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(temp / "data"))
    folder = user_folders.data_folder("records")
    assert folder == temp / "data" / "discomfort" / "records"
    assert folder.stat().st_mode & 0o777 == 0o700


@posix
def test_what_earlier_versions_left_is_purged_and_what_lives_there_is_not(temp: Path):
    former = temp / f"discomfort-{getpass.getuser()}"
    dead, living = former / "workers" / "1-dead", former / "workers" / "2-living"
    for folder in (dead, living):
        folder.mkdir(parents=True, mode=0o700)
        (folder / "temp").mkdir()
        (folder / owned_folders.LOCK_NAME).write_text("")
    held = owned_folders.owner_lock(living)
    assert held.acquire()
    made = worker_folder.make_worker_folder()
    assert made.path.parent.parent == user_folders.temporary_folder()
    assert not dead.exists() and living.is_dir()
    held.release(remove=False)
    second = worker_folder.make_worker_folder()
    assert not former.exists()
    made.remove(with_log=True)
    second.remove(with_log=True)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "file"
    write_file(target, lambda file: file.write(b"old"))

    def fails(file) -> None:
        file.write(b"half of it")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_file(target, fails)
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    write_file(target, lambda file: file.write(b"new"))
    assert target.read_bytes() == b"new"


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path: Path):
    target = tmp_path / "file"
    with pytest.raises(FileExistsError), written_beside(target, overwrite=False) as draft:
        draft.write_bytes(b"ours")
        target.write_bytes(b"another's")
    assert target.read_bytes() == b"another's" and os.listdir(tmp_path) == ["file"]


@posix
def test_a_private_file_is_for_its_owner_alone(tmp_path: Path):
    write_file(tmp_path / "file", lambda file: file.write(b"x"), is_private=True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


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
