"""Streams of pickle that no pickler writes: from a grammar, and from whole ones that are broken.

Used by `fuzz_targets.py`. All depends on the random source that is given.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import random
import struct
from collections.abc import Callable
from typing import Any

START = b"\x80\x05"
NAMES = [
    *("builtins.list", "builtins.range", "builtins.bytes", "builtins.bytearray", "builtins.set"),
    *("builtins.complex", "builtins.slice", "builtins.eval", "builtins.type", "builtins.int"),
    *("builtins.frozenset", "builtins.getattr", "decimal.Decimal", "collections.OrderedDict"),
    *("collections.deque", "collections.defaultdict", "datetime.datetime", "datetime.timedelta"),
    *("datetime.timezone", "datetime.time", "os.system", "numpy.ndarray", "numpy.dtype"),
    *("numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar"),
    *("numpy._core.numeric._frombuffer", "torch.storage._load_from_bytes", "torch.Size"),
    *("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter", "torch.device"),
    *("torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_nested_tensor"),
    *("torch.serialization._get_layout", "torch.float32", "torch.quint8", "_codecs.encode"),
]
ODD_INTS = [0, 1, -1, 2, 7, 255, 256, 2**31 - 1, -(2**31), 2**40, 2**62, 2**63, -(2**63), 2**64]
ODD_TEXTS = ["", "a", "O", "|O", "<f8", "V0", "U0", "M8", "cpu", "meta", "\ud800", "1e999999999"]
DTYPES = [
    "float32",
    "uint8",
    "quint8",
    "bool",
    "complex64",
    "int64",
    "load",
    "bits8",
    "float8_e5m2",
]
MODES = ["RGB", "L", "1", "P", "RGBA", "I;16", "F", "XYZ", "LA", ""]
DESCRS = ["<f8", "|O", "T", "<U3", "V0", "<M8[s]", "|b1", "(2,)f4", "f8,f8", "", "O8"]


def number(chance: random.Random) -> int:
    return chance.choice(ODD_INTS) if chance.random() < 0.4 else chance.randrange(-3, 20)


def text(chance: random.Random) -> str:
    return chance.choice(ODD_TEXTS)


def shape(chance: random.Random) -> Any:
    if chance.random() < 0.1:
        return odd(chance)
    return tuple(number(chance) for _ in range(chance.randrange(4)))


def odd(chance: random.Random, levels: int = 2) -> Any:
    """Any small value."""
    kinds: list[Callable[[], Any]] = [
        lambda: number(chance),
        lambda: text(chance),
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.choice([0.5, float("nan"), float("inf"), -0.0]),
        lambda: bytes(chance.randrange(256) for _ in range(chance.randrange(20))),
    ]
    if levels:
        kinds += [
            lambda: [odd(chance, levels - 1) for _ in range(chance.randrange(4))],
            lambda: tuple(odd(chance, levels - 1) for _ in range(chance.randrange(4))),
            lambda: {text(chance): odd(chance, levels - 1) for _ in range(chance.randrange(3))},
        ]
    return chance.choice(kinds)()


def described(chance: random.Random) -> tuple:
    """A persistent id: what a block says of an array, a tensor or an image."""
    storage = chance.choice([-1, 0, 0, 0, 1, 5, number(chance)])
    pids: list[Callable[[], tuple]] = [
        lambda: ("array", storage, chance.choice(DESCRS), shape(chance), chance.choice("CFXK")),
        lambda: (
            "array",
            storage,
            [("a", "<f4"), ("b", chance.choice(DESCRS))],
            shape(chance),
            "C",
        ),
        lambda: ("tensor", storage, chance.choice(DTYPES), shape(chance)),
        lambda: (
            *("tensor", storage, chance.choice(DTYPES), shape(chance), shape(chance)),
            *(number(chance), chance.random() < 0.2, chance.random() < 0.2),
            chance.choice([None, "cpu", "cuda:0", "meta", "os.x", text(chance)]),
        ),
        lambda: ("image", storage, chance.choice(MODES), shape(chance), None, {}),
        lambda: ("image", storage, "P", (2, 2), ("RGB", b"abc"), odd(chance)),
        lambda: ("object_array", shape(chance), [odd(chance)]),
        lambda: ("scalar", chance.choice(DESCRS), bytes(chance.randrange(20))),
        lambda: ("np_dtype", chance.choice(DESCRS)),
        lambda: ("dtype", chance.choice(DTYPES)),
        lambda: ("device", text(chance)),
        lambda: ("size", shape(chance)),
        lambda: ("nested", [odd(chance)], False),
        lambda: ("sparse_coo", odd(chance), odd(chance), shape(chance), False),
        lambda: ("comfy_nested", odd(chance)),
        lambda: tuple(odd(chance) for _ in range(chance.randrange(4))),
    ]
    numbered = chance.choice([0, 1, 2, number(chance)])
    return (numbered, *chance.choice(pids)()) if chance.random() < 0.95 else odd(chance)


class _Pid:
    def __init__(self, pid: Any):
        self.pid = pid


def naming(pids: list[Any]) -> bytes:
    """The stream of a list of what persistent ids describe."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return obj.pid if isinstance(obj, _Pid) else None

    stream = io.BytesIO()
    Pickler(stream, protocol=5).dump([_Pid(pid) for pid in pids])
    return stream.getvalue()


