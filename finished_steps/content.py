"""One value as the bytes that are kept of it, and their name: equal values have equal ones.

The name is from SHA-256, which hashlib computes at 2.0 GB/s where the processor has instructions
for it, as nearly all of the last years have (blake2b: 1.4; BLAKE3 and xxHash would be new
dependencies). It names blocks that are never compared byte by byte, so a quick checksum won't do.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from ..store.encoding import codec
from ..store.encoding.layout import (
    VERSION_BYTES,
    Encoded,
    as_it_is,
    checksum_encoded,
    content_hash,
    hash_encoded,
    pack,
)
from ..store.encoding.unopened import UnopenedValue


@dataclass(frozen=True, slots=True)
class Content:
    """A value that is ready to be written.

    Attributes:
        name: of its block.
        checksum: CRC-32 of the block.
    """

    name: str
    checksum: int
    value: Encoded
    is_list: bool


def content_of(value: Any, is_list: bool) -> Content:
    """
    Args:
        is_list: it is a ComfyUI list output, not one value.

    Raises:
        Exception: it can't be stored: whatever its classes raise.
    """
    if type(value) is UnopenedValue:  # from memory that was used before: what is in gaps goes
        packed = memoryview(pack(value._block))
        encoded, hashed = as_it_is(packed), content_hash(packed)
        is_list = encoded.is_list
    else:
        encoded = codec.encode(value)
        hashed = hash_encoded(encoded, is_list)
    name = _block_name(hashed)
    checksum = checksum_encoded(encoded, encoded.header(name, is_list))
    return Content(name, checksum, encoded, is_list)


def _block_name(hashed: str) -> str:
    """As much of a hash as the header of a block has room for: 120 bits, which no two values that
    anybody makes share. In one case only, since there are file systems that know no other.
    """
    digest = bytes.fromhex(hashed)
    return base64.b32hexencode(digest)[:VERSION_BYTES].decode("ascii").lower()
