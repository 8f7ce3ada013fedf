"""The disk of the worker is full while a node saves a picture, and while a value is saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import Program
from support.servers import FAKE, Server, write_config

pytestmark = [
    pytest.mark.usefixtures("leaves_nothing"),
    pytest.mark.one_version,
    pytest.mark.skipif(sys.platform != "linux", reason="neither mounts nor limits of others"),
]


def can_mount() -> bool:
    try:
        done = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


def assert_it_goes_on(program: Program) -> None:
    out, err = program.wait()
    assert out.splitlines() == [
        "SaveImage True",
        "DiscomfortContextSaver True",
        "(1, 2048, 2048, 3) kept True",
    ], out + err
    assert program.process.returncode == 0 and "Traceback" not in err, err


@pytest.mark.skipif(not can_mount(), reason="may not mount; the test with a limit stands in")
def test_full_disk_is_an_error_that_says_what_to_do_and_the_next_run_works(
    server: Server, tmp_path: Path
):
    disk = tmp_path / "disk"
    disk.mkdir()
    before = (
        f"mount -t tmpfs -o size=16m tmpfs /dev/shm && mount -t tmpfs -o size=120m tmpfs '{disk}'"
    )
    config = write_config(tmp_path, server.path)
    assert_it_goes_on(
        Program("worker/fill_the_disk", config, "ballast", before=before, TMPDIR=str(disk))
    )


def test_file_that_may_not_grow_is_an_error_that_says_what_to_do_and_the_next_run_works(
    tmp_path: Path,
):
    assert_it_goes_on(Program("worker/fill_the_disk", write_config(tmp_path, FAKE), "limit"))
