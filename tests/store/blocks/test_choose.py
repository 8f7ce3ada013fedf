"""Which blocks a context has, and what they can do beyond the common part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from custom_nodes.discomfort.store.blocks.base import HoldsHandles, PinsBlocks, ReusesMemory
from custom_nodes.discomfort.store.blocks.choose import open_storages
from custom_nodes.discomfort.store.blocks.file_blocks import FileBlocks
from custom_nodes.discomfort.store.blocks.named_blocks import PosixBlocks, WindowsBlocks
from custom_nodes.discomfort.store.blocks.shared_files import SharedFiles
from custom_nodes.discomfort.store.encoding import codec
from support.stores import shm_files


def abilities(blocks: object) -> set[str]:
    protocols = (HoldsHandles, PinsBlocks, ReusesMemory)
    return {protocol.__name__ for protocol in protocols if isinstance(blocks, protocol)}


def test_each_kind_of_blocks_has_what_it_can_do_and_nothing_else(tmp_path: Path):
    assert abilities(FileBlocks(tmp_path)) == {"PinsBlocks"}
    assert abilities(SharedFiles(tmp_path)) == {"PinsBlocks", "ReusesMemory"}
    assert abilities(PosixBlocks(tmp_path)) == set()
    assert abilities(WindowsBlocks()) == {"HoldsHandles"}


@shm_files
def test_storages_offer_shared_memory_for_all_that_it_can_do(tmp_path: Path):
    storages = open_storages(tmp_path)
    assert storages.reusing is storages.ram and storages.pinning_at("ram") is storages.ram
    assert storages.at("disk") is storages.disk is storages.pinning_at("disk")
    assert storages.holding is None


def test_freed_memory_is_reused_only_when_it_may_be_kept(tmp_path: Path):
    blocks = SharedFiles(tmp_path)
    value = codec.encode(np.ones(2 << 20, np.uint8))
    blocks.create("a_1", value)
    assert blocks.free("a_1") and blocks.kept_bytes == 0
    blocks.keep_at_most(8 << 20)
    blocks.create("a_2", value)
    inode = (tmp_path / "discomfort_a_2").stat().st_ino
    assert blocks.free("a_2") and blocks.kept_bytes == value.total_bytes
    blocks.create("a_3", value)
    assert (tmp_path / "discomfort_a_3").stat().st_ino == inode
    assert codec.decode(blocks.open("a_3")).all()
    blocks.close()


def test_lent_memory_serves_another_process_and_what_it_leaves_comes_back(tmp_path: Path):
    ours, theirs = SharedFiles(tmp_path), SharedFiles(tmp_path)
    value = codec.encode(np.ones(2 << 20, np.uint8))
    ours.keep_at_most(16 << 20)
    for version in ("a_1", "a_2"):
        ours.create(version, value)
    for version in ("a_1", "a_2"):
        ours.free(version)
    lent = ours.lend(4)
    assert {version for version, _ in lent} == {"a_1", "a_2"} and ours.kept_bytes == 0
    theirs.create_in(lent, "a_3", value)
    for version, size_bytes in lent:
        ours.free(version, size_bytes=size_bytes)
    assert ours.kept_bytes == value.total_bytes  # the other bears another name now
    assert codec.decode(theirs.open("a_3")).all()
    for blocks in (ours, theirs):
        blocks.close()
