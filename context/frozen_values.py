"""Values that references have frozen in: kept once per context under their content's hash.

A reference's receipt names the contents it needs; they live as long as a reference names them.
They come in with the reference, in one step, so that nobody finds the one without the other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors import CorruptValueError, UnknownKeyError, UntrustedValueError
from ..store import run_dir
from ..store.encoding import codec
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt

# Keys of frozen values; no list shows them.
PREFIX = "__frozen__/"


def content_of(store: RamFirst, receipt: Receipt) -> str:
    """The hash of a stored value's content."""
    return codec.content_hash(store.keeper.blocks(receipt.storage).open(receipt.version))


def save_reference(
    store: RamFirst,
    unique_id: str,
    workflow: Any,
    meta: Mapping[str, Any],
    packed: Mapping[str, str],
    kept: Mapping[str, Receipt],
    use_ram: bool = True,
) -> None:
    """Store a reference with the values that are frozen into it.

    Args:
        meta: "frozen": the contents that the workflow names.
        packed: content -> what `pack` gave for it.
        kept: content -> a stored value, whose block stays until this is done.

    Raises:
        CorruptValueError, UntrustedValueError: a packed value; nothing is stored then.
    """
    written = write_packed(store, packed, use_ram)
    beside = [_named(content, r) for content, r in {**written, **kept}.items()]
    try:
        store.save(unique_id, workflow, use_ram, "ref", dict(meta), beside)
    except BaseException:
        free(store, written.values())
        raise


def write_packed(
    store: RamFirst, packed: Mapping[str, str], use_ram: bool = True
) -> dict[str, Receipt]:
    """Write packed values that the context does not have; content -> a receipt to be committed."""
    values = {c: _unpack(c, text) for c, text in packed.items() if not has(store, c)}
    written: dict[str, Receipt] = {}
    try:
        for content, value in values.items():
            version = run_dir.new_version(store.book.token)
            storage = store.write(version, value, use_ram, PREFIX + content)
            written[content] = Receipt(
                PREFIX + content, version, value.total_bytes, storage, "val", value.is_safe,
                value.is_list,
            )  # fmt: skip
            store.keeper.touch(written[content])
    except BaseException:
        free(store, written.values())
        raise
    return written


def commit_written(store: RamFirst, written: Mapping[str, Receipt]) -> None:
    store.commit([_named(content, receipt) for content, receipt in written.items()])


def _named(content: str, r: Receipt) -> tuple[str, Receipt]:
    key = PREFIX + content
    return key, Receipt(key, r.version, r.size_bytes, r.storage, "val", r.is_safe, r.is_list)


def free(store: RamFirst, receipts: Iterable[Receipt]) -> None:
    """Free blocks that no key names."""
    for receipt in receipts:
        if not store.book.is_used(receipt.version):
            store.keeper.blocks(receipt.storage).free(receipt.version)


def has(store: RamFirst, content: str) -> bool:
    try:
        store.receipt(PREFIX + content)
    except UnknownKeyError:
        return False
    return True


def pack(store: RamFirst, contents: Collection[str]) -> dict[str, str]:
    """content -> the value as text. What the context does not have is left out."""
    packed = {}
    for content in sorted(contents):
        if has(store, content):
            receipt = store.pin_current(PREFIX + content)
            try:
                block = store.keeper.blocks(receipt.storage).open(receipt.version)
                packed[content] = base64.b64encode(codec.pack(block)).decode("ascii")
            finally:
                store.keeper.unpin(receipt.version)
    return packed


def _unpack(content: str, text: str) -> codec.Encoded:
    """
    Raises:
        CorruptValueError: damaged, or another value than it says.
        UntrustedValueError: it needs code to be read: a workflow file may come from anywhere.
    """
    where = f"the frozen value {content[:12]}"
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
    if codec.content_hash(memoryview(data)) != content:
        raise CorruptValueError(
            f"{where} of a reference is not what it says. The file was damaged or changed; export "
            "the reference again."
        )
    return value


def annotate(store: RamFirst, unique_id: str, version: str, meta: Mapping[str, Any]) -> None:
    """Add to what a receipt says, if it is still of that version."""

    def choose(receipts: dict[str, Receipt]) -> list[tuple[str, Receipt | None]]:
        found = receipts.get(unique_id)
        if found is None or found.version != version:
            return []
        merged = {**(found.meta or {}), **meta}
        return [(unique_id, Receipt.from_json(unique_id, {**found.to_json(), "meta": merged}))]

    store.commit_chosen(choose)


def drop_unused(store: RamFirst, held: Collection[str]) -> None:
    """Free the frozen values that no reference names.

    Args:
        held: contents that are needed though none names them yet.
    """

    def choose(receipts: dict[str, Receipt]) -> list[tuple[str, Receipt | None]]:
        used = {PREFIX + content for content in held}
        for receipt in receipts.values():
            used.update(PREFIX + content for content in (receipt.meta or {}).get("frozen", ()))
        return [(key, None) for key in receipts if key.startswith(PREFIX) and key not in used]

    store.commit_chosen(choose)


def missing(store: RamFirst, contents: Iterable[str]) -> list[str]:
    """Of some contents those that the context does not have."""
    return [content for content in contents if not has(store, content)]
