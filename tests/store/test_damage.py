"""A durable context on a disk that flips bits and cuts files: an error, and never another value."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import CorruptValueError, UnknownKeyError
from custom_nodes.discomfort.store import damage, receipt_lines
from custom_nodes.discomfort.store.receipt import Receipt
from custom_nodes.discomfort.workflow_context import WorkflowContext

VALUES = {"a": b"first", "b": b"second " * 20, "c": [1, 2], "a1": "x", "a2": "y"}
FLIPS: list[Callable[[int], int]] = [lambda b: b ^ 1, lambda b: b ^ 0x80, lambda b: b ^ 0xFF]


@pytest.fixture
def folder() -> Iterator[Path]:
    with WorkflowContext(run_id="kept", durable=True) as context:
        for key, value in VALUES.items():
            context.save(key, "replaced")
            context.save(key, value)
        context.save("gone", 1)
        context.internal.delete_key("gone")
        place = Path(context.folder)
    yield place
    WorkflowContext.delete_durable("kept")


def found_in(context: WorkflowContext) -> dict[str, Any]:
    """What each key gives: its value, or the error."""
    found: dict[str, Any] = {}
    for key in context.list_keys():
        try:
            found[key] = context.load(key)
        except CorruptValueError as e:
            found[key] = e
    return found


def assert_only_lost(found: dict[str, Any], hit: set[str], is_noted: bool, what: str) -> None:
    """No wrong value; no key gone without a word; none lost but those that were hit."""
    for key, value in VALUES.items():
        got = found.get(key)
        if key in hit and (got is None or isinstance(got, CorruptValueError)):
            assert is_noted or got is not None, f"{what}: {key} vanished without a word"
        else:
            assert got == value, f"{what}: {key} is {got!r}"
    for key in found.keys() - VALUES.keys():
        assert isinstance(found[key], CorruptValueError), f"{what}: {key!r} is {found[key]!r}"


def keys_of_bytes(data: bytes) -> list[set[str]]:
    """The keys that each byte of receipts.json is about: those of its line, and at a newline of
    both lines; the last line of a key counts, since the others are outdated.
    """
    owners: list[set[str]] = []
    for line in data.splitlines(keepends=True):
        name = line.lstrip(b",").split(b'"')[1].decode() if b'"key":"' in line else ""
        owners += [{name}] * len(line)
    return owners


def test_every_byte_of_the_receipts_flipped_in_three_ways(folder: Path) -> None:
    path = folder / "receipts.json"
    data = path.read_bytes()
    owners = keys_of_bytes(data)
    for at in range(len(data)):
        for flip in FLIPS:
            damaged = bytearray(data)
            damaged[at] = flip(damaged[at])
            path.write_bytes(damaged)
            with WorkflowContext(run_id="kept", durable=True, create=False) as context:
                found = found_in(context)
            # A newline or what stands beside it belongs to both lines.
            hit = owners[at] | owners[min(at + 1, len(data) - 1)]
            is_noted = (folder / damage.NOTE).exists()
            assert_only_lost(found, hit, is_noted, f"byte {at} as {bytes(damaged[at : at + 1])!r}")
            (folder / damage.NOTE).unlink(missing_ok=True)
    path.write_bytes(data)


def test_the_receipts_cut_at_sixty_places(folder: Path) -> None:
    path = folder / "receipts.json"
    data = path.read_bytes()
    owners = keys_of_bytes(data)
    for n in range(60):
        at = len(data) * n // 60
        path.write_bytes(data[:at])
        with WorkflowContext(run_id="kept", durable=True, create=False) as context:
            found = found_in(context)
        hit = set().union(*owners[at:])
        assert_only_lost(found, hit, (folder / damage.NOTE).exists(), f"cut at {at}")
        (folder / damage.NOTE).unlink(missing_ok=True)
    path.write_bytes(data)


def keys_with_history(context: WorkflowContext) -> list[dict[str, Any]]:
    """Save such that older values stay on the disk, held by others; what each key had after each
    step that wrote lines.
    """
    steps: list[dict[str, Any]] = []
    now: dict[str, Any] = {}

    def took(**changed: Any) -> None:
        now.update(changed)
        steps.append({k: v for k, v in now.items() if v is not None})

    internal = context.internal
    context.save("old", "v1")
    took(old="v1")
    internal.copy_key("old", "held")
    took(held="v1")
    context.save("old", "v2")
    took(old="v2")
    context.save("x", "x1")
    took(x="x1")
    internal.copy_key("old", "x")
    took(x="v2")
    internal.copy_key("held", "old")
    took(old="v1")
    internal.delete_key("x")
    took(x=None)
    context.save("frozen", torch.arange(6.0))
    took(frozen="tensor")
    content = internal.content_of(internal.get_receipt("frozen"))
    internal.keep_reference("ref", REFERENCE, "r1", {content: internal.get_receipt("frozen")})
    took(ref="reference")
    context.save("frozen", "text")
    took(frozen="text")
    internal.copy_key("frozen", "held")
    took(held="text")
    return steps


REFERENCE = {"nodes": [], "links": []}


def values_in(context: WorkflowContext) -> dict[str, Any]:
    found = found_in(context)
    if isinstance(found.get("frozen"), torch.Tensor):
        found["frozen"] = "tensor"
    if found.get("ref") == REFERENCE:
        found["ref"] = "reference"
    return found


@pytest.fixture
def shared_values() -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    with WorkflowContext(run_id="kept", durable=True) as context:
        steps = keys_with_history(context)
        place = Path(context.folder)
    yield place, steps
    WorkflowContext.delete_durable("kept")


def test_receipts_cut_at_every_line_never_show_what_a_key_had_before(shared_values) -> None:
    """Also where that older value is still there, since another key or a reference holds it."""
    folder, steps = shared_values
    path, notes = folder / "receipts.json", folder / "receipts.keys"
    data, noted = path.read_bytes(), notes.read_bytes()
    last = steps[-1]
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10][:-1]
    for at in [*ends, *(end + 9 for end in ends)]:
        path.write_bytes(data[:at])
        notes.write_bytes(noted)
        for _ in range(3):  # also when it is opened again, and when the note is gone
            with WorkflowContext(run_id="kept", durable=True, create=False) as context:
                found = values_in(context)
            for key in found.keys() | last.keys():
                got = found.get(key)
                assert isinstance(got, CorruptValueError) or got == last.get(key), (
                    f"cut at {at}: {key} is {got!r}"
                )
            (folder / damage.NOTE).unlink(missing_ok=True)
    path.write_bytes(data)


def test_key_that_was_cut_off_has_a_value_again_when_it_is_saved(shared_values) -> None:
    folder, steps = shared_values
    path = folder / "receipts.json"
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b',"held"')])
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        with pytest.raises(CorruptValueError, match="Save the value again"):
            context.load("held")
        context.save("held", "new")
    (folder / damage.NOTE).unlink()
    for _ in range(2):
        with WorkflowContext(run_id="kept", durable=True, create=False) as context:
            assert values_in(context) == {**steps[-1], "held": "new"}


def test_cut_below_a_context_that_is_open_is_seen_by_it(shared_values) -> None:
    folder, _ = shared_values
    path = folder / "receipts.json"
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert context.load("held") == "text"
        data = path.read_bytes()
        path.write_bytes(data[: data.rindex(b',"held"')])
        with pytest.raises(CorruptValueError):
            context.load("held")


def test_lost_keys_are_still_told_when_the_receipts_are_written_anew(shared_values) -> None:
    folder, _ = shared_values
    path = folder / "receipts.json"
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b',"held"')])
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        context.list_keys()
    (folder / damage.NOTE).unlink()
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        for i in range(1200):
            context.internal.copy_key("old", f"n{i % 2}")
    assert path.read_bytes().count(b"\n") < 600
    assert (folder / "receipts.keys").read_bytes().count(b"\n") < 600
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert isinstance(found_in(context)["held"], CorruptValueError)


@pytest.mark.parametrize("broken", [b"", b"no note\n\xff 1 2\n", None])
def test_context_without_its_notes_of_keys_is_read_as_ever(shared_values, broken) -> None:
    folder, steps = shared_values
    notes = folder / "receipts.keys"
    notes.unlink() if broken is None else notes.write_bytes(broken)
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert values_in(context) == steps[-1]
        context.save("held", "more")
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert values_in(context) == {**steps[-1], "held": "more"}


@pytest.mark.parametrize(
    "line",
    [
        b',"x":' + b"[" * 100_000 + b"]" * 100_000,
        b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'"k":{"key":"00000000",' * 50_000,
        b'\\"' * 500_000,
        b'"' + b"\\" * 1_000_000,
    ],
    ids=["lists", "objects", "beginnings", "escaped quotes", "backslashes"],
)
def test_a_line_that_is_long_or_deep_costs_no_other_value_and_no_time(
    folder: Path, line: bytes
) -> None:
    """What is quadratic in its length takes an hour here."""
    path = folder / "receipts.json"
    first, rest = path.read_bytes().split(b"\n", 2)[0], path.read_bytes().split(b"\n", 1)[1]
    path.write_bytes(first + b"\n" + rest.replace(b"\n", b"\n" + line + b"\n", 1))
    with WorkflowContext(run_id="kept", durable=True, create=False, trusted=False) as context:
        assert_only_lost(found_in(context), set(), False, "a line of a stranger's")


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_every_byte_of_a_block_flipped_or_cut_away_is_an_error(folder: Path, key: str) -> None:
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        block = Path((context.get_storage_info(key) or {})["path"])
        data = block.read_bytes()
        for at in range(len(data)):
            changed = [data[:at] + bytes([flip(data[at])]) + data[at + 1 :] for flip in FLIPS]
            for damaged in [*changed, *([data[:at]] if at % 4 == 0 else [])]:
                block.write_bytes(damaged)
                assert_only_lost(found_in(context), {key}, True, f"byte {at}")
                assert isinstance(found_in(context)[key], CorruptValueError)
                with pytest.raises(CorruptValueError):
                    context.internal.lend([key])
        block.write_bytes(data)
        assert context.load(key) == VALUES[key]


def test_nothing_is_swept_while_anything_is_damaged(folder: Path) -> None:
    path = folder / "receipts.json"
    data = path.read_bytes()
    blocks = set(os.listdir(folder / "values"))
    for block in (folder / "values").iterdir():
        os.utime(block, (time.time() - 1e6, time.time() - 1e6))
    path.write_bytes(data[: len(data) // 2])
    for _ in range(2):
        with WorkflowContext(run_id="kept", durable=True, create=False) as context:
            context.save("new", 1)
            context.internal.delete_key("new")
        assert set(os.listdir(folder / "values")) == blocks
    path.write_bytes(data)
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert found_in(context) == VALUES
    (folder / damage.NOTE).unlink()
    stray = folder / "values" / "stray"
    shutil.copy(folder / "values" / blocks.pop(), stray)
    os.utime(stray, (0, 0))
    with WorkflowContext(run_id="kept", durable=True, create=False):
        assert not stray.exists()


def test_a_key_that_is_saved_again_is_whole_again(folder: Path) -> None:
    path = folder / "receipts.json"
    path.write_bytes(path.read_bytes().replace(b'"of":', b'"0f":'))
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        with pytest.raises(CorruptValueError, match="Save the value again"):
            context.load("a")
        context.save("a", "again")
        assert context.load("a") == "again"
        with pytest.raises(CorruptValueError):
            context.load("b")
        with pytest.raises(UnknownKeyError):
            context.load("never there")
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert context.load("a") == "again"


def test_receipts_without_checksums_are_read_and_written_anew(folder: Path) -> None:
    """As version 0.1.0 wrote them."""
    path = folder / "receipts.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    lines = []
    for key, said in data["receipts"].items():
        old = {k: v for k, v in said.items() if k not in ("key", "of", "crc", "checksum")}
        lines.append(json.dumps({key: None if said.get("gone") else old})[1:-1] + "\n")
    head = json.dumps({"format": 1, "run_id": "kept", "token": data["token"], "receipts": {}})
    path.write_text(head[:-2] + "\n" + ",".join(lines) + "}}\n", encoding="utf-8")
    with WorkflowContext(run_id="kept", durable=True, create=False) as context:
        assert found_in(context) == VALUES
    assert json.loads(path.read_text(encoding="utf-8"))["format"] == 2


@pytest.mark.parametrize(
    "key", ["a", 'quo"te', "back\\slash", "line\nbreak", "ünïcode \u65e5", "{},:"]
)
@pytest.mark.parametrize("meta", [None, {"crc": 5, "of": "00000000"}])
def test_a_line_comes_back_and_every_flip_in_it_shows(key: str, meta: Any) -> None:
    receipt = Receipt(key, "v1", 10, "disk", meta=meta, checksum=7)
    for line in (receipt, None):
        text = receipt_lines.write_line(key, line).encode()
        assert receipt_lines.read_line(text[:-1], receipt_lines.FORMAT) == (key, line)
        for at in range(len(text) - 1):
            damaged = bytearray(text[:-1])
            damaged[at] ^= 1
            assert receipt_lines.read_line(bytes(damaged), receipt_lines.FORMAT) is None
            found = receipt_lines.salvage(bytes(damaged))
            assert found.suspects == {receipt_lines.key_hash(key)} and not found.lines
