"""What of a context that is not trusted may go to the worker: what this process may open, or made.

The worker opens what it is lent, code and all. So what must not run here is not lent there.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import CorruptValueError, UntrustedValueError
from ..store.encoding.layout import content_hash
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from .frozen_values import FROZEN_PREFIX

_REMEMBERED = 10_000  # versions, before those that are gone are forgotten


def check_harmless(store: RamFirst, receipt: Receipt) -> None:
    """See that a value, which is pinned, can be opened without code; once for each version.

    Raises:
        UntrustedValueError: it needs code, and no run of this process made it.
        CorruptValueError: it is damaged, or not the value that a reference has frozen.
    """
    known = store.made_here
    if known is None:
        known = store.made_here = set()
    if receipt.version in known:
        return
    try:
        store.read(receipt, trusted=False)
    except UntrustedValueError as e:
        raise UntrustedValueError(
            f"{receipt.unique_id!r} is not given to the worker, which would open it: {e}"
        ) from e
    content = receipt.unique_id.removeprefix(FROZEN_PREFIX)
    if (
        content != receipt.unique_id
        and content_hash(store.whole.open(receipt, receipt.unique_id)) != content
    ):
        raise CorruptValueError(
            f"the frozen value {content[:12]} of a reference is not what it says. Import the "
            "reference again."
        )
    _remember(store, known, [receipt])


def note_made(store: RamFirst, receipts: Iterable[Receipt]) -> None:
    """What a run has made may be lent to the next, whatever it is."""
    if store.made_here is not None:
        _remember(store, store.made_here, receipts)


def _remember(store: RamFirst, known: set[str], receipts: Iterable[Receipt]) -> None:
    if len(known) > _REMEMBERED:
        known.intersection_update([v for v in list(known) if store.book.is_used(v)])
    known.update(receipt.version for receipt in receipts)
