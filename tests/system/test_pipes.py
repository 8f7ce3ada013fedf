"""Files and pipes are read whole; a pipe that nobody writes to is not waited for without an end."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.system import pipes
from custom_nodes.discomfort.system.config import read_text
from custom_nodes.discomfort.system.pipes import read_file

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes have no paths there")


def test_a_file_is_read_whole(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 200_000)
    assert read_file(path) == b"x" * 200_000


@posix
def test_what_is_written_to_a_pipe_is_read_to_its_end(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * 200_000,))
    writer.start()
    assert read_file(path) == b"x" * 200_000
    writer.join()


@posix
@pytest.mark.parametrize("is_open", [False, True], ids=["no writer", "a writer that says nothing"])
def test_a_pipe_that_nobody_writes_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_open: bool
):
    monkeypatch.setattr(pipes, "PATIENCE_S", 0.2)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR) if is_open else -1
    try:
        with pytest.raises(ConfigError, match=r"nobody has written to it for 0\.2 s"):
            read_text(path)
    finally:
        if is_open:
            os.close(fd)


@posix
def test_a_device_is_no_file():
    with pytest.raises(ConfigError, match="it is no file"):
        read_text("/dev/zero")
