"""Values from strangers: nothing in them is called, forged, or without an end."""

from __future__ import annotations

import pickle
import re
import zlib
from typing import Any

import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store.encoding import codec, layout
from custom_nodes.discomfort.store.encoding.describe import Part

REFUSED = (errors.UntrustedValueError, errors.CorruptValueError)


def block_of(stream: bytes, *parts: tuple[int, bytes]) -> memoryview:
    """A block that says of itself that it is data. Parts: number of the storage, bytes."""
    rows = [Part(number, 0, len(data), memoryview(data)) for number, data in parts]
    value = layout.lay_out(rows, [stream], True)
    data = bytearray(value.total_bytes)
    data[: layout.HEADER_BYTES] = value.header("a_b")
    for offset, piece in value.pieces:
        data[offset : offset + len(piece)] = piece
    return memoryview(data)


class _Pid:
    def __init__(self, pid: Any):
        self.pid = pid


def naming(pid: Any) -> bytes:
    """The stream of one array, tensor or image, as its persistent id describes it."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return obj.pid if isinstance(obj, _Pid) else None

    stream: Any = type("Stream", (bytearray,), {"write": bytearray.extend})()
    Pickler(stream, protocol=5).dump([_Pid(pid)])
    return bytes(stream)


START = b"\x80\x05"


def twice(levels: int) -> bytes:
    """A tuple of the same tuple twice, and so on."""
    return b")" + b"".join(b"\x94h" + bytes([i]) + b"\x86" for i in range(levels))


def lists_twice(levels: int) -> bytes:
    """The same with lists, each filled after it was put into the one before."""
    made = b"".join(b"]\x94" for _ in range(levels))
    filled = (b"0h%c(h%ch%ce" % (i, i + 1, i + 1) for i in range(levels - 1))
    return made + b"".join(filled) + b"h\x00"


def keys_of_one_hash(count: int) -> bytes:
    numbers = (i * (2**61 - 1) for i in range(1, count))
    return b"}(" + b"".join(b"\x8a\x0b" + n.to_bytes(11, "little") + b"N" for n in numbers) + b"u"


def called(name: str, args: bytes) -> bytes:
    module, _, name = name.rpartition(".")
    parts = (b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
    return b"".join(parts) + b"\x93" + args + b"R"


MANY = b"K\x00\x8a\x08" + b"\xff" * 7 + b"\x7fK\x01\x87"
ENDLESS = {
    "key that is a tuple of tuples": b"}" + twice(60) + b"Ns",
    "set of such": b"\x8f(" + twice(60) + b"\x90",
    "frozen set of such": b"(" + twice(60) + b"\x91",
    "tuple of tuples": twice(60),
    "lists of lists": lists_twice(60),
    "keys of one hash": keys_of_one_hash(30_000),
    "list of a range": called("builtins.list", called("builtins.range", MANY) + b"\x85"),
    "many bytes": called("builtins.bytes", b"\x8a\x06\0\0\0\0\0\x7f\x85"),
    "many bytes as an array": called("builtins.bytearray", b"\x8a\x06\0\0\0\0\0\x7f\x85"),
    "decimal with a large exponent": called("decimal.Decimal", b"\x8c\x0b1e999999999\x85"),
    "defaultdict of what it has not": called("collections.defaultdict", b"K\x01\x85"),
    "deque of a list": called("collections.deque", b"](K\x01e\x85"),
    "whole number of many digits": b"\x8b\x00\x00\x10\x00" + b"\x7f" * 0x100000,
    "tuples inside each other": b")" + b"\x85" * 100_000,
    "lists inside each other": b"]" * 100_000 + b"a" * 99_999,
    "length beyond the end": b"\x8e" + b"\xff" * 7 + b"\x7f",
    "negative length": b"\x8b\xff\xff\xff\xff",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_few_bytes_that_stand_for_very_much_are_refused(name):
    with pytest.raises(REFUSED):
        codec.decode(block_of(START + ENDLESS[name] + b"."), trusted=False)


CODE = {
    "call of a name": called("os.system", b"\x8c\x04true\x85"),
    "name alone": called("os.system", b"")[:-1],
    "name by dots": called("builtins.int.__class__", b")"),
    "class itself": called("builtins.type", b"K\x01\x85"),
    "new object": called("collections.OrderedDict", b")")[:-1] + b"\x81",
    "state of an object": called("collections.OrderedDict", b")") + b"}b",
    "extension": b"\x82\x01",
    "old global": b"cos\nsystem\n",
    "old persistent id": b"Px\n",
    "next buffer": b"\x97",
    "call of a tuple": twice(60) + b")R",
    "call of a value": b"K\x01)R",
    "append to a tuple": b")K\x01a",
    "set an item of a list": b"]K\x00K\x01s",
}  # fmt: skip


@pytest.mark.parametrize("name", CODE)
def test_stream_that_does_more_than_hold_data_is_refused(name):
    with pytest.raises(REFUSED):
        codec.decode(block_of(START + CODE[name] + b"."), trusted=False)


def test_marks_that_do_not_fit_are_no_value():
    for stream in (b"(.", b"](a.", b"}(K\x01u.", b"(\x94.", b"(R.", b"e.", b"\x85.", b"0.", b""):
        with pytest.raises(REFUSED):
            codec.decode(block_of(START + stream), trusted=False)


HUGE = (1 << 40,)
FORGED = {
    "objects over bytes": (0, "array", 0, "|O", (1,), "C"),
    "objects in a field": (0, "array", 0, [("a", "|O")], (1,), "C"),
    "texts of numpy over bytes": (0, "array", 0, "T", (1,), "C"),
    "array that leads out": (0, "array", 0, "<f8", (99,), "C"),
    "array of no bytes": (0, "array", -1, "<f8", HUGE, "C"),
    "array without any size": (0, "array", -1, "V0", HUGE, "C"),
    "array of odd shape": (0, "array", 0, "<f8", (-1, -1), "C"),
    "array of a shape that overflows": (0, "array", 0, "<f8", (1 << 33, 1 << 33, 1 << 33), "C"),
    "shape that is a list": (0, "array", 0, "<f8", [1], "C"),
    "object array of few": (0, "object_array", HUGE, [1]),
    "scalar of objects": (0, "scalar", "|O", b"A" * 8),
    "dtype of objects": (0, "np_dtype", "|O"),
    "quantised": (0, "tensor", 0, "quint8", (8,)),
    "no dtype": (0, "tensor", 0, "load", (8,)),
    "tensor that leads out": (0, "tensor", 0, "float32", (99,)),
    "tensor of no bytes": (0, "tensor", -1, "float32", HUGE),
    "tensor with steps that lead out": (0, "tensor", 0, "float32", (2,), (50,)),
    "tensor with steps back": (0, "tensor", 0, "float32", (2,), (-1,)),
    "tensor that repeats too often": (0, "tensor", 0, "uint8", HUGE, (0,)),
    "tensor that begins in between": (0, "tensor", 0, "float32", (1,), None, 3),
    "tensor that begins outside": (0, "tensor", 0, "float32", (1,), None, 400),
    "tensor on what is no device": (0, "tensor", 0, "float32", (2,), None, 0, False, False, "os.x"),
    "whole numbers with a gradient": (0, "tensor", 0, "int32", (2,), None, 0, True),
    "image that is too large": (0, "image", 0, "RGB", (100_000, 100_000), None, {}),
    "image of no mode": (0, "image", 0, "XYZ", (1, 1), None, {}),
    "storage that is not there": (0, "tensor", 7, "float32", (2,)),
    "kind that is none": (0, "system", "true"),
    "number that is none": ("0", "device", "cpu"),
    "part that is not there": (5,),
    "nothing": (),
    "nested of numbers": (0, "nested", [1, 2], False),
    "sparse of numbers": (0, "sparse_coo", 1, 2, (2,), False),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_said_of_an_array_is_not_believed(name):
    block = block_of(naming(FORGED[name]), (0, bytes(range(8))))
    with pytest.raises(REFUSED):
        codec.decode(block, trusted=False)


def test_sparse_tensor_with_indices_that_lead_out_is_refused():
    good = torch.eye(3).to_sparse()
    whole = bytes(written(good))
    for index in (b"\x09", b"\xff"):
        at = whole.rindex((2).to_bytes(8, "little"))
        bad = whole[:at] + index + whole[at + 1 :]
        with pytest.raises(REFUSED):
            codec.decode(memoryview(bytearray(bad)), trusted=False)
    assert torch.equal(codec.decode(memoryview(bytearray(whole)), False).to_dense(), torch.eye(3))


def written(value: Any) -> bytearray:
    encoded = codec.encode(value)
    data = bytearray(encoded.total_bytes)
    data[: layout.HEADER_BYTES] = encoded.header("a_b")
    for offset, piece in encoded.pieces:
        data[offset : offset + len(piece)] = piece
    return data


def test_table_whose_buffers_overlap_is_refused():
    data = written([torch.ones(1000), torch.zeros(1000)])
    rows = layout.HEADER_BYTES
    data[rows + 32 : rows + 40] = data[rows : rows + 8]
    data[rows + 40 : rows + 48] = (7900).to_bytes(8, "little")
    head = layout.read_header(data)
    stream_end = rows + 64 + head.stream_bytes
    data[28:32] = zlib.crc32(data[rows:stream_end]).to_bytes(4, "little")
    assert layout.read_header(data).crc != head.crc
    with pytest.raises(errors.CorruptValueError, match="table"):
        codec.decode(memoryview(data), trusted=False)


def test_value_that_holds_itself_is_read():
    whole: list = []
    whole.append((whole, {"a": whole}))
    read = codec.decode(memoryview(written(whole)), trusted=False)
    assert read[0][0] is read and read[0][1]["a"] is read


def test_words_of_a_refusal_say_what_to_do():
    with pytest.raises(errors.UntrustedValueError, match=re.escape("trusted=True")):
        codec.decode(block_of(START + twice(60) + b"."), trusted=False, where="the value of 'a'")
