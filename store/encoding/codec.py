"""One stored value: header, table, pickle stream, aligned raw buffers; the same in RAM and on disk.

Arrays, tensors and images leave the pickle stream as persistent ids (numbers and names only) and
their memory as raw buffers. So a value of builtins, numpy and torch needs no code to be read;
anything else goes through cloudpickle and says so. Nobody else knows this layout.

A checksum covers the table and the stream, the lengths cover the rest: what is cut short or not a
value is found. Raw buffers have none, as in safetensors and .npy files: it would cost a second a
GiB at each save, and another at each load, which is a mapping of half a millisecond and need not
read what nobody touches. Against flipped bits there are the disk's own checksums.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...errors import CorruptValueError, UntrustedValueError
from . import describe, pickle_quirks, rebuild
from .unopened import UnopenedValue

FORMAT = 1
ALIGNMENT = 64

IS_SAFE = 1  # flags of the header
IS_LIST = 2

_HEADER = struct.Struct("<4sHHQQII24s8x")  # magic, format, flags, total, stream, rows, crc, version
_ROW = struct.Struct(
    "<QQQQ"
)  # offset in the block, bytes, storage number, first byte within the storage
_MAGIC = b"DSCF"
_SMALL_STREAM = 64 * 1024  # up to here a copy of the stream costs less than reads from a view
HEADER_BYTES = _HEADER.size


class Header(NamedTuple):
    """The first bytes of a block."""

    flags: int
    total_bytes: int
    stream_bytes: int
    rows: int
    crc: int
    version: str

    @property
    def is_safe(self) -> bool:
        return bool(self.flags & IS_SAFE)

    @property
    def is_list(self) -> bool:
        return bool(self.flags & IS_LIST)


@dataclass(slots=True)
class Encoded:
    """A value ready to be written: where each piece goes. It shares memory with the value."""

    total_bytes: int
    is_safe: bool
    stream_bytes: int
    rows: int
    crc: int
    pieces: list[tuple[int, Any]] = field(default_factory=list)
    keep_alive: Any = None
    is_list: bool = False

    @property
    def is_on_device(self) -> bool:
        """Whether a piece lies in the memory of a GPU."""
        return any(not isinstance(d, (bytes, bytearray, memoryview)) for _, d in self.pieces)

    def header(self, version: str, is_list: bool = False) -> bytes:
        flags = (IS_SAFE if self.is_safe else 0) | (IS_LIST if is_list or self.is_list else 0)
        return _HEADER.pack(
            _MAGIC, FORMAT, flags, self.total_bytes, self.stream_bytes, self.rows, self.crc,
            version.encode("ascii"),
        )  # fmt: skip


class _NeedsCode(Exception):
    """The value has an object that only its own code can rebuild."""


class _Pieces(list):
    """What the pickler writes to. Large `bytes` arrive uncopied."""

    write = list.append


class _DataPickler(pickle.Pickler):
    """Takes builtins and what `describe` knows, and refuses the rest."""

    def __init__(self, file: Any):
        super().__init__(file, protocol=5)
        self.buffers = describe.Collector()

    def persistent_id(self, obj: Any) -> Any:
        return None if type(obj) in describe.PLAIN else self.buffers.describe(obj)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in describe.SAFE_TYPES or (
            isinstance(obj, type) and obj in describe.SAFE_TYPES
        ):
            return NotImplemented
        raise _NeedsCode


def _dump_with_code(value: Any, file: Any) -> describe.Collector:
    import cloudpickle

    class CodePickler(cloudpickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            if type(obj) in describe.PLAIN:
                return None
            return pickle_quirks.describe(obj) or buffers.describe(obj)

        def reducer_override(self, obj: Any) -> Any:
            return pickle_quirks.reduce(obj) or super().reducer_override(obj)

    buffers = describe.Collector()
    CodePickler(file, protocol=5, buffer_callback=buffers.add_pickle_buffer).dump(value)
    return buffers


def encode(value: Any) -> Encoded:
    """Lay a value out without copying its arrays and tensors.

    Raises:
        TypeError, pickle.PicklingError: cloudpickle can't take it either (an open file, a lock,
        ...).
    """
    if type(value) is UnopenedValue:
        return _as_it_is(value._block)
    stream = _Pieces()
    try:
        pickler = _DataPickler(stream)
        pickler.dump(value)
        buffers, is_safe = pickler.buffers, True
    except _NeedsCode:
        stream = _Pieces()
        buffers, is_safe = _dump_with_code(value, stream), False
    parts = buffers.parts()
    stream_bytes = sum(map(len, stream))
    offset = HEADER_BYTES + len(parts) * _ROW.size + stream_bytes
    rows, placed = bytearray(), []
    for part in parts:
        offset = -(-offset // ALIGNMENT) * ALIGNMENT
        rows += _ROW.pack(offset, part.nbytes, part.storage, part.first)
        placed.append((offset, part.data))
        offset += part.nbytes
    crc = zlib.crc32(rows)
    pieces: list[tuple[int, Any]] = [(HEADER_BYTES, bytes(rows))] if rows else []
    at = HEADER_BYTES + len(rows)
    for chunk in stream:
        crc = zlib.crc32(chunk, crc)
        pieces.append((at, chunk))
        at += len(chunk)
    return Encoded(
        offset, is_safe, stream_bytes, len(parts), crc, pieces + placed, (value, buffers)
    )


def read_header(block: Any, where: str = "the stored value") -> Header:
    """Check and unpack the first bytes of a block."""
    if len(block) < HEADER_BYTES:
        raise CorruptValueError(f"{where} is cut short: {len(block)} bytes. Save the value again.")
    magic, fmt, flags, total, stream, rows, crc, version = _HEADER.unpack_from(block)
    if magic != _MAGIC:
        raise CorruptValueError(f"{where} does not begin as a stored value. Save the value again.")
    if fmt != FORMAT:
        raise CorruptValueError(
            f"{where} has format {fmt}; this version of Discomfort reads {FORMAT}."
        )
    name = version.rstrip(b"\0").decode("ascii", "replace")
    return Header(flags, total, stream, rows, crc, name)


def decode(
    block: memoryview, trusted: bool = True, where: str = "the stored value",
    head: Header | None = None,
) -> Any:  # fmt: skip
    """The value. Its arrays and tensors lie in `block` itself, and keep it alive.

    Args:
        block: a private writable view: whoever changes the value changes only this view.
        trusted: False reads only what needs no code.
        head: of the block, where the caller has read it already.

    Raises:
        CorruptValueError: damaged, or incomplete.
        UntrustedValueError: it needs code, and `trusted` is False.
    """
    head = head or read_header(block, where)
    rows_end = HEADER_BYTES + head.rows * _ROW.size
    stream_end = rows_end + head.stream_bytes
    if len(block) < head.total_bytes or stream_end > head.total_bytes:
        raise CorruptValueError(
            f"{where} is cut short: {len(block)} of {head.total_bytes} bytes. Save the value again."
        )
    if zlib.crc32(block[HEADER_BYTES:stream_end]) != head.crc:
        raise CorruptValueError(f"{where} is damaged (checksum). Save the value again.")
    if not head.is_safe and not trusted:
        raise UntrustedValueError(
            f"{where} needs code to be read, and this context was opened with trusted=False. "
            "Open it with trusted=True if you know who wrote it."
        )
    parts: dict[int, list[tuple[int, memoryview]]] = {}
    for offset, nbytes, storage, first in _ROW.iter_unpack(block[HEADER_BYTES:rows_end]):
        if offset + nbytes > head.total_bytes:
            raise CorruptValueError(f"{where} is damaged (table). Save the value again.")
        parts.setdefault(storage, []).append((first, block[offset : offset + nbytes]))
    rebuilder = rebuild.Rebuilder(parts)
    stream = block[rows_end:stream_end]
    file = io.BytesIO(stream) if len(stream) <= _SMALL_STREAM else _Reader(stream)
    if head.is_safe:
        unpickler: pickle.Unpickler = _DataUnpickler(file, rebuilder)
    else:
        unpickler = _CodeUnpickler(file, rebuilder, rebuilder.pickle_buffers())
    try:
        return unpickler.load()
    except (pickle.UnpicklingError, EOFError, struct.error, IndexError, KeyError) as e:
        raise CorruptValueError(f"{where} can't be read: {e}. Save the value again.") from e
    except (TypeError, AttributeError) as e:  # raised by the classes of the value
        raise TypeError(
            f"{where} can't be made again: its classes can be saved but not loaded "
            f"({type(e).__name__}: {e}). If it is an object of ComfyUI's, set its type to "
            '"ref" in pass_by_rules.json.'
        ) from e


def decode_or_keep(block: memoryview, trusted: bool, where: str, head: Header) -> Any:
    """`decode`, but of what this process has not the code for an UnopenedValue."""
    try:
        return decode(block, trusted, where, head)
    except ImportError as e:
        return UnopenedValue(block, str(e))


def content_hash(block: memoryview) -> str:
    """A hash of the value alone: equal for equal values, whatever block they are in.

    Values that are equal may still differ in how they are laid out, and then in their hashes.
    """
    head = read_header(block)
    hashed = hashlib.sha256(struct.pack("<HIQ", head.flags, head.rows, head.stream_bytes))
    for start, end in _used(block, head):
        hashed.update(block[start:end])
    return hashed.hexdigest()


def pack(block: memoryview) -> bytes:
    """The block as bytes to keep elsewhere, without its name and without what earlier uses left in
    its gaps.
    """
    head = read_header(block)
    data = bytearray(head.total_bytes)
    _HEADER.pack_into(
        data, 0, _MAGIC, FORMAT, head.flags, head.total_bytes, head.stream_bytes, head.rows,
        head.crc, b"",
    )  # fmt: skip
    for start, end in _used(block, head):
        data[start:end] = block[start:end]
    return bytes(data)


def unpack(data: bytes, where: str) -> Encoded:
    """What `pack` gave, ready to be written as a block again.

    Raises:
        CorruptValueError: damaged.
        UntrustedValueError: it needs code to be read.
    """
    view = memoryview(bytearray(data))  # torch wants to be able to write
    decode(view, trusted=False, where=where)
    return _as_it_is(view)


def _as_it_is(block: memoryview) -> Encoded:
    """A block ready to be written once more."""
    head = read_header(block)
    return Encoded(
        head.total_bytes, head.is_safe, head.stream_bytes, head.rows, head.crc,
        [(HEADER_BYTES, block[HEADER_BYTES : head.total_bytes])], is_list=head.is_list,
    )  # fmt: skip


def _used(block: memoryview, head: Header) -> Iterator[tuple[int, int]]:
    """The ranges of a block that are the value: table and stream, then each buffer."""
    yield HEADER_BYTES, HEADER_BYTES + head.rows * _ROW.size + head.stream_bytes
    rows = block[HEADER_BYTES : HEADER_BYTES + head.rows * _ROW.size]
    for offset, nbytes, _, _ in _ROW.iter_unpack(rows):
        yield offset, offset + nbytes


class _Reader:
    """A file over a view, so that a large stream is not copied before it is read."""

    __slots__ = ("view", "at")

    def __init__(self, view: memoryview):
        self.view, self.at = view, 0

    def read(self, size: int = -1) -> bytes:
        end = len(self.view) if size < 0 else self.at + size
        data = bytes(self.view[self.at : end])
        self.at += len(data)
        return data

    def readinto(self, into: Any) -> int:
        data = self.view[self.at : self.at + len(into)]
        into[: len(data)] = data
        self.at += len(data)
        return len(data)

    def readline(self) -> bytes:
        rest = self.view[self.at :]
        for i in range(0, len(rest), 4096):
            found = bytes(rest[i : i + 4096]).find(b"\n")
            if found >= 0:
                return self.read(i + found + 1)
        return self.read()


class _DataUnpickler(pickle.Unpickler):
    """Reads what `_DataPickler` wrote. A global that is not on the list is refused, whatever the
    header says."""

    def __init__(self, file: Any, rebuilder: Callable[[Any], Any]):
        super().__init__(file)
        self.rebuild = rebuilder

    def persistent_load(self, pid: Any) -> Any:
        return self.rebuild(pid)

    def find_class(self, module: str, name: str) -> Any:
        found = describe.SAFE_GLOBALS.get((module, name))
        if found is None:
            raise UntrustedValueError(
                f"the stored value names {module}.{name}, which data never does. It was not read."
            )
        return found


class _CodeUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, rebuilder: Callable[[Any], Any], buffers: Any):
        super().__init__(file, buffers=buffers)
        self.rebuild = rebuilder

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == pickle_quirks.NAMED:
            return self._found(pid[1], pid[2], lambda: pickle_quirks.rebuild(pid))
        return (
            pickle_quirks.rebuild(pid) if pid[0] == pickle_quirks.SET_STATE else self.rebuild(pid)
        )

    def find_class(self, module: str, name: str) -> Any:
        return self._found(
            module, name, lambda: super(_CodeUnpickler, self).find_class(module, name)
        )

    @staticmethod
    def _found(module: str, name: str, find: Callable[[], Any]) -> Any:
        # Code of a notebook or script that is gone here is a clear error, not an AttributeError of
        # ours. A module may raise anything while it is imported: ComfyUI's look for a GPU.
        try:
            return find()
        except Exception as e:
            raise ImportError(
                f"The stored value needs {module}.{name}, which this process can't import ({e}). "
                f"Python: {sys.executable}. If it is an object of ComfyUI's, set its type to "
                '"ref" in pass_by_rules.json.'
            ) from e
