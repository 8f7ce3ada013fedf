"""`trusted=False` holds in the worker too: what may not be opened here is not lent there."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.context.frozen_values import frozen_key
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.store.encoding import layout
from custom_nodes.discomfort.workflow_context import WorkflowContext

DATA = {"number": 1, "picture": torch.ones(2, 2), "array": np.arange(3)}


class Touches:
    """Leaves a file when it is opened."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def theirs(tmp_path):
    """The run_id of a durable context of a stranger's, with data and with code in it."""
    with WorkflowContext(run_id="theirs", durable=True) as context:
        context.save("code", Touches(tmp_path / "touched"))
        context.internal.copy_key("code", "copied")
        context.save("data", DATA)
    yield "theirs"
    WorkflowContext.delete_durable("theirs")
    assert not (tmp_path / "touched").exists(), "code was run"


@pytest.fixture
def careful(theirs):
    with WorkflowContext(run_id=theirs, durable=True, trusted=False) as context:
        yield context


def opened_in_worker(context, key):
    loan = context.internal.lend([key])
    try:
        return worker_side.load(loan.run_dir, loan.versions[key]).value
    finally:
        context.internal.collect(loan)


def test_what_needs_code_is_not_lent_and_data_is(careful):
    for key in ("code", "copied"):
        with pytest.raises(errors.UntrustedValueError, match=f"'{key}' is not given to the worker"):
            careful.internal.lend(["data", key])
    assert not careful.internal.store.blocks.has_pins
    assert opened_in_worker(careful, "data")["number"] == 1


def test_second_key_for_it_does_not_help(careful):
    careful.internal.copy_key("code", "another")
    with pytest.raises(errors.UntrustedValueError):
        careful.internal.lend(["another"])


def test_what_this_process_saved_is_lent(careful, tmp_path):
    careful.save("ours", Path("a"))
    assert opened_in_worker(careful, "ours") == Path("a")


def test_what_a_run_of_this_process_made_is_lent_until_another_opens_it(careful, theirs):
    loan = careful.internal.lend([])
    worker_side.save(loan.save_order, "made", Path("b"), False)
    careful.internal.collect(loan)
    assert opened_in_worker(careful, "made") == Path("b")
    with (
        WorkflowContext(run_id=theirs, durable=True, trusted=False) as again,
        pytest.raises(errors.UntrustedValueError),
    ):
        again.internal.lend(["made"])


def test_receipt_that_calls_code_safe_does_not_help(careful):
    store = careful.internal.store
    store.commit([("code", replace(store.receipt("code"), is_safe=True))])
    assert careful.internal.get_receipt("code").is_safe
    with pytest.raises(errors.UntrustedValueError):
        careful.internal.lend(["code"])


def test_block_that_calls_code_safe_does_not_help(careful):
    block = Path((careful.get_storage_info("code") or {})["path"])
    data = bytearray(block.read_bytes())
    head = layout.read_header(data)
    data[6] |= layout.IS_SAFE
    assert layout.read_header(data).is_safe and not head.is_safe
    block.write_bytes(data)
    store = careful.internal.store  # a stranger writes the checksum, too
    forged = replace(careful.internal.get_receipt("code"), checksum=zlib.crc32(data))
    store.commit([("code", forged)])
    with pytest.raises(errors.UntrustedValueError, match="touch|posix"):
        careful.internal.lend(["code"])


def test_frozen_value_of_another_content_is_not_lent(careful):
    store = careful.internal.store
    content = careful.internal.content_of(careful.internal.get_receipt("data"))
    store.copy("data", frozen_key(content))
    careful.internal.collect(careful.internal.lend([frozen_key(content)]))
    other = "0" * 64
    with WorkflowContext(run_id="theirs", durable=True, trusted=False) as again:
        again.internal.store.copy("data", frozen_key(other))
        with pytest.raises(errors.CorruptValueError, match="not what it says"):
            again.internal.lend([frozen_key(other)])


def test_trusted_context_lends_all(theirs, tmp_path):
    with WorkflowContext(run_id=theirs, durable=True) as context:
        opened_in_worker(context, "code")
    os.unlink(tmp_path / "touched")
