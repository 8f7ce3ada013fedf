"""The shared memory of macOS: POSIX objects by name, which Linux has as well."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from custom_nodes.discomfort.store import codec
from custom_nodes.discomfort.store.named import PosixBlocks
from custom_nodes.discomfort.store.segments import NoRoom

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shared memory")


def test_block_is_written_read_privately_and_freed(tmp_path):
    blocks = PosixBlocks(tmp_path / "made")
    array = np.arange(100_000)
    blocks.create("abc_1", codec.encode(array))
    assert blocks.versions() == ["abc_1"]
    loaded = codec.decode(blocks.open("abc_1"))
    loaded[:] = 0
    assert np.array_equal(codec.decode(blocks.open("abc_1")), array)
    assert not blocks.free("abc_1", is_owner=False)
    assert blocks.free("abc_1") and blocks.free("abc_1")
    assert not loaded.any() and blocks.versions() == []
    with pytest.raises(FileNotFoundError):
        blocks.open("abc_1")


def test_marker_names_a_block_before_it_is_whole(tmp_path):
    blocks = PosixBlocks(tmp_path / "made")
    value = codec.encode(np.arange(1000))
    value.pieces.append((0, None))  # fails in the middle of the copy
    with pytest.raises(TypeError):
        blocks.create("abc_2", value)
    assert blocks.versions() == []
    assert "discomfort_abc_2" not in (os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else [])


def test_more_than_there_is_memory_is_no_room(tmp_path):
    blocks = PosixBlocks(tmp_path / "made")
    value = codec.encode(1)
    value.total_bytes = blocks.room_bytes() * 2
    with pytest.raises(NoRoom):
        blocks.create("abc_3", value)
    assert blocks.versions() == []
