"""The inputs of a run that fails are taken back: what was there before is there again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import UnknownKeyError
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.stores import own_blocks


class Failed(Exception):
    pass


def give(context: WorkflowContext, **values: Any) -> None:
    """Inputs of a run that fails."""
    with pytest.raises(Failed), context.internal.give() as given:
        for unique_id, value in values.items():
            given.save(unique_id, value, True, "val")
        raise Failed


def test_a_key_gets_its_value_of_before_or_none(context: WorkflowContext) -> None:
    context.save("old", 1)
    version = context.internal.version("old")
    give(context, old=2, new=3)
    assert context.load("old") == 1 and context.internal.version("old") == version
    with pytest.raises(UnknownKeyError):
        context.load("new")


def test_inputs_of_a_run_that_went_well_stay(context: WorkflowContext) -> None:
    context.save("old", 1)
    with context.internal.give() as given:
        given.save("old", 2, True, "val")
    assert context.load("old") == 2
    assert not context.internal.store.blocks.has_pins


def test_what_another_saved_meanwhile_stays(context: WorkflowContext) -> None:
    context.save("a", 1)
    with pytest.raises(Failed), context.internal.give() as given:
        given.save("a", 2, True, "val")
        context.save("a", 3)
        raise Failed
    assert context.load("a") == 3


def test_the_old_value_is_no_copy_and_nothing_of_the_new_one_is_left(
    context: WorkflowContext,
) -> None:
    before = own_blocks()
    context.save("a", torch.ones(1000))
    old = own_blocks() - before
    give(context, a=torch.zeros(1000))
    context.internal.store.blocks.trim()
    assert own_blocks() - before == old
    assert torch.equal(context.load("a"), torch.ones(1000))
    context.internal.delete_key("a")
    context.internal.store.blocks.trim()
    assert not own_blocks() - before


def test_two_runs_under_one_key_each_take_back_their_own(context: WorkflowContext) -> None:
    context.save("a", 0)
    with pytest.raises(Failed), context.internal.give() as first:
        first.save("a", 1, True, "val")
        with pytest.raises(Failed), context.internal.give() as second:
            second.save("a", 2, True, "val")
            raise Failed
        assert context.load("a") == 1
        raise Failed
    assert context.load("a") == 0


@pytest.mark.parametrize("before", [0, None, torch.ones(1000)], ids=["value", "none", "block"])
def test_runs_that_fail_in_the_order_they_began_leave_what_was_before(
    context: WorkflowContext, before: object
) -> None:
    """The second has found the first one's value, which was taken back since."""
    blocks = own_blocks()
    if before is not None:
        context.save("a", before)
    runs = [context.internal.give() for _ in range(3)]
    for number, run in enumerate(runs):
        run.__enter__().save("a", torch.full((1000,), float(number)), True, "val")
    for number, run in enumerate(runs):
        assert torch.equal(context.load("a"), torch.full((1000,), 2.0)), number
        run.__exit__(Failed, Failed(), None)
    if before is None:
        assert not context.list_keys()
    else:
        assert torch.equal(torch.as_tensor(context.load("a")), torch.as_tensor(before))
    context.internal.store.blocks.trim()
    if before is None:
        assert own_blocks() == blocks


def test_a_run_that_ended_well_leaves_its_value_to_one_that_fails(context: WorkflowContext) -> None:
    context.save("a", 0)
    first, second = context.internal.give(), context.internal.give()
    first.__enter__().save("a", 1, True, "val")
    second.__enter__().save("a", 2, True, "val")
    first.__exit__(None, None, None)
    second.__exit__(Failed, Failed(), None)
    assert context.load("a") == 1


def test_a_save_that_ends_after_its_run_did_is_taken_back(context: WorkflowContext) -> None:
    """A cancelled run does not wait for the thread that writes gigabytes."""
    context.save("a", 1)
    with pytest.raises(Failed), context.internal.give() as given:
        raise Failed
    given.save("a", 2, True, "val")
    assert context.load("a") == 1


def test_a_reference_comes_back_with_what_is_frozen_into_it(context: WorkflowContext) -> None:
    context.save("value", torch.arange(1000))
    receipt = context.internal.get_receipt("value")
    content = context.internal.content_of(receipt)
    inputs = {"unique_id": "", "run_dir": "", "version": content, "wanted": "{}"}
    reference = {"1": {"class_type": "DiscomfortContextLoader", "inputs": inputs}}
    context.internal.keep_reference("reference", reference, "recipe", {content: receipt})
    context.internal.delete_key("value")
    give(context, reference=1)
    assert not context.internal.missing_contents([content])
    assert context.get_storage_info("reference")["pass_by"] == "ref"  # type: ignore[index]
    with context.internal.give() as given:
        given.save("reference", 1, True, "val")
    assert context.internal.missing_contents([content])


def test_a_durable_context_keeps_its_old_value_and_no_other_file() -> None:
    with WorkflowContext(run_id="kept", durable=True) as context:
        context.save("a", torch.ones(1000))
        files = {p.name for p in Path(context.folder).rglob("*")}
        give(context, a=torch.zeros(1000), b=1)
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert context.list_keys() == ["a"]
        assert torch.equal(context.load("a"), torch.ones(1000))
        assert {p.name for p in Path(context.folder).rglob("*")} == files
    WorkflowContext.delete_durable("kept")
