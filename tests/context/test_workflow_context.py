"""WorkflowContext as SPEC describes it, through its public methods."""

from __future__ import annotations

import gc
import json
import os
import pickle
import stat
import threading
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.servers import wait_until
from support.stores import open_handles, own_blocks, shared_memory, shm_files


class Point:
    """A class that only code can rebuild."""

    def __init__(self, x):
        self.x = x


def test_save_then_load_gives_an_equal_value(context):
    context.save("a", {"n": [1, 2.5, "x", None], "t": torch.arange(6).reshape(2, 3)})
    loaded = context.load("a")
    assert loaded["n"] == [1, 2.5, "x", None]
    assert torch.equal(loaded["t"], torch.arange(6).reshape(2, 3))


def test_repr_is_short_and_says_what_is_in_it_and_where():
    with WorkflowContext(run_id="mine") as context:
        for n in range(7):
            context.save(f"k{n}", n)
        assert repr(context) == (
            f"<WorkflowContext mine: 7 keys (k0, k1, k2, k3, k4, ...), in {context.folder}>"
        )
    assert repr(context) == "<WorkflowContext mine, closed>"


def test_load_of_an_absent_key_raises_key_error_naming_it(context):
    with pytest.raises(KeyError, match="nothere"):
        context.load("nothere")
    with pytest.raises(errors.UnknownKeyError):
        context.internal.version("nothere")
    assert context.get_storage_info("nothere") is None


def test_changing_what_was_loaded_or_saved_never_changes_the_store(context):
    tensor = torch.zeros(500_000)
    context.save("t", tensor)
    tensor.fill_(5)
    first = context.load("t")
    first.fill_(7)
    assert context.load("t").eq(0).all()
    context.save("t", torch.ones(500_000))
    assert first.eq(7).all()


def test_held_mapping_stays_as_it_is_while_its_key_is_overwritten(context):
    context.save("t", torch.zeros(400_000))
    held = context.load("t")
    for i in range(1000):
        context.save("t", torch.full((400_000,), float(i + 1)))
        assert held[0] == 0 and held[-1] == 0
    assert held.eq(0).all()
    assert context.load("t")[0] == 1000


def test_storage_info_tells_place_size_and_rule(context):
    context.save("ram", np.zeros(1000))
    context.save("disk", np.zeros(1000), use_ram=False)
    context.save("ref", {"nodes": []}, pass_by="ref")
    ram, disk = context.get_storage_info("ram"), context.get_storage_info("disk")
    assert ram["storage_type"] == "ram" and ram["shm_name"].startswith("discomfort_")
    assert len(ram["shm_name"]) <= 30  # macOS: 31 with the slash
    assert disk["storage_type"] == "disk" and os.path.getsize(disk["path"]) == disk["size"]
    assert ram["size"] >= 8000 and context.get_storage_info("ref")["pass_by"] == "ref"


def test_usage_counts_what_is_stored(context):
    empty = context.get_usage()
    assert empty["ram_capacity_bytes"] == 2**30 and empty["ram_usage_bytes"] == 0
    context.save("a", np.zeros(1 << 20, np.uint8))
    context.save("b", np.zeros(1 << 20, np.uint8), use_ram=False)
    full = context.get_usage()
    assert 1 << 20 <= full["ram_usage_bytes"] < (1 << 20) + 1000
    assert full["temp_disk_usage_mb"] == pytest.approx(1, abs=0.01)
    assert full["stored_keys_count"] == 2
    context.save("a", 1)
    assert context.get_usage()["ram_usage_bytes"] < 1000


@pytest.mark.parametrize("gigabytes", [0, 0.001])
def test_value_over_the_limit_goes_to_disk_and_loads(gigabytes):
    with WorkflowContext(max_ram_gb=gigabytes) as context:
        context.save("t", torch.arange(1_000_000))
        assert (context.get_storage_info("t") or {})["storage_type"] == "disk"
        assert torch.equal(context.load("t"), torch.arange(1_000_000))


def test_least_recently_used_values_are_spilled_and_nothing_is_lost():
    with WorkflowContext(max_ram_gb=10 / 1024) as context:
        for i in range(9):
            context.save(f"k{i}", np.full(1 << 20, i, np.uint8))
            context.load("k0")
        for i in range(9, 20):
            context.save(f"k{i}", np.full(1 << 20, i, np.uint8))
            context.load("k0")
            assert context.get_usage()["ram_usage_bytes"] <= 10 << 20
        assert (context.get_storage_info("k0") or {})["storage_type"] == "ram"
        assert (context.get_storage_info("k1") or {})["storage_type"] == "disk"
        for i in range(20):
            loaded = context.load(f"k{i}")
            assert (loaded == i).all() and len(loaded) == 1 << 20


