"""The name of a value: from what is in it, wherever its memory is."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from custom_nodes.discomfort.finished_steps.content import content_of
from custom_nodes.discomfort.finished_steps.room import (
    Kept,
    choose_evicted,
    default_limit,
    next_use,
)
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps, Output
from custom_nodes.discomfort.store.blocks.file_blocks import FileBlocks
from custom_nodes.discomfort.store.encoding import codec, layout
from support.finished_steps import key_of, outputs, picture
from support.gpu import needs_gpu

VALUES = [o.value for name, o in outputs(1, 80).items() if name != "blocked"]


@pytest.mark.parametrize("value", [*VALUES, None, [], picture(1)[:, ::2, ::3]])
@pytest.mark.parametrize("is_list", [False, True])
def test_hash_and_checksum_are_those_of_the_block_that_is_written(tmp_path, value, is_list):
    content = content_of(value, is_list)
    blocks = FileBlocks(tmp_path / "values")
    blocks.create(content.name, content.value, content.is_list)
    data = Path(blocks.locate(content.name)).read_bytes()
    assert zlib.crc32(data) == content.checksum and len(data) == content.value.total_bytes
    hashed = layout.content_hash(memoryview(data))
    assert hashed == layout.hash_encoded(content.value, is_list)
    assert layout.read_header(data).version == content.name


def test_memory_of_another_device_is_hashed_as_it_will_be_written():
    """As its pieces come, as tensors of bytes; here of the CPU."""
    encoded = codec.encode({"a": picture(1, 80), "b": picture(2, 80)})
    pieces = [
        (at, torch.frombuffer(bytearray(data), dtype=torch.uint8) if len(data) > 9000 else data)
        for at, data in encoded.pieces
    ]
    elsewhere = replace(encoded, pieces=pieces)
    assert elsewhere.is_on_device
    assert layout.hash_encoded(elsewhere) == layout.hash_encoded(encoded)
    header = encoded.header("name")
    assert layout.checksum_encoded(elsewhere, header) == layout.checksum_encoded(encoded, header)


@needs_gpu
def test_a_tensor_on_a_gpu_is_kept_and_comes_back_there(tmp_path):
    value = picture(1, 200).cuda()
    with FinishedSteps(tmp_path / "kept") as steps:
        assert steps.keep(key_of(1), {"a": Output(value)}) is None
        found = steps.find(key_of(1))
        assert found is not None
        assert found.load("a").is_cuda and torch.equal(found.load("a"), value)


def test_least_recently_used_is_chosen_and_what_others_share_frees_nothing():
    old = Kept("a", 1, 10, {"x": 100, "shared": 500})
    middle = Kept("b", 2, 10, {"y": 100})
    new = Kept("c", 3, 10, {"z": 100, "shared": 500})
    steps = [new, old, middle]
    assert choose_evicted(steps, 830) == []
    assert choose_evicted(steps, 829) == ["a"]
    assert choose_evicted(steps, 719) == ["a", "b"]
    assert choose_evicted(steps, 0) == ["a", "b", "c"]
    assert choose_evicted([], 0) == []


def test_limit_is_a_tenth_of_the_free_disk_and_does_not_shrink_by_what_is_kept():
    assert default_limit(50 * 10**9, 0) == default_limit(45 * 10**9, 5 * 10**9) == 5 * 10**9
    assert default_limit(10**13, 0) == 20 * 10**9
    assert default_limit(0, 0) == 0


def test_uses_are_in_order_whatever_the_clock_says():
    assert next_use(100, 50) == 100
    assert next_use(40, 50) == 51
