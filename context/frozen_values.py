"""Values that references have frozen in: kept once per context under their content's hash.

A reference's receipt names the contents it needs; they live as long as a reference names them.
They come in with the reference, in one step: the one is never there without the other.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import CorruptValueError, UnknownKeyError, UntrustedValueError
from ..store.encoding import codec
from ..store.encoding.layout import Encoded, as_it_is, content_hash
from ..store.encoding.layout import pack as pack_block
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt

FROZEN_PREFIX = "__frozen__/"  # of their keys, which no list shows


def frozen_key(content: str) -> str:
    return FROZEN_PREFIX + content


def content_of(store: RamFirst, receipt: Receipt) -> str:
    """The hash of a stored value's content."""
    return content_hash(store.whole.open(receipt, f"the value of {receipt.unique_id!r}"))


@contextlib.contextmanager
def written(
    store: RamFirst, packed: Mapping[str, str], use_ram: bool = True
) -> Iterator[dict[str, Receipt]]:
    """Write the packed values that the context does not have; content -> a receipt.

    The receipts are to be committed in the block: what it leaves without a key is freed when it
    fails.

    Args:
        packed: content -> what `pack` gave for it.

    Raises:
        CorruptValueError, UntrustedValueError: a packed value; nothing is stored then.
    """
    values = {c: _unpack(c, text) for c, text in packed.items() if not has(store, c)}
    with _stored(store, values, use_ram) as receipts:
        yield receipts


@contextlib.contextmanager
def copied(
    store: RamFirst, contents: Iterable[str], holders: Iterable[RamFirst]
) -> Iterator[dict[str, Receipt]]:
    """As `written`, of values that other contexts have frozen; what none has is left out."""
    values: dict[str, Encoded] = {}
    for content in contents:
        for holder in holders:
            with contextlib.suppress(UnknownKeyError):
                receipt = holder.pin_current(frozen_key(content))
                try:
                    values[content] = as_it_is(holder.whole.open(receipt, _named(content)))
                finally:
                    holder.blocks.unpin(receipt.version)
                break
    with _stored(store, values, True) as receipts:
        yield receipts


@contextlib.contextmanager
def _stored(
    store: RamFirst, values: Mapping[str, Encoded], use_ram: bool
) -> Iterator[dict[str, Receipt]]:
    receipts: dict[str, Receipt] = {}
    try:
        for content, value in values.items():
            receipts[content] = store.write(frozen_key(content), value, use_ram)
        yield receipts
    except BaseException:
        store.blocks.discard(receipts.values())
        raise


def to_entries(receipts: Mapping[str, Receipt]) -> list[tuple[str, Receipt]]:
    """Stored values by content, as the frozen values of those contents."""
    keys = {content: frozen_key(content) for content in receipts}
    return [
        (keys[content], replace(receipt, unique_id=keys[content], pass_by="val", meta=None))
        for content, receipt in receipts.items()
    ]


def has(store: RamFirst, content: str) -> bool:
    try:
        store.receipt(frozen_key(content))
    except UnknownKeyError:
        return False
    return True


def pack(store: RamFirst, contents: Collection[str]) -> dict[str, str]:
    """content -> the value as text. What the context does not have is left out."""
    packed = {}
    for content in sorted(contents):
        if has(store, content):
            receipt = store.pin_current(frozen_key(content))
            try:
                packed[content] = pack_lent(store, content, receipt)
            finally:
                store.blocks.unpin(receipt.version)
    return packed


def pack_lent(store: RamFirst, content: str, receipt: Receipt) -> str:
    """A value that is lent, as text."""
    block = store.whole.open(receipt, _named(content))
    return base64.b64encode(pack_block(block)).decode("ascii")


def _named(content: str) -> str:
    return f"the frozen value {content[:12]}"


def _unpack(content: str, text: str) -> Encoded:
    """
    Raises:
        CorruptValueError: damaged, or another value than it says.
        UntrustedValueError: it needs code to be read: a workflow file may come from anywhere.
    """
    where = _named(content)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as e:
        raise CorruptValueError(f"{where} of a reference can't be read: {e}.") from e
    try:
        value = codec.unpack(data, where)
    except UntrustedValueError as e:
        raise UntrustedValueError(
            f"{where} of a reference needs code to be read, and a workflow may come from anywhere. "
            "Make the reference again in this context, from the value itself."
        ) from e
    if content_hash(memoryview(data)) != content:
        raise CorruptValueError(
            f"{where} of a reference is not what it says. The file was damaged or changed; export "
            "the reference again."
        )
    return value


def annotate(store: RamFirst, unique_id: str, version: str, meta: Mapping[str, Any]) -> None:
    """Add to what a receipt says, if it is still of that version."""

    def choose(receipts: Mapping[str, Receipt]) -> list[tuple[str, Receipt | None]]:
        found = receipts.get(unique_id)
        if found is None or found.version != version:
            return []
        merged = {**(found.meta or {}), **meta}
        return [(unique_id, replace(found, meta=merged))]

    store.commit_chosen(choose)


def drop_unused(store: RamFirst, held: Collection[str]) -> None:
    """Free the frozen values that no reference names.

    Args:
        held: contents that are needed though none names them yet.
    """

    def choose(receipts: Mapping[str, Receipt]) -> list[tuple[str, Receipt | None]]:
        used = set(map(frozen_key, held))
        for receipt in receipts.values():
            used.update(map(frozen_key, (receipt.meta or {}).get("frozen", ())))
        frozen = (key for key in receipts if key.startswith(FROZEN_PREFIX))
        return [(key, None) for key in frozen if key not in used]

    store.commit_chosen(choose)


def missing(store: RamFirst, contents: Iterable[str]) -> list[str]:
    """Of some contents those that the context does not have."""
    return [content for content in contents if not has(store, content)]
