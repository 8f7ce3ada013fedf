"""This user's private folders: where they are, who may use them, what earlier versions left."""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import StoreError, WorkerStartError
from custom_nodes.discomfort.system import owned_folders, user_folders
from custom_nodes.discomfort.worker.launch import worker_folder
from custom_nodes.discomfort.workflow_context import WorkflowContext

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


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can chown")
def test_a_folder_that_another_user_made_is_refused_by_contexts_and_workers(temp: Path):
    place = temp / f"discomfort-{os.getuid()}"
    place.mkdir(mode=0o700)
    os.chown(place, 12345, -1)
    with pytest.raises(user_folders.NotOurFolder, match="another user"):
        user_folders.temporary_folder()
    with pytest.raises(StoreError, match="another user"):
        WorkflowContext()
    with pytest.raises(WorkerStartError, match="another user"):
        worker_folder.make_worker_folder()
    assert os.listdir(place) == []


@posix
def test_a_former_folder_that_is_not_ours_is_left_alone(temp: Path):
    (temp / "elsewhere" / "workers" / "1-dead").mkdir(parents=True)
    (temp / f"discomfort-{getpass.getuser()}").symlink_to(temp / "elsewhere")
    assert user_folders.former_temporary_folder() is None
    worker_folder.make_worker_folder().remove(with_log=True)
    assert (temp / "elsewhere" / "workers" / "1-dead").is_dir()


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
