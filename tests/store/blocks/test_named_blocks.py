"""The shared memory of macOS: POSIX objects by name, which Linux has as well."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections import Counter

import numpy as np
import pytest
from custom_nodes.discomfort.store.blocks.base import NoRoom
from custom_nodes.discomfort.store.blocks.named_blocks import PosixBlocks
from custom_nodes.discomfort.store.encoding import codec
from support.stores import shared_memory

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
    assert "discomfort_abc_2" not in shared_memory()


def test_more_than_there_is_memory_is_no_room(tmp_path):
    blocks = PosixBlocks(tmp_path / "made")
    value = codec.encode(1)
    value.total_bytes = blocks.room_bytes() * 2
    with pytest.raises(NoRoom):
        blocks.create("abc_3", value)
    assert blocks.versions() == []


@pytest.fixture
def as_on_macos(monkeypatch, tmp_path):
    """No shared-memory file system: the store takes the path that it takes on macOS."""
    from custom_nodes.discomfort.store import worker_side
    from custom_nodes.discomfort.store.blocks import base, named_blocks

    monkeypatch.setattr(base, "SHM_DIR", tmp_path / "absent")
    # Here there is one, and who purges it (another test run, too) finds no mark of an owner.
    monkeypatch.setattr(named_blocks, "PREFIX", "on_macos_")
    worker_side._storages_of.cache_clear()
    yield
    worker_side._storages_of.cache_clear()


def test_context_without_a_memory_file_system(as_on_macos):
    from custom_nodes.discomfort.store import worker_side
    from custom_nodes.discomfort.workflow_context import WorkflowContext

    with WorkflowContext(max_ram_gb=8 / 1024) as context:
        for i in range(20):
            context.save(f"k{i}", np.full(1 << 20, i, np.uint8))
        loan = context.internal.lend(["k1", "k19"])
        for key, number in (("k1", 1), ("k19", 19)):
            value, _ = worker_side.load(loan.run_dir, loan.versions[key])
            assert (value == number).all()
        worker_side.save(loan.save_order, "out", np.arange(9), False)
        assert context.internal.collect(loan).load("out").sum() == 36
        assert [int(context.load(f"k{i}")[-1]) for i in range(20)] == list(range(20))
        info = context.get_storage_info("k19") or {}
        assert info["storage_type"] == "ram" and len("/" + info["shm_name"]) <= 31
        left = context.folder / "made"
        assert left.exists()
    assert not left.exists()


def test_blocks_of_a_killed_owner_are_found_by_their_markers(as_on_macos, own_folders):
    from custom_nodes.discomfort.store import run_dir

    folder = own_folders / "contexts" / "dead"
    folder.mkdir(parents=True)
    (folder / "owner.lock").touch()
    blocks = PosixBlocks(folder / "made")
    blocks.create("dead_1", codec.encode(np.arange(1000)))
    assert run_dir.purge(folder.parent) == [str(folder)]
    with pytest.raises(FileNotFoundError):
        blocks.open("dead_1")


class HoldingBlocks(PosixBlocks):
    """Blocks that live by handles, as those of Windows: real memory, freed with its last handle."""

    handles: Counter[str] = Counter()

    def __init__(self, markers):
        super().__init__(markers)
        self._held: set[str] = set()

    def create(self, version, value, is_list=False):
        super().create(version, value, is_list)
        self.adopt(version, value.total_bytes)

    def adopt(self, version, size_bytes):
        self._held.add(version)
        self.handles[version] += 1

    def free(self, version, is_owner=True, size_bytes=None):
        if version in self._held:
            self._held.remove(version)
            self.handles[version] -= 1
            if not self.handles[version]:
                super().free(version)
        return True

    def close(self):
        for version in list(self._held):
            self.free(version)

    def __del__(self):
        self.close()


@pytest.fixture
def as_on_windows(monkeypatch):
    """RAM blocks that live by handles: the store takes the path that it takes on Windows."""
    from custom_nodes.discomfort.store import worker_side
    from custom_nodes.discomfort.store.blocks import choose

    monkeypatch.setattr(choose, "ram_blocks", lambda folder: HoldingBlocks(folder / "made"))
    HoldingBlocks.handles.clear()
    worker_side._storages_of.cache_clear()
    yield
    worker_side._storages_of.cache_clear()


def test_a_block_that_lives_by_a_handle_is_held_by_its_folder_until_it_is_taken(as_on_windows):
    from custom_nodes.discomfort.store import worker_side
    from custom_nodes.discomfort.workflow_context import WorkflowContext

    with contextlib.ExitStack() as stack:
        contexts = [stack.enter_context(WorkflowContext()) for _ in range(40)]
        loans = [context.internal.lend([]) for context in contexts]
        for number, loan in enumerate(loans):  # more folders than are kept open for speed
            worker_side.save(loan.save_order, "out", np.full(9, number), False)
        gc.collect()
        versions = [v for v, count in HoldingBlocks.handles.items() if count]
        assert len(versions) == 40 and {f"discomfort_{v}" for v in versions} <= shared_memory()
        for number, (context, loan) in enumerate(zip(contexts, loans, strict=True)):
            assert (context.internal.collect(loan).load("out") == number).all()
        last = contexts[0].internal.lend([])
        worker_side.save(last.save_order, "last", 1, False)  # lets go of all that was taken
        assert [HoldingBlocks.handles[version] for version in versions] == [1] * 40
        contexts[0].internal.collect(last)
        assert [int(context.load("out")[0]) for context in contexts] == list(range(40))
    worker_side._let_go_of_taken()
    assert not any(HoldingBlocks.handles.values())