@shm_files
def test_values_spilled_while_somebody_holds_them_leave_no_block_behind():
    with WorkflowContext(max_ram_gb=4 / 1024) as context:
        held = []
        for i in range(40):
            context.save(f"k{i % 10}", np.full(700_000, i, np.uint8))
            held.append(context.load(f"k{i % 10}"))
        assert [int(a[-1]) for a in held] == list(range(40))
        del held
        gc.collect()
        for _ in range(40):  # a few blocks are settled with each call
            context.list_keys()
        in_ram = [
            k for k in context.list_keys() if "shm_name" in (context.get_storage_info(k) or {})
        ]
        token = context.internal.store.book.token
        blocks = [n for n in shared_memory() if n.startswith(f"discomfort_{token}_")]
        assert len(blocks) == len(in_ram)
        assert len(os.listdir(context.folder / "values")) == 10 - len(in_ram)


def test_same_run_id_is_opened_by_others_and_absent_one_is_not_found(context):
    context.save("a", 1)
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        assert other.load("a") == 1
        other.save("b", np.ones(2_000_000, np.uint8))
        context.save("a", 2)
        assert other.load("a") == 2
    assert context.load("b").sum() == 2_000_000
    assert sorted(context.list_keys()) == ["a", "b"]
    with pytest.raises(FileNotFoundError):
        WorkflowContext(run_id="never-made", create=False)


