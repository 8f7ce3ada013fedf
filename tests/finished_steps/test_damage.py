"""Finished steps on a disk that flips bits, cuts files and mixes them up: a miss, never another
value. `bench/fuzz_steps.py` does more of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from custom_nodes.discomfort.finished_steps.record import Record, read_record, write_record
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps, Output
from custom_nodes.discomfort.store.receipt import Receipt
from support.finished_steps import about, assert_is, key_of, outputs, picture
from support.step_damage import DamagedFolder


def test_a_record_comes_back_and_every_flip_and_cut_in_it_shows():
    receipt = Receipt("a", "b1", 10, "disk", is_list=True, meta={"x": 1}, checksum=7)
    record = Record(key_of(1), {"a": receipt, "b\ud800 \n": None}, {"workflow": "w", "s": 1.5})
    data = write_record(record)
    assert read_record(data, record.key) == record
    assert read_record(data, key_of(2)) is None
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            assert read_record(bytes(damaged), record.key) is None
        assert read_record(data[:at], record.key) is None
    assert read_record(data + b"\n", record.key) is None


@pytest.mark.parametrize("value", ["small", bytes(range(256)) * 300])
def test_every_flip_in_a_block_is_a_miss(tmp_path: Path, value):
    with FinishedSteps(tmp_path) as steps:
        assert steps.keep(key_of(1), {"a": Output(value)}) is None
    (block,) = (tmp_path / "values").iterdir()
    data = block.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 200)):
        block.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with FinishedSteps(tmp_path) as steps:
            assert steps.find(key_of(1)) is None, at
            assert not block.exists() and steps.find(key_of(1)) is None
    block.write_bytes(data)
    with FinishedSteps(tmp_path) as steps:
        found = steps.find(key_of(1))
        assert found is not None and found.load("a") == value


def test_damage_is_seen_also_by_a_process_that_checked_the_block_before(tmp_path: Path):
    with FinishedSteps(tmp_path) as steps:
        assert steps.keep(key_of(1), {"a": Output(picture(1, 80))}) is None
        assert steps.find(key_of(1)) is not None
        (block,) = (tmp_path / "values").iterdir()
        data = block.read_bytes()
        block.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert steps.find(key_of(1)) is None


def test_two_hundred_damages_give_no_wrong_value_and_no_error(tmp_path: Path):
    folder = DamagedFolder(tmp_path)
    for seed in range(200):
        folder.run_case(seed)
    assert folder.counts["missed"] > 100 and folder.counts["found"] > 100, folder.counts


def test_a_damaged_block_is_written_anew_also_for_another_step(tmp_path: Path):
    with FinishedSteps(tmp_path) as steps:
        assert steps.keep(key_of(1), {"a": Output(outputs(1, 80)["picture"].value)}) is None
        (block,) = (tmp_path / "values").iterdir()
        data = block.read_bytes()
        block.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert steps.keep(key_of(2), outputs(1, 80), about(1)) is None
        assert block.read_bytes() == data
        assert_is(steps.find(key_of(2)), 1, 80)
        assert steps.find(key_of(1)) is not None


def test_a_link_in_the_place_of_a_block_is_a_miss_and_is_replaced(tmp_path: Path):
    with FinishedSteps(tmp_path / "kept") as steps:
        assert steps.keep(key_of(1), outputs(1, 80), about(1)) is None
        for block in (tmp_path / "kept" / "values").iterdir():
            block.rename(tmp_path / block.name)
            block.symlink_to(tmp_path / block.name)
        assert steps.find(key_of(1)) is None
        assert steps.keep(key_of(1), outputs(1, 80), about(1)) is None
        assert_is(steps.find(key_of(1)), 1, 80)


def test_what_is_found_is_what_was_kept_last(tmp_path: Path):
    with FinishedSteps(tmp_path) as steps:
        for n in (1, 2, 1):
            assert steps.keep(key_of("same"), outputs(n), about(n)) is None
            assert_is(steps.find(key_of("same")), n)
