"""What `fuzz.py` feeds with what: one case of each kind of thing that a stranger may send.

Each function takes a random source and a folder of its own, makes one case, and feeds it to the
code that reads such things. It raises what that code raises, but for the errors that are ours.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import decimal
import json
import os
import pickle
import random
import shutil
import struct
import zlib
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _project  # noqa: F401
import fuzz_streams as streams
import numpy as np
import torch
from custom_nodes.discomfort.context.pickle_files import read_pickle
from custom_nodes.discomfort.errors import DiscomfortError
from custom_nodes.discomfort.records.archive import Archive, RecordNotFound
from custom_nodes.discomfort.records.record_file import make_line
from custom_nodes.discomfort.records.report import make_report
from custom_nodes.discomfort.store.encoding import codec, layout
from custom_nodes.discomfort.store.encoding.describe import Part
from custom_nodes.discomfort.store.receipt import Receipt
from custom_nodes.discomfort.values.metadata import read_workflow_metadata
from custom_nodes.discomfort.workflow_context import WorkflowContext
from custom_nodes.discomfort.workflows.files import read_workflow
from PIL import Image, PngImagePlugin

VALUES: list[Any] = [
    [1, -(2**70), 1.5, "ä", b"ab", None, True, (1, (2,)), {"a": [1]}, {1, 2}, frozenset([3])],
    {"samples": torch.arange(16.0).reshape(1, 4, 2, 2), "n": np.arange(6).reshape(2, 3)},
    [[torch.ones(2, 3).t(), {"pooled": torch.zeros(1)}]],
    np.array([(1, 2.0)], [("a", "i4"), ("b", ">f8")]),
    np.array([1, None, "x"], dtype=object),
    [np.float32(2), np.dtype("f4"), torch.float32, torch.Size([1]), torch.device("cpu")],
    Image.new("RGB", (3, 2), (1, 2, 3)),
    Image.new("P", (2, 2)),
    torch.eye(3).to_sparse(),
    torch.nn.Parameter(torch.ones(2)),
    [OrderedDict(a=1), deque([1], 3), defaultdict(list, {1: [2]}), decimal.Decimal("1.5")],
    [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), range(3), slice(1, 2), 1 + 2j],
]
_LARGE = 1 << 20


# -- blocks --------------------------------------------------------------------------------------


def written(value: layout.Encoded) -> bytearray:
    data = bytearray(value.total_bytes)
    data[: layout.HEADER_BYTES] = value.header("a_b")
    for offset, piece in value.pieces:
        data[offset : offset + len(piece)] = bytes(piece)
    return data


WHOLE = [bytes(written(codec.encode(value))) for value in VALUES]


def resealed(data: bytearray) -> bytearray:
    """With the checksum that it should have, where it is a block at all."""
    try:
        head = layout.read_header(data)
    except DiscomfortError:
        return data
    end = layout.HEADER_BYTES + head.rows * 32 + head.stream_bytes
    if end <= len(data):
        data[28:32] = struct.pack("<I", zlib.crc32(data[layout.HEADER_BYTES : end]))
    return data


def make_block(chance: random.Random) -> bytearray:
    kind = chance.randrange(6)
    if kind == 0:
        return resealed(bytearray(streams.flipped(chance.choice(WHOLE), chance)))
    if kind == 1:
        return bytearray(streams.flipped(chance.choice(WHOLE), chance))
    if kind == 2:
        return resealed(_with_odd_header(bytearray(chance.choice(WHOLE)), chance))
    if kind == 3:
        stream = streams.from_grammar(chance)
    elif kind == 4:
        stream = streams.bombs(chance)
    else:
        stream = streams.naming([streams.described(chance) for _ in range(chance.randrange(1, 4))])
    rows = [
        Part(chance.choice([0, 1, (1 << 63) - 1]), chance.randrange(3) * 8, 64, bytes(64))
        for _ in range(chance.randrange(3))
    ]
    return written(layout.lay_out(rows, [stream], True))


def _with_odd_header(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randrange(1, 3)):
        at, form = chance.choice([(6, "<H"), (8, "<Q"), (16, "<Q"), (24, "<I")])
        value = abs(streams.number(chance)) % (1 << 8 * struct.calcsize(form))
        struct.pack_into(form, data, at, value)
    rows = layout.read_header(data).rows
    if rows and len(data) > layout.HEADER_BYTES + 32:
        at = layout.HEADER_BYTES + 8 * chance.randrange(4)
        struct.pack_into("<Q", data, at, abs(streams.number(chance)) % (1 << 64))
    data[6] |= layout.IS_SAFE
    return data


def used(value: Any) -> None:
    """Look at what was read, as those who asked for it do."""
    if isinstance(value, torch.Tensor):
        if value.layout is torch.strided and not value.is_nested and value.numel() < _LARGE:
            value.detach().clone()
    elif isinstance(value, np.ndarray):
        if value.size < _LARGE:
            value.copy()
    elif isinstance(value, (list, tuple)):
        for item in value[:20]:
            used(item)
    elif isinstance(value, dict):
        used(list(value.values()))


def blocks(chance: random.Random, folder: Path) -> None:
    data = make_block(chance)
    used(codec.decode(memoryview(data), trusted=False))
    used(codec.decode(memoryview(bytearray(layout.pack(memoryview(data)))), trusted=False))


# -- receipts, and the whole durable context -----------------------------------------------------


def _make_durable(folder: Path) -> Path:
    """A durable context as its owner left it; made once for each child."""
    kept = folder / "kept"
    if not kept.exists():
        with WorkflowContext(run_id="fuzz", durable=True) as context:
            for i, value in enumerate(VALUES[:4]):
                context.save(f"k{i}", value)
            place = context.folder
        shutil.copytree(place, kept)
        WorkflowContext.delete_durable("fuzz")
    return kept


def receipts(chance: random.Random, folder: Path) -> None:
    kept = _make_durable(folder)
    with WorkflowContext(run_id="fuzz", durable=True) as context:
        place = context.folder
    try:
        shutil.rmtree(place)
        shutil.copytree(kept, place)
        _break_context(place, chance)
        with WorkflowContext(run_id="fuzz", durable=True, create=False, trusted=False) as context:
            for key in context.list_keys():
                _try(lambda k=key: used(context.load(k)))
                _try(lambda k=key: context.get_storage_info(k))
                _try(lambda k=key: context.internal.collect(context.internal.lend([k])))
            context.get_usage()
            _try(lambda: context.save("new", 1))
    finally:
        shutil.rmtree(place)


def _break_context(place: Path, chance: random.Random) -> None:
    book = place / "receipts.json"
    kind = chance.randrange(4)
    if kind == 0:
        book.write_bytes(streams.flipped(book.read_bytes(), chance))
    elif kind == 1:
        book.write_bytes(book.read_bytes()[: chance.randrange(book.stat().st_size)])
    elif kind == 2:
        (block, *_) = chance.sample(sorted((place / "values").iterdir()), 1)
        block.write_bytes(make_block(chance))
    else:
        with WorkflowContext(run_id="fuzz", durable=True, create=False) as context:
            known = context.internal.get_receipt("k0")
            odd = Receipt(
                "odd",
                chance.choice([known.version, "../../x", "", "a" * 300, "con", "a_b"]),
                chance.choice([known.size_bytes, streams.number(chance)]),
                chance.choice(["ram", "disk"]),
                pass_by=chance.choice(["val", "ref", "x"]),
                is_safe=chance.random() < 0.5,
                meta=chance.choice(
                    [None, {}, {"frozen": [streams.text(chance), 5]}, {"recipe": 5}]
                ),
            )
            context.internal.store.book.append([("odd", odd)])


def _try(use: Callable[[], Any]) -> None:
    with contextlib.suppress(DiscomfortError):
        use()


# -- pickle files --------------------------------------------------------------------------------


PICKLES = [
    pickle.dumps(v, p) for v in VALUES for p in (0, 2, 4, 5) if not isinstance(v, Image.Image)
]


def pickles(chance: random.Random, folder: Path) -> None:
    kind = chance.randrange(5)
    if kind == 0:
        data = streams.flipped(chance.choice(PICKLES), chance)
    elif kind == 1:
        data = streams.from_grammar(chance)
    elif kind == 2:
        data = streams.bombs(chance)
    else:
        data = streams.broken(chance.choice(PICKLES), chance)
    path = folder / "case.pkl"
    path.write_bytes(data)
    used(read_pickle(path, trusted=False))


# -- references, workflows, prompts --------------------------------------------------------------


def _reference(chance: random.Random) -> dict[str, Any]:
    """A prompt that makes one value over a frozen one, as it is exported."""
    block = bytearray(layout.pack(memoryview(bytearray(chance.choice(WHOLE)))))
    if chance.random() < 0.7:
        block = make_block(chance)
    content = "0" * 64
    with contextlib.suppress(DiscomfortError, struct.error, ValueError):
        content = layout.content_hash(memoryview(block))
    packed = base64.b64encode(block).decode()
    loader = {"unique_id": "", "run_dir": "", "version": content, "wanted": "{}"}
    port = {"unique_id": "out", "tags": "", "input_data": ["2", 0]}
    return {
        "1": {"class_type": "DiscomfortContextLoader", "inputs": loader},
        "2": {"class_type": "StubPatchModel", "inputs": {"picture": ["1", 0]}},
        "output": {
            "class_type": "DiscomfortPort",
            "inputs": port,
            "_meta": {"title": "out", "discomfort": {"values": {content: packed}}},
        },
    }


WORKFLOW = {
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        },
        {
            "id": 2,
            "type": "DiscomfortPort",
            "inputs": [{"name": "input_data", "type": "*", "link": 1}],
            "outputs": [{"name": "output", "type": "*", "links": []}],
            "widgets_values": ["out", ""],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "*"]],
    "definitions": {"subgraphs": []},
    "extra": {},
}


def with_odd_parts(data: Any, chance: random.Random) -> Any:
    """A copy of some JSON with odd values somewhere in it."""
    if chance.random() < 0.06:
        odd = streams.odd(chance)
        return None if isinstance(odd, bytes) else odd
    if isinstance(data, dict):
        return {k: with_odd_parts(v, chance) for k, v in data.items() if chance.random() > 0.02}
    if isinstance(data, list):
        return [with_odd_parts(v, chance) for v in data if chance.random() > 0.02]
    return data


def _text_of(data: Any, chance: random.Random) -> bytes:
    text = json.dumps(data, default=repr).encode("utf-8", "surrogatepass")
    roll = chance.random()
    if roll < 0.15:
        return streams.flipped(text, chance)
    return b"[" * 100_000 if roll < 0.17 else text


def references(chance: random.Random, folder: Path) -> None:
    data = _reference(chance) if chance.random() < 0.7 else WORKFLOW
    if chance.random() < 0.5:
        data = with_odd_parts(data, chance)
    path = folder / "case.json"
    path.write_bytes(_text_of(data, chance))
    _try(lambda: read_workflow(path))
    with WorkflowContext() as context:
        context.import_reference(path, "it")
        context.load("it")


# -- pictures ------------------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes, chance: random.Random) -> bytes:
    crc = zlib.crc32(kind + data) if chance.random() < 0.9 else chance.getrandbits(32)
    length = len(data) if chance.random() < 0.9 else abs(streams.number(chance)) % (1 << 32)
    return struct.pack(">I", length) + kind + data + struct.pack(">I", crc)


def _png(chance: random.Random) -> bytes:
    width, height = (chance.choice([1, 8, 0, 4000, 13_000, 2**31 - 1]) for _ in range(2))
    depth, color = chance.choice([(8, 2), (8, 6), (16, 6), (1, 0), (8, 3), (3, 9)])
    workflow = _text_of(with_odd_parts(WORKFLOW, chance), chance)
    name = chance.choice([b"workflow", b"prompt", b"other", b"", b"w" * 100])
    packed = zlib.compress(workflow if chance.random() < 0.8 else bytes(80_000_000))
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0), chance),
        _chunk(b"tEXt", name + b"\0" + workflow, chance),
        _chunk(b"zTXt", name + b"\0\0" + packed, chance),
        _chunk(b"iTXt", name + b"\0\x01\0\0\0" + packed, chance),
        _chunk(b"IDAT", zlib.compress(bytes(min(1 << 16, width * 4 * height))), chance),
        _chunk(chance.choice([b"eXIf", b"acTL", b"fcTL", b"comf"]), bytes(26), chance),
        _chunk(b"IEND", b"", chance),
    ]
    chosen = [chunks[0], *(c for c in chunks[1:-1] if chance.random() < 0.6), chunks[-1]]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chosen)


def _saved(chance: random.Random, path: Path) -> bytes:
    """A picture as ComfyUI saves it, broken."""
    picture = Image.new("RGB", (8, 8))
    text = _text_of(with_odd_parts(WORKFLOW, chance), chance).decode("latin-1")
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_text("workflow", text)
        picture.save(path, pnginfo=info)
    else:
        exif = picture.getexif()
        exif[0x010E] = "Workflow:" + text[:60_000]
        picture.save(path, exif=exif)
    return streams.flipped(path.read_bytes(), chance)


def pictures(chance: random.Random, folder: Path) -> None:
    path = folder / f"case{chance.choice(['.png', '.png', '.webp', '.jpg'])}"
    is_made = path.suffix == ".png" and chance.random() < 0.7
    path.write_bytes(_png(chance) if is_made else _saved(chance, path))
    _try(lambda: read_workflow(path))
    try:
        read_workflow_metadata(path)
    except ValueError as e:
        if type(e) is not ValueError:  # the documented one, and not one of its many children
            raise


# -- records -------------------------------------------------------------------------------------


def _record_lines() -> list[dict[str, Any]]:
    cell = {"version": "a_b", "type": "IMAGE", "bytes": 5}
    return [
        {
            "k": "record",
            "format": 1,
            "id": "x",
            "title": "t",
            "t": 1.0,
            "pid": 1,
            "calls_before": 0,
        },
        {"k": "workflow", "digest": "ab", "name": "w", "is_prompt": False},
        {"k": "begin", "call": 1, "iterations": 2, "t": 1.0},
        {
            "k": "step",
            "call": 1,
            "iteration": 1,
            "name": "w",
            "t": 2.0,
            "seconds": 0.5,
            "nodes": 3,
            "cached": 1,
            "ram": 5,
            "disk": 0,
            "worker": 7,
            "in": {"a": {"v": 1}},
            "out": {"b": cell},
        },
        {"k": "picture", "version": "a_b", "file": "pictures.0", "at": 0, "bytes": 4, "width": 2},
        {"k": "end", "call": 1, "iteration": 2, "status": "failed", "error": "no", "name": "w"},
        {"k": "closed", "t": 3.0},
    ]


def records(chance: random.Random, folder: Path) -> None:
    root = folder / "runs"
    shutil.rmtree(root, ignore_errors=True)
    record = root / "20260101-000000-abcdefgh"
    record.mkdir(parents=True)
    lines = [with_odd_parts(line, chance) for line in _record_lines()]
    if chance.random() < 0.5:
        lines.insert(chance.randrange(len(lines)), with_odd_parts(chance.choice(lines), chance))
    data = b"".join(_line(line) for line in lines)
    if chance.random() < 0.2:
        data = streams.flipped(data, chance)
    (record / "record.jsonl").write_bytes(data)
    (record / "pictures.0").write_bytes(b"abcd")
    target = record / chance.choice(["ab.json", "cd.json"])
    target.write_bytes(_text_of(WORKFLOW, chance))
    archive = Archive(root)
    archive.list_records()
    _read_record(archive, record.name, chance)


def _read_record(archive: Archive, record_id: str, chance: random.Random) -> None:
    names = [record_id, "", "..", "20260101-000000-abcdefgh/..", "a/b", "\0"]
    asked = record_id if chance.random() < 0.9 else chance.choice(names)
    for use in (
        lambda: archive.tag(asked),
        lambda: archive.picture(asked, "a_b"),
        lambda: archive.workflow(asked, chance.choice(["ab", "cd", "../ab", "", "\ud800"])),
        lambda: make_report(archive.view(asked, last=5), archive.pictures(asked), {}),
    ):
        try:
            use()
        except RecordNotFound:
            pass
        except ValueError as e:  # a newer format, told in words
            if "another version" not in str(e):
                raise


def _line(entry: Any) -> bytes:
    try:
        return make_line(entry)
    except (ValueError, TypeError):
        return json.dumps(entry, default=repr).encode() + b"\n"


# -- for the test of the fuzzer itself -----------------------------------------------------------


def dies(chance: random.Random, folder: Path) -> None:
    if chance.random() < 0.5:
        os.kill(os.getpid(), 11)


def hangs(chance: random.Random, folder: Path) -> None:
    while chance.random() >= 0:
        pass


def grows(chance: random.Random, folder: Path) -> None:
    held = [bytearray(os.urandom(1)) * (1 << 28) for _ in range(5)]
    held.clear()


def raises(chance: random.Random, folder: Path) -> None:
    raise KeyError("not ours")


FAMILIES: dict[str, Callable[[random.Random, Path], None]] = {
    f.__name__: f for f in (blocks, receipts, pickles, references, pictures, records)
}
MISBEHAVING = {f.__name__: f for f in (dies, hangs, grows, raises)}
