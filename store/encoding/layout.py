"""Where what is in a block: header, table, pickle stream, aligned raw buffers.

The same in RAM and on disk. Only this module knows the layout; `codec.py` fills it with values and
reads them from it, `blocks/` writes it.

A checksum covers the table and the stream, the lengths cover the rest: what is cut short or not a
value is found. Raw buffers have none, as in safetensors and .npy files: it would cost a second a
GiB at each save, and another at each load, which is a mapping of half a millisecond and need not
read what is not touched. Against flipped bits there are the disk's own checksums.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ...errors import CorruptValueError
from .describe import Part

FORMAT = 1
ALIGNMENT = 64

IS_SAFE = 1  # flags of the header
IS_LIST = 2

_HEADER = struct.Struct("<4sHHQQII24s8x")  # magic, format, flags, total, stream, rows, crc, version
_ROW = struct.Struct("<QQQQ")  # offset in the block, bytes, storage, first byte within the storage
_MAGIC = b"DSCF"
HEADER_BYTES = _HEADER.size
VERSION_BYTES = 24  # what the header has room for
_CHUNK = 64 << 20  # of what is copied from a device
# The buffers of each storage, with the byte of it at which each begins.
Parts: TypeAlias = "dict[int, list[tuple[int, memoryview]]]"


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
        name = version.encode("ascii")
        counts = (self.total_bytes, self.stream_bytes, self.rows, self.crc)
        return _HEADER.pack(_MAGIC, FORMAT, flags, *counts, name)


def lay_out(parts: Sequence[Part], stream: Sequence[Any], is_safe: bool) -> Encoded:
    """Give every piece of a value its place. Nothing is copied.

    Args:
        parts: the raw buffers.
        stream: the pickle stream, in chunks.
    """
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
    return Encoded(offset, is_safe, stream_bytes, len(parts), crc, pieces + placed)


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


def read_contents(block: memoryview, head: Header, where: str) -> tuple[memoryview, Parts]:
    """The pickle stream of a block, and the raw buffers of each storage, as views of it.

    Raises:
        CorruptValueError: it is cut short or damaged.
    """
    rows_end = HEADER_BYTES + head.rows * _ROW.size
    stream_end = rows_end + head.stream_bytes
    if len(block) < head.total_bytes or stream_end > head.total_bytes:
        raise CorruptValueError(
            f"{where} is cut short: {len(block)} of {head.total_bytes} bytes. Save the value again."
        )
    if zlib.crc32(block[HEADER_BYTES:stream_end]) != head.crc:
        raise CorruptValueError(f"{where} is damaged (checksum). Save the value again.")
    parts: Parts = {}
    left = head.total_bytes
    for offset, nbytes, storage, first in _ROW.iter_unpack(block[HEADER_BYTES:rows_end]):
        left -= nbytes  # buffers that overlap would be hashed and copied once for each
        if offset + nbytes > head.total_bytes or left < 0:
            raise CorruptValueError(f"{where} is damaged (table). Save the value again.")
        parts.setdefault(storage, []).append((first, block[offset : offset + nbytes]))
    return block[rows_end:stream_end], parts


def content_hash(block: memoryview) -> str:
    """A hash of the value alone: equal for equal values, whatever block they are in.

    Values that are equal may still differ in how they are laid out, and then in their hashes.
    """
    head = read_header(block)
    hashed = hashlib.sha256(struct.pack("<HIQ", head.flags, head.rows, head.stream_bytes))
    for start, end in _used(block, head):
        hashed.update(block[start:end])
    return hashed.hexdigest()


def hash_encoded(value: Encoded, is_list: bool = False) -> str:
    """`content_hash` of the block that a value will be in; only of what `lay_out` gave."""
    flags = (IS_SAFE if value.is_safe else 0) | (IS_LIST if is_list or value.is_list else 0)
    hashed = hashlib.sha256(struct.pack("<HIQ", flags, value.rows, value.stream_bytes))
    for _, data in value.pieces:
        for part in _readable(data):
            hashed.update(part)
    return hashed.hexdigest()


def checksum_encoded(value: Encoded, header: bytes) -> int:
    """The CRC-32 of the block that a value will be in."""
    crc, at = zlib.crc32(header), len(header)
    for offset, data in value.pieces:
        crc = zlib.crc32(bytes(offset - at), crc)
        for part in _readable(data):
            crc = zlib.crc32(part, crc)
        at = offset + len(data)
    return crc


def _readable(data: Any) -> Iterator[Any]:
    """A piece as memory that the CPU can read, some of it at a time where it is on a device."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        yield data
        return
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK].cpu().numpy()


def pack(block: memoryview) -> bytes:
    """The block as bytes to keep elsewhere: without its name, and with zeros in its gaps."""
    head = read_header(block)
    data = bytearray(head.total_bytes)
    counts = (head.total_bytes, head.stream_bytes, head.rows, head.crc)
    _HEADER.pack_into(data, 0, _MAGIC, FORMAT, head.flags, *counts, b"")
    for start, end in _used(block, head):
        data[start:end] = block[start:end]
    return bytes(data)


def as_it_is(block: memoryview) -> Encoded:
    """A block ready to be written once more."""
    head = read_header(block)
    return Encoded(
        head.total_bytes,
        head.is_safe,
        head.stream_bytes,
        head.rows,
        head.crc,
        pieces=[(HEADER_BYTES, block[HEADER_BYTES : head.total_bytes])],
        is_list=head.is_list,
    )


def _used(block: memoryview, head: Header) -> Iterator[tuple[int, int]]:
    """The ranges of a block that are the value: table and stream, then each buffer."""
    rows_end = HEADER_BYTES + head.rows * _ROW.size
    yield HEADER_BYTES, rows_end + head.stream_bytes
    for offset, nbytes, _, _ in _ROW.iter_unpack(block[HEADER_BYTES:rows_end]):
        yield offset, offset + nbytes
