"""What a run lends to the worker and takes back. The worker's side runs in the same or another
process.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import threading

import numpy as np
import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.store.save_order import SaveOrder
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.package import ROOT
from support.programs import Program
from support.stores import shm_files


def as_text(loan):
    """The order as it is written into a prompt."""
    return json.dumps(loan.save_order.to_json())


def through_json(loan):
    """The order as a saver gets it."""
    return SaveOrder.from_json(json.loads(as_text(loan)))


def test_worker_loads_what_was_lent_and_master_reads_what_it_saved(context):
    context.save("a", torch.arange(100_000))
    context.save("disk", [1, "x"], use_ram=False)
    loan = context.internal.lend(["a", "disk"])
    value, is_list = worker_side.load(loan.run_dir, loan.versions["a"])
    assert torch.equal(value, torch.arange(100_000)) and not is_list
    assert worker_side.load(loan.run_dir, loan.versions["disk"]).value == [1, "x"]
    worker_side.save(through_json(loan), "out", [torch.ones(2), torch.ones(3)], True)
    worker_side.save(through_json(loan), "a", "new", False)
    assert torch.equal(context.load("a"), torch.arange(100_000))  # not before it is taken back
    collected = context.internal.collect(loan)
    assert sorted(collected) == ["a", "out"]
    assert collected["out"].is_list and not collected["a"].is_list
    assert context.load("a") == collected.load("a") == "new"
    assert [len(t) for t in context.load("out")] == [2, 3]
    assert context.internal.collect(loan) is collected
    again = context.internal.lend(["out"])
    assert worker_side.load(again.run_dir, again.versions["out"]).is_list
    context.internal.collect(again)
    assert os.listdir(context.folder / "handoff") == []


def test_absent_key_raises_and_leaves_nothing_pinned(context):
    context.save("a", 1)
    with pytest.raises(errors.UnknownKeyError, match="absent"):
        context.internal.lend(["a", "absent"])
    assert not context.internal.store.blocks.has_pins


def test_lent_value_stays_loadable_while_its_key_is_overwritten(context):
    context.save("a", np.full(2_000_000, 1, np.uint8))
    loan = context.internal.lend(["a"])
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        for i in range(20):
            (other if i % 2 else context).save("a", np.full(2_000_000, 9, np.uint8))
    assert (worker_side.load(loan.run_dir, loan.versions["a"]).value == 1).all()
    context.internal.collect(loan)
    context.save("a", 0)
    with pytest.raises(errors.CorruptValueError, match="any more"):
        worker_side.load(loan.run_dir, loan.versions["a"])


def test_lent_value_is_not_spilled():
    with WorkflowContext(max_ram_gb=4 / 1024) as context:
        context.save("a", np.ones(1 << 20, np.uint8))
        loan = context.internal.lend(["a"])
        for i in range(8):
            context.save(f"k{i}", np.full(1 << 20, i, np.uint8))
        assert (context.get_storage_info("a") or {})["storage_type"] == "ram"
        assert worker_side.load(loan.run_dir, loan.versions["a"]).value.all()
        context.internal.collect(loan)
        for i in range(8):
            assert (context.load(f"k{i}") == i).all()


def test_taken_values_are_this_runs_own_whoever_saves_meanwhile(context):
    first, second = context.internal.lend([]), context.internal.lend([])
    worker_side.save(through_json(first), "x", np.full(2_000_000, 1, np.uint8), False)
    worker_side.save(through_json(second), "x", np.full(2_000_000, 2, np.uint8), False)
    one, two = context.internal.collect(first), context.internal.collect(second)
    for _ in range(5):
        context.save("x", np.full(2_000_000, 3, np.uint8))
    assert (one.load("x") == 1).all() and (two.load("x") == 2).all()
    del one, two, first, second
    gc.collect()
    context.list_keys()  # what the garbage collector let go is settled by the next call
    assert not context.internal.store.blocks.has_pins
    assert (context.load("x") == 3).all()


def test_take_back_without_commit_keeps_the_key(context):
    context.save("x", "before")
    loan = context.internal.lend(["x"])
    worker_side.save(through_json(loan), "x", "after", False)
    collected = context.internal.collect(loan, commit=False)
    assert collected.load("x") == "after" and context.load("x") == "before"
    collected.release()
    collected.release()
    assert context.load("x") == "before"


@shm_files
def test_saver_killed_in_the_middle_leaves_nothing_and_what_others_saved_is_kept(start, context):
    loan = context.internal.lend([])
    dying = start("save_as_a_worker", as_text(loan), "die")
    assert dying.line() == "writing"
    dying.kill()
    good = start("save_as_a_worker", as_text(loan), "save")
    assert good.line() == "saved"
    good.end()
    assert len(os.listdir(context.folder / "handoff")) == 2
    collected = context.internal.collect(loan)
    assert list(collected) == ["out"] and (context.load("out") == 7).all()
    token = loan.save_order.token
    # The mark, and the block of "out".
    assert len([n for n in os.listdir(base.SHM_DIR) if token in n]) == 2
    assert os.listdir(context.folder / "handoff") == []


def blocks_of(context) -> list[str]:
    """The names of all that the context stores, in RAM and on disk."""
    store = context.internal.store
    in_ram = [n for n in os.listdir(base.SHM_DIR) if store.book.token in n]
    return sorted(in_ram + [p.name for p in store.folder.rglob("*") if p.is_file()])


@shm_files
@pytest.mark.parametrize("use_ram", [True, False])
def test_a_damaged_note_is_told_and_hides_no_other(context, caplog, use_ram):
    def save_two(damage):
        caplog.clear()
        loan = context.internal.lend([], use_ram)
        worker_side.save(through_json(loan), "torn", [1, 2], False)
        (note,) = (context.folder / "handoff").iterdir()
        note.write_bytes(damage(note.read_bytes()))
        worker_side.save(through_json(loan), "good", [3], False)
        collected = context.internal.collect(loan)
        assert context.load("good") == [3]
        collected.release()
        return list(collected), note.name

    assert sorted(save_two(lambda data: data)[0]) == ["good", "torn"]
    context.internal.delete_key("torn")
    context.internal.store.blocks.trim()
    left = len(blocks_of(context))
    whole = b'{"unique_id": "torn"'
    odd = [
        *(lambda data, n=n: data[:n] for n in range(0, 60, 7)),
        lambda data: data[:-1],
        lambda data: data.replace(b"torn", b"\xff\xfe"),
        lambda data: data.replace(whole, b'{"unique_id": 5'),
        lambda data: data.replace(b'"size": ', b'"size": "x", "was": '),
        lambda data: data.replace(b'"version": "', b'"version": "x'),
        lambda data: data.replace(b'"storage": "', b'"storage": "x'),
        lambda data: b"[]",
        lambda data: b"null",
        lambda data: b"[" * 100_000,
        lambda data: b"\0" * len(data),
    ]
    for damage in odd:
        keys, name = save_two(damage)
        assert keys == ["good"] and "torn" not in context.list_keys()
        (said,) = [r for r in caplog.records if r.levelname == "WARNING"]
        assert name in said.getMessage() and "Run the step again" in said.getMessage()
        context.internal.store.blocks.trim()
        assert len(blocks_of(context)) == left
    assert os.listdir(context.folder / "handoff") == []


def test_saver_that_ends_after_its_run_was_taken_back_leaves_nothing(start, context):
    for _ in range(2):
        context.save("warm", 1)  # from the first overwriting on, freed memory is kept for reuse
    loan = context.internal.lend([])
    late = start("save_as_a_worker", as_text(loan), "slow")
    assert late.line() == "writing"
    assert context.internal.collect(loan) == {}
    context.save("mine", np.full(3_000_000, 5, np.uint8))
    late.say("go on")
    assert "was ended" in late.line()
    assert (context.load("mine") == 5).all()  # the late writes went elsewhere
    for key in ("mine", "warm"):
        context.internal.delete_key(key)
    context.internal.store.blocks.trim()
    late.end()
    token = loan.save_order.token
    assert [n for n in os.listdir(base.SHM_DIR) if token in n] == [f"discomfort_{token}"]


def test_saver_spills_when_the_order_leaves_no_room(context):
    loan = context.internal.lend([])
    save_order = dataclasses.replace(through_json(loan), room_bytes=1000)
    worker_side.save(save_order, "small", 1, False)
    worker_side.save(save_order, "large", np.ones(10_000), False)
    context.internal.collect(loan)
    assert context.get_storage_info("small")["storage_type"] == "ram"
    assert context.get_storage_info("large")["storage_type"] == "disk"
    on_disk = context.internal.lend([], use_ram=False)
    worker_side.save(through_json(on_disk), "disk", 1, False)
    context.internal.collect(on_disk)
    assert context.get_storage_info("disk")["storage_type"] == "disk"


def test_saver_of_something_that_can_not_be_stored_leaves_nothing(context):
    loan = context.internal.lend([])
    with pytest.raises(TypeError, match="'out'"):
        worker_side.save(through_json(loan), "out", threading.Lock(), False)
    assert context.internal.collect(loan) == {}
    gc.collect()


@shm_files
def test_loop_over_a_picture_keeps_memory_and_handles_flat():
    """In a process of its own: what other tests leave to the garbage collection is not counted."""
    growth, shm_bytes, value = Program("store/loop_over_a_picture").end().splitlines()
    uss, shm, handles = map(int, growth.split())
    assert value == "500"
    assert uss < 3 * (12 << 20)  # a picture more or less is mapped; 440 runs lost none
    assert shm <= 13 << 20 and int(shm_bytes) < 10 * (12 << 20)
    assert handles <= 3


def test_worker_in_another_module_name_reads_and_writes(start, context):
    # ComfyUI imports the folder under a path as its name: only builtins, numpy and torch may cross.
    context.save("latent", {"samples": torch.ones(1, 4, 64, 64), "n": np.arange(5)})
    loan = context.internal.lend(["latent"])
    start("double_under_another_name", ROOT, as_text(loan), loan.versions["latent"]).end()
    context.internal.collect(loan)
    out = context.load("out")
    assert out["samples"].eq(2).all() and out["n"].sum() == 10
    assert context.internal.get_receipt("out").is_safe