def test_create_with_the_name_of_a_living_context_joins_it(context):
    context.save("a", 1)
    with WorkflowContext(run_id=context.run_id) as second:
        assert second.load("a") == 1
    assert context.load("a") == 1


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "a\\b", ".x", "con", "x" * 200, "a.", 5])
def test_run_id_that_can_not_name_a_folder_is_refused(run_id):
    with pytest.raises(ValueError, match="run_id"):
        WorkflowContext(run_id=run_id)


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u65e5", "\U00020000"])
def test_a_run_id_is_as_long_as_a_folder_allows_in_bytes(letter):
    count = min(100, 200 // len(letter.encode()))
    with WorkflowContext(run_id=letter * count) as context:
        context.save("a", 1)
        assert context.load("a") == 1 and context.folder.name == letter * count
    assert not context.folder.exists()
    with pytest.raises(ValueError, match="run_id"):
        WorkflowContext(run_id=letter * (count + 1))


def test_shutdown_twice_is_fine_and_a_closed_context_says_so():
    context = WorkflowContext(max_ram_gb=1)
    context.save("a", 1)
    folder = context.folder
    context.shutdown()
    context.shutdown()
    assert not folder.exists()
    with pytest.raises(errors.StoreError, match="closed"):
        context.load("a")


def test_garbage_collection_frees_a_context():
    context = WorkflowContext(max_ram_gb=1)
    context.save("a", np.ones(3_000_000))
    folder = context.folder
    del context
    gc.collect()
    wait_until(lambda: not folder.exists(), "the folder to go: a thread may be at work there")


def test_loaded_value_outlives_its_context():
    with WorkflowContext(max_ram_gb=1) as context:
        context.save("t", torch.arange(100_000))
        loaded = context.load("t")
    assert torch.equal(loaded, torch.arange(100_000))


def test_files_are_private_to_the_user(context):
    context.save("ram", np.ones(100))
    context.save("disk", np.ones(100), use_ram=False)
    for folder in (context.folder, context.folder.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [context.get_storage_info("disk")["path"], context.folder / "receipts.json"]
    if base.SHM_DIR.is_dir():
        files.append(base.SHM_DIR / context.get_storage_info("ram")["shm_name"])
    for path in files:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_export_writes_a_standard_pickle_and_removes_the_key(context, tmp_path):
    path = tmp_path / "out.pkl"
    context.save("t", {"x": torch.arange(5), "n": np.ones(3)})
    context.export_data("t", path)
    with open(path, "rb") as file:
        value = pickle.load(file)
    assert torch.equal(value["x"], torch.arange(5)) and "t" not in context.list_keys()
    context.save("t", 1)
    with pytest.raises(FileExistsError):
        context.export_data("t", path)
    assert context.load("t") == 1
    context.export_data("t", path, overwrite=True)
    context.import_data(path, "again")
    assert context.load("again") == 1
    context.save("ref", {"nodes": []}, pass_by="ref")
    with pytest.raises(TypeError, match="ref"):
        context.export_data("ref", tmp_path / "ref.pkl")
    with pytest.raises(KeyError):
        context.export_data("gone", tmp_path / "gone.pkl")
    with pytest.raises(FileNotFoundError):
        context.import_data(tmp_path / "absent.pkl", "x")


def test_untrusted_context_reads_data_and_refuses_code(context, tmp_path):
    data = {"t": torch.ones(3), "n": np.float32(2), "l": [1, (2,), {3}], "d": np.dtype("f4")}
    context.save("data", data)
    context.save("code", Point(3))
    assert context.load("code").x == 3
    with WorkflowContext(run_id=context.run_id, create=False, trusted=False) as careful:
        assert torch.equal(careful.load("data")["t"], torch.ones(3))
        with pytest.raises(errors.UntrustedValueError, match="code"):
            careful.load("code")
        for name, value in (("evil", Point(1)), ("good", data)):
            with open(tmp_path / name, "wb") as file:
                pickle.dump(value, file)
        with pytest.raises(errors.UntrustedValueError, match="Point"):
            careful.import_data(tmp_path / "evil", "x")
        careful.import_data(tmp_path / "good", "x")
        assert torch.equal(careful.load("x")["t"], torch.ones(3))


def test_value_that_can_not_be_stored_raises_and_the_old_one_stays(context):
    context.save("a", 1)
    with pytest.raises(TypeError, match="'a'"):
        context.save("a", threading.Lock())
    assert context.load("a") == 1


def test_bad_arguments_are_refused(context):
    with pytest.raises(ValueError, match="pass_by"):
        context.save("a", 1, pass_by="copy")
    limits: list[Any] = [-1, "x", True, float("nan")]
    for limit in limits:
        with pytest.raises(errors.ConfigError, match="max_ram_gb"):
            WorkflowContext(max_ram_gb=limit)
    with pytest.raises(TypeError, match=r'"ref" stores the workflow.*not int'):
        context.save("a", 1, pass_by="ref")
    with pytest.raises(ValueError, match="pass its run_id"):
        WorkflowContext(create=False)


@pytest.mark.parametrize(("key", "error"), [("", ValueError), (" ", ValueError), (3, TypeError)])
def test_a_key_that_no_port_can_have_is_refused_everywhere(context, tmp_path, key, error):
    for name in ("v.pkl", "r.json"):
        (tmp_path / name).touch()
    uses = (
        lambda: context.save(key, 1),
        lambda: context.load(key),
        lambda: context.get_storage_info(key),
        lambda: context.export_data(key, tmp_path / "new"),
        lambda: context.import_data(tmp_path / "v.pkl", key),
        lambda: context.export_reference(key, tmp_path / "new"),
        lambda: context.import_reference(tmp_path / "r.json", key),
    )
    for use in uses:
        with pytest.raises(error, match="unique_id must"):
            use()
    assert context.list_keys() == []


def test_config_file_sets_limit_and_folder(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"MAX_RAM_PERCENT": null, "MAX_RAM_GB": 0.5, "CONTEXTS_DIR_NAME": "mine"}')
    with WorkflowContext(path) as context:
        assert context.get_usage()["ram_capacity_gb"] == 0.5
        assert context.folder.parent.name == "mine"
    path.write_text('{"MAX_RAM_PERCENT": 1, "MAX_RAM_GB": 1000}')
    with WorkflowContext(path) as context:
        assert context.get_usage()["ram_capacity_gb"] < 100


def test_durable_context_survives_and_is_reopened_by_name():
    with pytest.raises(FileNotFoundError):
        WorkflowContext(run_id="work", durable=True, create=False)
    with pytest.raises(ValueError, match="run_id"):
        WorkflowContext(durable=True)
    with WorkflowContext(run_id="work", durable=True) as context:
        context.save("t", torch.arange(100_000))
        context.save("gone", 1)
        context.save("gone", 2)
        assert (context.get_storage_info("t") or {})["storage_type"] == "disk"
    with WorkflowContext(run_id="work", durable=True, create=False) as context:
        assert torch.equal(context.load("t"), torch.arange(100_000)) and context.load("gone") == 2
        assert len(os.listdir(context.folder / "values")) == 2
    WorkflowContext.delete_durable("work")
    with pytest.raises(FileNotFoundError):
        WorkflowContext(run_id="work", durable=True, create=False)


def test_receipts_file_is_json_and_flat_in_the_number_of_keys(context):
    path = context.folder / "receipts.json"
    context.save("x", 0)
    line = path.stat().st_size
    for i in range(3000):
        context.save(f"k{i}", i)
    before = path.stat().st_size
    context.save("x", 1)
    assert path.stat().st_size - before < line
    for i in range(9000):
        context.save("x", i)
    assert path.stat().st_size < 3 * before  # rewritten when most of it is outdated
    receipts = json.loads(path.read_text())["receipts"]
    assert len(receipts) == 3001 and receipts["x"]["version"] == context.internal.version("x")


def test_ten_thousand_saves_grow_nothing(context):
    for i in range(100):
        context.save("a", np.full(300_000, i % 100, np.uint8))
    import psutil

    process = psutil.Process()
    handles, rss = open_handles(), process.memory_info().rss
    blocks = len(own_blocks())
    for i in range(10_000):
        context.save("a", np.full(300_000, i % 100, np.uint8))
    assert open_handles() <= handles
    assert process.memory_info().rss - rss < 16 << 20
    assert len(own_blocks()) < blocks + 50
    assert len(os.listdir(context.folder)) < 10
    assert context.load("a")[0] == 99


def test_version_changes_with_every_save_and_a_copied_key_shares_the_block(context):
    context.save("a", np.ones(2_000_000, np.uint8))
    first = context.internal.version("a")
    context.internal.copy_key("a", "frozen")
    used = context.get_usage()["ram_usage_bytes"]
    assert context.internal.version("frozen") == first and used < 2_001_000
    context.save("a", np.zeros(2_000_000, np.uint8))
    assert context.internal.version("a") != first
    assert context.load("frozen").all() and not context.load("a").any()


@pytest.mark.parametrize(
    "replace",
    [
        lambda context: context.save("reference", 1),
        lambda context: context.internal.copy_key("value", "reference"),
        lambda context: context.internal.delete_key("reference"),
    ],
    ids=["saved", "copied", "deleted"],
)
def test_what_only_a_replaced_reference_had_frozen_in_is_freed(context, replace):
    context.save("value", torch.ones(3))
    receipt = context.internal.get_receipt("value")
    content = context.internal.content_of(receipt)
    loader = {"class_type": "DiscomfortContextLoader", "inputs": {"version": content}}
    context.internal.keep_reference("reference", {"1": loader}, "recipe", {content: receipt})
    assert not context.internal.missing_contents([content])
    replace(context)
    assert context.internal.missing_contents([content]) == [content]


def test_meta_is_kept_with_the_receipt(context):
    context.internal.store.save("a", 1, meta={"hash": "x"})
    assert context.internal.get_receipt("a").meta == {"hash": "x"}
    with WorkflowContext(run_id=context.run_id, create=False) as other:
        assert other.internal.get_receipt("a").meta == {"hash": "x"}


def test_many_threads_at_once_lose_nothing(context):
    failures = []

    def work(number):
        try:
            for i in range(100):
                context.save(f"own{number}", np.full(200_000, i % 250, np.uint8))
                context.save("shared", np.full(150_000, number, np.uint8))
                assert (context.load(f"own{number}") == i % 250).all()
                assert len(set(context.load("shared").tolist()[::1000])) == 1
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_tensor_of_another_device_is_copied_straight_into_the_block(context):
    # A device is stood in for by a tensor that the codec leaves as a tensor: the same path as a
    # GPU's.
    from custom_nodes.discomfort.store.blocks.choose import open_storages
    from custom_nodes.discomfort.store.encoding import codec

    token = context.internal.store.book.token
    storages = open_storages(context.folder)
    for size in (10_000, 3_000_000):
        for blocks in (storages.ram, storages.disk):
            array = np.arange(size, dtype=np.uint8)
            value = codec.encode(array)
            value.pieces = [
                (at, torch.from_numpy(array) if len(data) == size else data)
                for at, data in value.pieces
            ]
            assert value.is_on_device
            version = f"{token}_{size}"
            blocks.create(version, value)
            assert np.array_equal(codec.decode(blocks.open(version)), array)
            blocks.free(version)


def test_durable_context_sweeps_old_files_that_no_receipt_names():
    with WorkflowContext(run_id="work", durable=True) as context:
        context.save("a", 1)
        values = context.folder / "values"
        for name in ("tok_old", "tok_new"):
            (values / name).write_bytes(b"unfinished")
        os.utime(values / "tok_old", (1, 1))
    with WorkflowContext(run_id="work", durable=True) as context:
        assert context.load("a") == 1
        assert sorted(p.name for p in values.iterdir() if p.name.startswith("tok_")) == ["tok_new"]
    WorkflowContext.delete_durable("work")
