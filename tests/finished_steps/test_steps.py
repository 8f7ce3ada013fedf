"""What is kept is found, what does not fit goes, what can't be kept is told."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from custom_nodes.discomfort.errors import CorruptValueError, UnknownKeyError
from custom_nodes.discomfort.finished_steps.found import NO_VALUE
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps, Output
from custom_nodes.discomfort.store.blocks.file_blocks import FileBlocks
from custom_nodes.discomfort.store.encoding import codec
from custom_nodes.discomfort.store.encoding.layout import read_header
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.finished_steps import about, assert_is, key_of, outputs, picture

posix = pytest.mark.skipif(os.name == "nt", reason="there are no modes and owners on Windows")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def steps(folder: Path) -> Iterator[FinishedSteps]:
    with FinishedSteps(folder) as steps:
        yield steps


def keep(steps: FinishedSteps, number: int, side: int = 16) -> str:
    key = key_of(number)
    assert steps.keep(key, outputs(number, side), about(number)) is None
    return key


def blocks_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder / "values"))


def test_every_kind_of_output_comes_back_also_in_another_process_like_store(steps, folder):
    key = keep(steps, 1)
    found = steps.find(key)
    assert found is not None
    assert_is(found, 1)
    assert found.load("blocked") is NO_VALUE and found.load("picture") is found.load("picture")
    with pytest.raises(UnknownKeyError, match="no output 'nothing'.*'picture'"):
        found.load("nothing")
    with FinishedSteps(folder) as other:
        again = other.find(key)
        assert again is not None
        assert_is(again, 1)
    assert steps.find(key_of("other")) is None


def test_an_unused_store_makes_nothing_and_a_wrong_key_is_an_error(steps, folder):
    assert steps.find(key_of(1)) is None
    assert not folder.exists()
    for key in ("", "A" * 64, "../" + "a" * 61, "a" * 65):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            steps.find(key)
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            steps.keep(key, {})


def test_equal_values_are_kept_once_and_unequal_types_are_not_equal(steps, folder):
    same = {"a": Output(picture(1)), "b": Output(picture(1).clone())}
    assert steps.keep(key_of(1), same) is None
    assert steps.keep(key_of(2), {"c": Output(picture(1))}) is None
    assert len(blocks_in(folder)) == 1
    stamp = os.stat(folder / "values" / blocks_in(folder)[0])
    assert steps.keep(key_of(3), {"c": Output(picture(1))}) is None
    assert os.stat(folder / "values" / blocks_in(folder)[0]).st_ino == stamp.st_ino
    for value in (1, 1.0, True, "1", [1], (1,), picture(1).double(), picture(1)[0]):
        assert steps.keep(key_of(value), {"a": Output(value)}) is None
    assert steps.keep(key_of(4), {"a": Output([1], is_list=True)}) is None
    assert len(blocks_in(folder)) == 10
    found = steps.find(key_of(4))
    assert found is not None and found.outputs["a"].is_list


def test_name_of_a_block_depends_on_its_content_alone(steps, folder):
    """Whatever memory it was in: a value that is not opened here is kept byte by byte."""
    with WorkflowContext(max_ram_gb=1) as context:
        context.save("a", picture(1))
        block = context.internal.store._storages.at("ram").open(
            context.internal.get_receipt("a").version
        )
        assert steps.keep(key_of(1), {"a": Output(picture(1))}) is None
        assert steps.keep(key_of(2), {"a": Output(UnopenedValue(block, "not here"))}) is None
        del block
    assert len(blocks_in(folder)) == 1
    found = steps.find(key_of(2))
    assert found is not None and torch.equal(found.load("a"), picture(1))


class Unreadable:
    """Pickles, and raises when it is made again."""

    def __reduce__(self):
        return (int, ("not a number",))


class FromElsewhere:
    """Its module will be gone."""


def test_values_that_can_not_be_kept_are_a_reason_and_leave_nothing(steps, folder):
    with socket.socket() as plug:
        for value in (plug, threading.Lock(), sys.stdout, (x for x in "ab")):
            reason = steps.keep(key_of(1), {"a": Output(picture(1)), "b": Output(value)})
            assert reason is not None and reason.startswith("the value of 'b' (")
    reason = steps.keep(key_of(1), {"a": Output(1)}, {"workflow": object()})
    assert reason is not None and "no JSON" in reason
    assert blocks_in(folder) == [] and steps.usage().steps == 0
    assert steps.find(key_of(1)) is None


def test_a_value_that_raises_when_it_is_made_is_a_miss(steps):
    assert steps.keep(key_of(1), {"a": Output(picture(1)), "b": Output(Unreadable())}) is None
    assert steps.find(key_of(1)) is None


def test_a_value_whose_class_is_not_here_can_be_handed_on(steps, monkeypatch):
    module = type(sys)("elsewhere")
    module.FromElsewhere = FromElsewhere
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    monkeypatch.setattr(FromElsewhere, "__module__", "elsewhere")
    assert steps.keep(key_of(1), {"a": Output(FromElsewhere())}) is None
    monkeypatch.delitem(sys.modules, "elsewhere")
    found = steps.find(key_of(1))
    assert found is not None and type(found.load("a")) is UnopenedValue
    assert steps.keep(key_of(2), {"a": Output(found.load("a"))}) is None
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    again = steps.find(key_of(2))
    assert again is not None and type(again.load("a")) is FromElsewhere


def test_what_was_found_stays_as_it_was_when_all_is_cleared_or_replaced(steps, folder):
    key = keep(steps, 1, side=300)  # 1 MB: a mapping
    found, lazy = steps.find(key), steps.find(key)
    assert found is not None and lazy is not None
    value = found.load("picture")
    assert steps.keep(key, outputs(2, 300), about(2)) is None
    cleared = steps.clear()
    assert cleared.steps == 1 and cleared.size_bytes > 4_000_000
    assert blocks_in(folder) == [] and steps.usage().size_bytes == 0
    assert torch.equal(value, picture(1, 300))
    assert_is(lazy, 1, 300)
    assert steps.find(key) is None


def test_a_change_of_a_loaded_value_changes_only_that(steps, folder):
    key = keep(steps, 1, side=300)
    found = steps.find(key)
    assert found is not None
    found.load("picture").zero_()
    other = steps.find(key)
    assert other is not None
    assert_is(other, 1, 300)
    with FinishedSteps(folder) as fresh:
        assert_is(fresh.find(key), 1, 300)


# -- pins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("durable", [True, False])
def test_a_pinned_value_is_a_context_s_and_outlives_its_eviction(steps, folder, durable):
    key = keep(steps, 1, side=300)
    with WorkflowContext(run_id="pins", durable=durable) as context:
        store = context.internal.store
        disk = store._storages.disk
        for name in blocks_in(folder):  # kept long ago
            os.utime(folder / "values" / name, (1e9, 1e9))
        found = steps.find(key)
        receipts = [found.pin(name, disk, f"my {name}") for name in found.outputs]
        assert receipts.pop() is None  # the blocked one
        store.commit([(r.unique_id, r) for r in receipts if r is not None])
        linked = os.stat(disk.locate(receipts[0].version))
        assert linked.st_nlink == 2 and time.time() - linked.st_mtime < 60
        if hasattr(os, "getuid"):
            assert linked.st_mode & 0o777 == 0o600
        steps.clear()
        assert torch.equal(context.load("my picture"), picture(1, 300))
        assert context.internal.get_receipt("my texts").is_list
        assert context.internal.get_receipt("my model").pass_by == "ref"
        if durable:
            with WorkflowContext(run_id="pins", durable=True, create=False) as other:
                assert torch.equal(other.load("my picture"), picture(1, 300))
    if durable:
        WorkflowContext.delete_durable("pins")


def replace_by_a_copy(path: str) -> None:
    shutil.copy(path, path + ".new")
    os.replace(path + ".new", path)


@pytest.mark.parametrize("is_changed", [False, True])
def test_pin_where_no_link_is_possible_copies_what_was_kept(steps, tmp_path, is_changed):
    found = steps.find(keep(steps, 1, side=300))
    if is_changed:
        found.load("picture").zero_()
    # A file of the same block that is not the one that was checked is never linked.
    replace_by_a_copy(steps._shelf.blocks.locate(found.outputs["picture"].version))
    blocks = FileBlocks(tmp_path / "pinned")
    receipt = found.pin("picture", blocks, "p")
    assert os.stat(blocks.locate(receipt.version)).st_nlink == 1
    view = blocks.open(receipt.version)
    assert read_header(view).version == receipt.version
    assert torch.equal(codec.decode(view), picture(1, 300))
    assert found.pin("picture", blocks, "q").unique_id == "q"  # is there


def test_pin_of_a_changed_value_that_is_gone_is_an_error_that_says_so(steps, tmp_path):
    found = steps.find(keep(steps, 1, side=300))
    found.load("picture").zero_()
    steps.clear()
    with pytest.raises(CorruptValueError, match="changed after it was loaded"):
        found.pin("picture", FileBlocks(tmp_path / "pinned"), "p")
    assert os.listdir(tmp_path / "pinned") == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_pin_on_another_file_system_is_a_copy(steps):
    key = keep(steps, 1, side=300)
    found = steps.find(key)
    place = Path("/dev/shm") / f"pinned-{os.getpid()}"
    try:
        receipt = found.pin("picture", FileBlocks(place), "p")
        steps.clear()
        assert torch.equal(codec.decode(FileBlocks(place).open(receipt.version)), picture(1, 300))
    finally:
        shutil.rmtree(place, ignore_errors=True)


# -- room -----------------------------------------------------------------------------------------


def test_least_recently_used_goes_when_the_limit_is_reached(folder):
    one = picture(0, 100).nbytes
    with FinishedSteps(folder, limit_bytes=11 * one) as steps:
        for n in range(30):
            assert steps.keep(key_of(n), {"a": Output(picture(n, 100))}) is None
            assert steps.find(key_of(0)) is not None, n
            assert steps.usage().size_bytes <= 11 * one
        there = [n for n in range(30) if steps.find(key_of(n)) is not None]
        assert there[0] == 0 and there[1:] == list(range(30 - len(there) + 1, 30))
        assert 8 <= len(there) <= 10 and len(blocks_in(folder)) == len(there)
        reason = steps.keep(key_of("large"), {"a": Output(picture(1, 400))})
        assert reason is not None and "bytes, and there may be" in reason
        assert steps.find(key_of(0)) is not None


def test_several_stores_of_one_folder_keep_to_the_limit_together(folder):
    one = picture(0, 100).nbytes
    both = [FinishedSteps(folder, 20 * one), FinishedSteps(folder, 20 * one)]
    with both[0], both[1], FinishedSteps(folder) as watching:
        for n in range(60):
            assert both[n % 2].keep(key_of(n), {"a": Output(picture(n, 100))}) is None
            assert watching.usage().size_bytes <= 22 * one
        assert all(watching.find(key_of(n)) is not None for n in range(50, 60))


def test_clear_by_age_and_by_workflow(steps):
    for n in range(6):
        keep(steps, n)
    record = steps._shelf._record_path(key_of(4))
    before = time.time_ns() - 3600 * 10**9
    os.utime(record, ns=(before, before))
    assert steps.clear(older_than=7200).steps == 0
    assert steps.clear(older_than=1800, workflow="w0.json").steps == 0
    assert steps.clear(older_than=1800).steps == 1
    assert steps.clear(workflow="w1.json").steps == 1  # 4 is gone already
    assert [n for n in range(6) if steps.find(key_of(n))] == [0, 2, 3, 5]
    assert steps.clear(older_than=0).steps == 4


def test_a_clock_that_goes_back_neither_evicts_what_is_used_nor_clears_it(folder):
    one = picture(0, 100).nbytes
    future = time.time_ns() + 10 * 365 * 86400 * 10**9
    with FinishedSteps(folder, limit_bytes=1 << 30) as steps:
        for n in range(4):
            assert steps.keep(key_of(n), {"a": Output(picture(n, 100))}) is None
            os.utime(steps._shelf._record_path(key_of(n)), ns=(future + n, future + n))
    with FinishedSteps(folder, limit_bytes=5 * one) as steps:
        assert steps.find(key_of(0)) is not None
        assert steps.clear(older_than=3600).steps == 0
        assert steps.keep(key_of(9), {"a": Output(picture(9, 100))}) is None
        assert steps.keep(key_of(10), {"a": Output(picture(10, 100))}) is None
        there = [n for n in (0, 1, 2, 3, 9, 10) if steps.find(key_of(n)) is not None]
        assert {0, 9, 10} <= {*there} and 1 not in there


# -- the folder -----------------------------------------------------------------------------------


def test_place_and_size_are_said_in_one_line_at_the_first_use(folder, caplog):
    caplog.set_level(logging.INFO, "discomfort.finished_steps")
    with FinishedSteps(folder, limit_bytes=5 * 10**9) as steps:
        assert steps.find(key_of(1)) is None and not caplog.records
        for n in range(3):
            keep(steps, n)
            steps.find(key_of(n))
    (said,) = caplog.messages
    assert said == f"Finished steps are kept in {folder}: 0.00 GB now, 5.00 GB at most."


@posix
def test_folder_and_files_are_closed_to_others(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    umask = os.umask(0)
    try:
        with FinishedSteps() as steps:
            keep(steps, 1)
            assert steps.folder == tmp_path / "cache" / "discomfort" / "finished_steps"
            found = [steps.folder, *steps.folder.rglob("*")]
            modes = {(p.is_dir(), p.stat().st_mode & 0o777) for p in found}
            assert modes == {(True, 0o700), (False, 0o600)}
    finally:
        os.umask(umask)


@posix
@pytest.mark.parametrize("kind", ["file", "link", "link in it", "parent is a file", "foreign"])
def test_folder_that_can_not_be_used_is_said_once_and_nothing_is_kept(tmp_path, caplog, kind):
    folder = tmp_path / "kept"
    if kind == "file":
        folder.write_text("in the way")
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    elif kind == "link in it":
        (tmp_path / "elsewhere").mkdir()
        folder.mkdir()
        (folder / "values").symlink_to(tmp_path / "elsewhere")
    elif kind == "foreign":
        if os.getuid() != 0:
            pytest.skip("only root can make another user's folder")
        folder.mkdir()
        os.chown(folder, 12345, 12345)
    else:
        (tmp_path / "file").write_text("")
        folder = tmp_path / "file" / "kept"
    with FinishedSteps(folder) as steps:
        for n in range(3):
            reason = steps.keep(key_of(n), outputs(n))
            assert reason is not None and str(folder) in reason and "can't be used" in reason
            assert steps.find(key_of(n)) is None
        with pytest.raises(OSError):
            steps.usage()
    assert len(caplog.records) == 1
    assert not (tmp_path / "elsewhere").exists() or not os.listdir(tmp_path / "elsewhere")


def test_unknown_things_in_the_folder_are_neither_read_nor_an_error(steps, folder):
    key = keep(steps, 1)
    (folder / "steps" / "notes.txt").write_text("mine")
    (folder / "steps" / f"{key_of(2)}.json").mkdir()
    (folder / "values" / "folder").mkdir()
    (folder / "steps" / f"{key_of(3)}.json").symlink_to(folder / "steps" / f"{key}.json")
    os.link(folder / "steps" / f"{key}.json", folder / "steps" / f"{key_of(4)}.json")
    for n in (2, 3, 4):
        assert steps.find(key_of(n)) is None
    steps.usage()
    steps.clear(older_than=1000)
    assert steps.find(key) is not None
    keep(steps, 3)
    keep(steps, 4)
    assert steps.keep(key_of(2), outputs(2)) is not None


def test_a_record_of_a_later_version_is_a_miss(steps, folder):
    import hashlib

    key = keep(steps, 1)
    path = folder / "steps" / f"{key}.json"
    data = json.loads(path.read_bytes().split(b"\n")[0])
    line = json.dumps({**data, "format": 2}).encode()
    path.write_bytes(line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n")
    assert steps.find(key) is None
    keep(steps, 1)
    assert steps.find(key) is not None