def _short_text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")[:255]
    return b"\x8c" + bytes([len(data)]) + data


def from_grammar(chance: random.Random) -> bytes:
    """Opcodes with arguments of their own, in any order; mostly such as find what they need."""
    out, depth, memo = [START], 0, 0
    for _ in range(chance.randrange(2, 60)):
        roll = chance.random()
        if depth == 0 or roll < 0.35:
            out.append(_pushed(chance))
            depth += 1
        elif roll < 0.45:
            module, _, name = chance.choice(NAMES).rpartition(".")
            out.append(_short_text(module) + _short_text(name) + b"\x93")
            depth += 1
        elif roll < 0.55:
            out.append(b"\x94")
            memo += 1
        elif roll < 0.65 and memo:
            out.append(b"h" + bytes([min(255, chance.randrange(memo + 1))]))
            depth += 1
        elif roll < 0.8 and depth > 1:
            code, taken = chance.choice(
                [(b"\x86", 2), (b"R", 2), (b"b", 2), (b"a", 2), (b"\x87", 3)]
            )
            out.append(code)
            depth -= taken - 1
        elif roll < 0.9:
            items = b"".join(_pushed(chance) for _ in range(chance.randrange(4)))
            out.append(
                b"(" + items + chance.choice([b"e", b"u", b"\x90", b"t", b"\x91", b"l", b"d"])
            )
        else:
            out.append(chance.choice([b"\x85", b"0", b"1", b"Q", b"s", b"2", b"\x81", b"]", b"}"]))
    return b"".join([*out, b"."])


def _pushed(chance: random.Random) -> bytes:
    return chance.choice(
        [
            lambda: b"]",
            lambda: b"}",
            lambda: b")",
            lambda: b"\x8f",
            lambda: b"N",
            lambda: b"K" + bytes([chance.randrange(256)]),
            lambda: b"\x8a\x08" + struct.pack("<q", max(-(2**63), min(2**63 - 1, number(chance)))),
            lambda: _short_text(text(chance)),
            lambda: b"C\x08" + bytes(chance.randrange(256) for _ in range(8)),
            lambda: b"G" + struct.pack(">d", chance.choice([0.0, 1e308, float("nan")])),
        ]
    )()


def bombs(chance: random.Random) -> bytes:
    """Few bytes that stand for very much, in variations."""
    count = chance.randrange(20, 200)
    twice = b")" + b"".join(b"\x94h" + bytes([i]) + b"\x86" for i in range(count))
    many = b"\x8a\x08" + struct.pack("<q", 2 ** chance.randrange(20, 63))
    one_hash = (i * (2**61 - 1) for i in range(1, count * 20))
    keys = b"".join(b"\x8a\x0b" + n.to_bytes(11, "little") + b"N" for n in one_hash)
    made = chance.choice(
        [
            twice,
            b"}" + twice + b"Ns",
            b"(" + twice + b"\x91",
            b"}(" + keys + b"u",
            b")" + b"\x85" * (count * 50),
            b"]" * (count * 50) + b"a" * (count * 50 - 1),
            _short_text("builtins") + _short_text("bytes") + b"\x93" + many + b"\x85R",
            _short_text("builtins") + _short_text("range") + b"\x93K\0" + many + b"K\1\x87R",
            b"\x96" + struct.pack("<Q", 2 ** chance.randrange(8, 64)),
        ]
    )
    return START + made + b"."


def broken(stream: bytes, chance: random.Random) -> bytes:
    """A whole stream with opcodes cut out, doubled, exchanged, or with other arguments."""
    try:
        starts = [at for _, _, at in pickletools.genops(stream) if at is not None]
    except Exception:
        starts = list(range(0, len(stream), 3))
    parts = [stream[a:b] for a, b in zip(starts, [*starts[1:], len(stream)], strict=True)]
    for _ in range(chance.randrange(1, 5)):
        i = chance.randrange(len(parts))
        kind = chance.randrange(6)
        if kind == 0:
            del parts[i]
        elif kind == 1:
            parts.insert(i, parts[chance.randrange(len(parts))])
        elif kind == 2:
            j = chance.randrange(len(parts))
            parts[i], parts[j] = parts[j], parts[i]
        elif kind == 3:
            parts[i] = _pushed(chance)
        elif kind == 4:
            module, _, name = chance.choice(NAMES).rpartition(".")
            parts.insert(i, _short_text(module) + _short_text(name) + b"\x93")
        else:
            parts[i] = flipped(parts[i], chance)
        if not parts:
            break
    return b"".join(parts)


def flipped(data: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, cut out or put in."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        if not changed:
            break
        i = chance.randrange(len(changed))
        kind = chance.randrange(4)
        if kind == 0:
            changed[i] = chance.randrange(256)
        elif kind == 1:
            changed[i] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del changed[i : i + chance.randrange(1, 9)]
        else:
            changed[i:i] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
    return bytes(changed)
