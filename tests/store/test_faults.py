"""Real faults: no room, killed processes, damaged files, many at once. After each, the store
still works.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store import run_dir, worker_side
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.system import locks
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.stores import shm_files, wait_until


def can_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], capture_output=True
    )
    return done.returncode == 0


def test_value_larger_than_files_may_be_raises_and_the_old_one_stays(start):
    # Both shared memory and disk are files here: RLIMIT_FSIZE makes every large write fail for
    # real.
    out = start("save_under_file_limit", "limited", 1 << 20).end().splitlines()
    assert [line.split(":")[0] for line in out[:2]] == ["StoreFullError"] * 2
    assert "small" in out[0] and "still there" in out[0]
    assert out[2:] == ["1", "2", "0"]


@pytest.mark.skipif(not can_mount(), reason="may not mount; the test with RLIMIT_FSIZE stands in")
def test_tiny_shared_memory_spills_and_full_disk_raises(start, own_folders):
    mounts = (
        "mount -t tmpfs -o size=8m tmpfs /dev/shm && "
        f"mount -t tmpfs -o size=24m tmpfs '{own_folders}'"
    )
    program = start("fill_small_memory", "tiny", before=mounts)
    places, full, full_worker, last = program.end().splitlines()
    assert places == "['disk', 'ram']"
    assert full.startswith("StoreFullError") and full_worker.startswith("StoreFullError")
    assert last == "small"


@shm_files
def test_killed_master_is_purged_by_the_next_start_and_a_living_one_is_not(start):
    dead, living = start("own_a_context", "dead"), start("own_a_context", "living")
    folder, other = dead.line(), living.line()
    token = json.loads(Path(folder, "receipts.json").read_text())["token"]
    mine = [n for n in os.listdir(base.SHM_DIR) if token in n]
    assert len(mine) == 2
    dead.kill()
    assert os.path.exists(folder) and {*mine} <= {*os.listdir(base.SHM_DIR)}
    with WorkflowContext(max_ram_gb=1) as context:
        assert not os.path.exists(folder)
        assert not {*mine} & {*os.listdir(base.SHM_DIR)}
        assert os.path.exists(other)
        with WorkflowContext(run_id="living", create=False) as joined:
            assert joined.load("ram").all() and joined.load("disk").all()
        context.save("a", 1)
    living.say("end")
    living.end()


@shm_files
def test_a_worker_that_forgets_its_runs_removes_what_a_killed_master_left(start):
    dead, living = start("own_a_context", "dead"), start("own_a_context", "living")
    folders = [dead.line(), living.line()]
    receipts = [json.loads(Path(f, "receipts.json").read_text()) for f in folders]
    blocks = [[n for n in os.listdir(base.SHM_DIR) if r["token"] in n] for r in receipts]
    for folder in folders:
        worker_side._storages_of(folder)
    dead.kill()
    worker_side.forget_runs()
    assert not os.path.exists(folders[0]) and os.path.exists(folders[1])
    assert not {*blocks[0]} & {*os.listdir(base.SHM_DIR)}
    assert {*blocks[1]} <= {*os.listdir(base.SHM_DIR)}
    living.say("end")
    living.end()


def test_a_worker_that_forgets_its_runs_leaves_durable_contexts(own_folders):
    with WorkflowContext(run_id="mine", durable=True) as context:
        context.save("a", 5)
        worker_side._storages_of(str(context.folder))
    worker_side.forget_runs()
    with WorkflowContext(run_id="mine", durable=True, create=False) as context:
        assert context.load("a") == 5


def test_purge_goes_by_locks_not_by_process_ids(own_folders):
    # A folder whose owner's id was given to a living process is nothing special: no id is written
    # down.
    with WorkflowContext(run_id="mine", max_ram_gb=1) as context:
        everything = b"".join(p.read_bytes() for p in context.folder.glob("*") if p.is_file())
        assert str(os.getpid()).encode() not in everything
        assert run_dir.purge(context.folder.parent) == []
        left = context.folder.parent / "dead"
        left.mkdir()
        (left / "owner.lock").touch()
        assert run_dir.purge(context.folder.parent) == [str(left)]
        context.save("a", 1)
        assert context.load("a") == 1


def test_two_purges_at_once_and_a_new_start_of_the_same_name(start):
    for _ in range(3):
        first = start("own_a_context", "name")
        first.line()
        first.kill()
        both = [start("own_a_context", "name"), start("own_a_context", "name")]
        assert both[0].line() == both[1].line()
        for program in both:
            program.say("end")
        codes = [p.process.wait(60) for p in both]
        assert 0 in codes
        for program in both:
            program.process.communicate()


def test_writer_killed_in_the_middle_of_a_save_leaves_the_old_value(start, context):
    context.save("x", "old")
    writer = start("hang_while_saving", context.run_id)
    assert writer.line() == "writing"
    writer.kill()
    assert context.load("x") == "old"
    context.save("x", "new")
    assert context.load("x") == "new"


def test_process_killed_with_the_lock_held_in_half_a_line(start, context):
    for i in range(20):
        context.save(f"k{i}", i)
    holder = start("hang_while_holding_the_lock", context.run_id)
    assert holder.line() == "locked"
    assert context.load("k3") == 3  # reading needs no lock
    holder.kill()
    context.save("k3", "after")
    assert [context.load(f"k{i}") for i in range(5)] == [0, 1, 2, "after", 4]
    receipts = json.loads((context.folder / "receipts.json").read_text())["receipts"]
    assert len(receipts) == 20
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        assert other.load("k3") == "after" and len(other.list_keys()) == 20


@pytest.mark.parametrize("cut", [1, 3, 20, 200])
def test_truncated_receipts_lose_only_what_was_cut(context, cut):
    for i in range(20):
        context.save(f"k{i}", i)
    path = context.folder / "receipts.json"
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        keys = other.list_keys()
        assert len(keys) >= 17 and [other.load(k) for k in keys] == [int(k[1:]) for k in keys]
        other.save("k19", "again")
        assert other.load("k19") == "again"


def test_key_of_a_damaged_line_is_an_error_and_so_is_a_damaged_head(context):
    for i in range(5):
        context.save(f"k{i}", i)
    path = context.folder / "receipts.json"
    data = path.read_bytes()
    before, line, after = data.partition(b'"k2":{')
    path.write_bytes(before + line + after.replace(b'"version', b'"v\0rsion', 1))
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        assert sorted(other.list_keys()) == ["k0", "k1", "k2", "k3", "k4"]
        assert [other.load(key) for key in ("k0", "k1", "k3", "k4")] == [0, 1, 3, 4]
        with pytest.raises(errors.CorruptValueError, match="receipt of 'k2'.* is damaged"):
            other.load("k2")
    for bad in (b"", b"\0" * 300, b"[]\n", data.replace(b'"format":2', b'"format":3')):
        path.write_bytes(bad)
        with pytest.raises(errors.CorruptValueError, match=r"receipts\.json"):
            WorkflowContext(run_id=context.run_id, create=False)
    path.write_bytes(data)


@pytest.mark.parametrize("use_ram", [pytest.param(True, marks=shm_files), False])
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_damaged_or_truncated_block_is_an_error_that_names_the_key(context, use_ram, size):
    def damage(change):
        context.save("x", {"a": np.ones(size, np.uint8), "b": "text"}, use_ram=use_ram)
        info = context.get_storage_info("x")
        path = info.get("path") or base.SHM_DIR / info["shm_name"]
        data = bytearray(Path(path).read_bytes())
        with open(path, "wb") as file:
            file.write(change(data))
        with pytest.raises(errors.CorruptValueError, match="'x'"):
            context.load("x")

    damage(lambda d: b"")
    damage(lambda d: d[:40])
    damage(lambda d: d[:-1])
    damage(lambda d: d[: len(d) // 2])
    damage(lambda d: b"JUNK" + d[4:])
    damage(lambda d: d[:90] + bytes([d[90] ^ 255]) + d[91:])
    context.save("x", "good")
    assert context.load("x") == "good"


@shm_files
def test_block_removed_from_outside_is_an_error_and_a_new_save_helps(context):
    context.save("x", 1)
    os.unlink(base.SHM_DIR / context.get_storage_info("x")["shm_name"])
    with pytest.raises(errors.CorruptValueError, match="'x'"):
        context.load("x")
    context.save("x", 2)
    assert context.load("x") == 2


def test_context_removed_from_outside_is_context_not_found(own_folders):
    owner = WorkflowContext(max_ram_gb=1)
    with WorkflowContext(run_id=owner.run_id, create=False) as other:
        owner.save("x", 1)
        owner.shutdown()
        with pytest.raises(errors.ContextNotFound, match="closed"):
            other.load("x")
        with pytest.raises(errors.ContextNotFound):
            other.save("x", 1)


def test_interpreter_exit_cleans_up(start):
    program = start("end_without_closing", "ending")
    folder = program.line()
    program.end()
    assert not os.path.exists(folder)


def test_forked_child_that_exits_leaves_the_parents_context(context):
    context.save("x", np.ones(2_000_000, np.uint8))
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            context.save("y", np.full(2_000_000, 3, np.uint8))
            code = 0 if context.load("x").all() else 2
            context.shutdown()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert context.load("x").all() and (context.load("y") == 3).all()


SECONDS = float(os.environ.get("DISCOMFORT_HAMMER_SECONDS", "20"))


@shm_files
def test_sixteen_processes_at_once_lose_and_tear_nothing(start, context):
    for n in range(4):
        context.save(f"shared{n}", {"stamp": 0, "array": np.zeros(10, np.uint8)})
    programs = [start("hammer", context.run_id, n, SECONDS) for n in range(16)]
    rounds = [int(p.end()) for p in programs]
    assert [context.load(f"own{n}") for n in range(16)] == rounds
    for n in range(4):
        value = context.load(f"shared{n}")
        assert (value["array"] == value["stamp"]).all()
    token = context.internal.store.book.token

    def blocks():
        context.list_keys()
        context.save("poke", 1)  # what others left in use is collected with the next save
        return [n for n in os.listdir(base.SHM_DIR) if token in n]

    wait_until(lambda: len(blocks()) < 100, "collecting what the processes left")


def test_more_values_held_than_descriptors_still_load(start):
    """In a process of its own: the limit would hit whatever else runs in this one."""
    assert start("hold_more_than_descriptors").end() == str(list(range(20)))


def test_held_values_leave_descriptors_to_others_and_without_any_nothing_is_lost(start):
    left, *failed, last = start("run_out_of_descriptors").end().splitlines()
    assert int(left) > 32
    assert failed == ["EMFILE"] * 3 and last == "again"


def test_owner_lock_is_given_up_by_a_killed_process(start, own_folders):
    program = start("own_a_context", "locked")
    folder = program.line()
    lock = locks.OwnerLock(Path(folder) / "owner.lock")
    assert not lock.acquire()
    program.kill()
    assert lock.acquire()
    assert folder not in run_dir.purge(Path(folder).parent)  # we are its living owner now
    lock.release(remove=False)
    assert folder in run_dir.purge(Path(folder).parent)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_context_that_can_not_be_made_says_why_and_what_helps(start):
    said = dict(line.split(": ", 1) for line in start("make_without_room").end().splitlines())
    assert said["value"] == "a value", "what has no receipts any more is kept"
    for kind in ("temporary", "durable"):
        assert said[f"{kind} again"] == "made"
        full, files = said[f"{kind} without room"], said[f"{kind} without files"]
        assert full.startswith("StoreFullError") and "There is no room for a context in" in full
        assert files.startswith("StoreError") and "ulimit -n" in files
