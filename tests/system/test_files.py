"""Files that are there whole or not at all, also when the disk is full or a writer fails."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.system.files import check_free, write_file, written_beside


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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_private_file_is_for_its_owner_alone(tmp_path: Path):
    write_file(tmp_path / "file", lambda file: file.write(b"x"), is_private=True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows can't limit the size of files")
def test_a_disk_without_room_leaves_the_old_file_and_no_draft(tmp_path: Path):
    import resource

    target = tmp_path / "file"
    write_file(target, lambda file: file.write(b"old"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="large") as error:
            write_file(target, lambda file: file.write(b"x" * 2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.errno == errno.EFBIG
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    write_file(target, lambda file: file.write(b"x" * 2000))
    assert target.stat().st_size == 2000


def test_threads_that_write_the_same_file_leave_one_whole_text_of_theirs(tmp_path: Path):
    target = tmp_path / "file"
    texts = [bytes([65 + n]) * 100_000 for n in range(8)]

    def write(text: bytes) -> None:
        write_file(target, lambda file: file.write(text))

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in texts and os.listdir(tmp_path) == ["file"]


def test_what_could_not_be_written_is_refused_before_the_work(tmp_path: Path):
    target = tmp_path / "file"
    check_free(target, overwrite=False)
    target.write_text("")
    check_free(target, overwrite=True)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        check_free(target, overwrite=False)
    with pytest.raises(IsADirectoryError, match="folder"):
        check_free(tmp_path, overwrite=True)
