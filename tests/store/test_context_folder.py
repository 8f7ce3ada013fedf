"""What a prompt may name of this machine: folders of this user's contexts, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.store.save_order import SaveOrder
from custom_nodes.discomfort.workflow_context import WorkflowContext

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no owners and modes like these")


@pytest.fixture(autouse=True)
def nothing_known():
    worker_side._storages_of.cache_clear()
    yield
    worker_side._storages_of.cache_clear()


@pytest.fixture
def lent(context):
    """A value that is lent: folder and version, as a loader gets them."""
    context.save("a", [1, 2], use_ram=False)
    loan = context.internal.lend(["a"])
    yield Path(loan.run_dir), loan.versions["a"]
    context.internal.collect(loan)


def order_for(folder, **changed):
    names = {"token": "token", "nonce": "nonce", **changed}
    return SaveOrder.from_json(
        {"run_dir": str(folder), "use_ram": False, "room": 0, "spare": [], **names}
    )


def elsewhere(tmp_path, lent):
    """Copies of a context in places where none belongs."""
    folder, _ = lent
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    os.chmod(copied, 0o700)
    linked = folder.parent / "linked"
    linked.symlink_to(copied)
    return copied, linked


def names_of(tmp_path, lent):
    folder, _ = lent
    copied, linked = elsewhere(tmp_path, lent)
    yield from (copied, linked)
    yield from (f"{folder}/../../../../copied", f"{folder}\0", "contexts/a", ".", "")
    yield from ("//host/share", r"\\host\share", r"\\?\C:\x", folder.parent, folder.parent.parent)
    yield folder / "handoff"


@posix
def test_folder_that_is_none_of_our_contexts_is_neither_read_nor_written(tmp_path, lent):
    _, version = lent
    for name in names_of(tmp_path, lent):
        with pytest.raises((errors.ForeignFolderError, errors.CorruptValueError)):
            worker_side.load(str(name), version)
        with pytest.raises((errors.ForeignFolderError, errors.ContextNotFound)):
            worker_side.save(order_for(name), "x", 1, False)
    assert not list((tmp_path / "copied" / "handoff").iterdir())
    (lent[0].parent / "linked").unlink()


@posix
def test_folder_that_others_can_open_is_refused_until_it_is_closed(lent):
    folder, version = lent
    folder.chmod(0o755)
    with pytest.raises(errors.ForeignFolderError, match="chmod 700"):
        worker_side.load(str(folder), version)
    folder.chmod(0o700)
    assert worker_side.load(str(folder), version).value == [1, 2]


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="gives a folder away")
def test_folder_of_another_user_is_refused(lent):
    folder, version = lent
    os.chown(folder, 1, 1)
    with pytest.raises(errors.ForeignFolderError, match="another user"):
        worker_side.load(str(folder), version)
    os.chown(folder, 0, 0)


@pytest.mark.parametrize("version", ["../a", "a/b", "a\\b", "", "a" * 65, "ä", "a.b", None, 5])
def test_version_that_is_no_name_is_refused(lent, version):
    with pytest.raises(errors.ForeignFolderError, match="no version"):
        worker_side.load(str(lent[0]), version)


@pytest.mark.parametrize(
    "changed",
    [{"nonce": "../x"}, {"token": "a/b"}, {"nonce": 5}, {"spare": [["../../x", 5]]}],
    ids=str,
)
def test_order_whose_names_lead_elsewhere_is_refused(lent, changed):
    with pytest.raises(ValueError, match="no order"):
        order_for(lent[0], **changed)


@posix
@pytest.mark.parametrize(
    "part", ["values", "handoff", "receipts.json", "receipts.keys", "damage.txt"]
)
def test_joined_context_with_a_link_in_it_is_refused_and_nothing_behind_it_touched(tmp_path, part):
    outside = tmp_path / "outside"
    outside.mkdir()
    old = outside / "precious"
    old.write_text("kept")
    os.utime(old, (1, 1))  # as old as what a durable context sweeps
    with WorkflowContext(run_id="d", durable=True) as context:
        context.save("a", 1)
        place = context.folder / part
    if place.is_dir():
        shutil.rmtree(place)
    elif place.exists():
        shutil.move(place, outside / part)
    place.symlink_to(outside / part if "." in part else outside)
    with pytest.raises(errors.ForeignFolderError, match="did not come from Discomfort"):
        WorkflowContext(run_id="d", durable=True)
    assert old.read_text() == "kept"
    place.unlink()
    WorkflowContext.delete_durable("d")


@posix
def test_context_that_is_a_link_is_refused_and_nothing_written_behind_it(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    with WorkflowContext(run_id="d", durable=True) as context:
        link = context.folder.parent / "linked"
    link.symlink_to(outside)
    with pytest.raises(errors.ForeignFolderError, match="is a link"):
        WorkflowContext(run_id="linked", durable=True)
    assert not list(outside.iterdir())
    link.unlink()
    WorkflowContext.delete_durable("d")


@posix
@pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe"])
def test_note_of_damage_that_is_no_plain_file_is_neither_read_nor_written(tmp_path, kind):
    """It would have a stranger's text written into a file of the user's, or wait for ever."""
    with WorkflowContext(run_id="d", durable=True) as context:
        context.save("a", 1)
        path, note = context.folder / "receipts.json", context.folder / "damage.txt"
    path.write_bytes(path.read_bytes().replace(b'"a":', b'"b":', 1))
    target = tmp_path / "profile"
    if kind == "link":
        target.write_text("kept")
    if kind == "pipe":
        os.mkfifo(note)
    else:
        note.symlink_to(target)
    with pytest.raises(errors.ForeignFolderError, match=r"damage\.txt is no plain file"):
        WorkflowContext(run_id="d", durable=True, create=False, trusted=False)
    assert (target.read_text() if target.exists() else "") == ("kept" if kind == "link" else "")
    assert target.exists() == (kind == "link")
    note.unlink()
    WorkflowContext.delete_durable("d")


@posix
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_block_that_is_no_plain_file_is_not_opened(tmp_path, kind):
    with WorkflowContext(run_id="d", durable=True) as context:
        context.save("a", [1])
        block = Path((context.get_storage_info("a") or {})["path"])
        target = tmp_path / "target"
        block.rename(target)
        os.mkfifo(block) if kind == "pipe" else block.symlink_to(target)
        with pytest.raises(errors.CorruptValueError):
            context.load("a")
    WorkflowContext.delete_durable("d")


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="gives a file away")
def test_block_that_another_user_put_there_is_not_opened(context):
    context.save("a", [1], use_ram=False)
    os.chown((context.get_storage_info("a") or {})["path"], 1, 1)
    with pytest.raises(errors.CorruptValueError):
        context.load("a")
