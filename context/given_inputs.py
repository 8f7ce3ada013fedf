"""What one run saves under the keys of its inputs: taken back when the run fails.

Each key that still has the very version which the run put there gets the receipt of before, or
none. What anybody else has saved there since stays, a finished step of the same run included. The
old value is pinned meanwhile, so it costs its room and no copy.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from .references import StoredReferences


class GivenInputs:
    """The inputs of one run. A context manager: an exception that leaves it takes them back, also
    those that a thread saves later on.
    """

    def __init__(self, store: RamFirst, references: StoredReferences):
        self._store, self._references = store, references
        self._replaced: dict[str, Receipt | None] = {}
        self._put: dict[str, Receipt] = {}
        self._lock = threading.Lock()
        self._is_over = False

    def save(self, unique_id: str, data: Any, use_ram: bool, pass_by: str) -> None:
        """Store an input; errors as `WorkflowContext.save`."""
        replaced: dict[str, Receipt | None] = {}
        if pass_by == "ref":
            receipt = self._references.save(unique_id, data, use_ram, {}, {}, replaced)
        else:
            receipt = self._store.save(unique_id, data, use_ram, replaced=replaced)
        with self._lock:
            self._references.hold(replaced[unique_id])
            self._replaced |= replaced
            self._put[unique_id] = receipt
            if self._is_over:  # the run was cancelled while a thread was writing
                self._end(is_failed=True)

    def __enter__(self) -> GivenInputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_over = True
            self._end(is_failed=error is not None)

    def _end(self, is_failed: bool) -> None:
        put, replaced = self._put, self._replaced
        self._put, self._replaced = {}, {}

        def choose(receipts: Mapping[str, Receipt]) -> list[tuple[str, Receipt | None]]:
            return [
                (unique_id, replaced[unique_id])
                for unique_id, ours in put.items()
                if unique_id in receipts and receipts[unique_id].version == ours.version
            ]

        try:
            if is_failed and put:
                self._store.commit_chosen(choose)
        finally:
            self._let_go(put, replaced, is_failed)

    def _let_go(
        self,
        put: Mapping[str, Receipt],
        replaced: Mapping[str, Receipt | None],
        is_failed: bool,
    ) -> None:
        for receipt in filter(None, replaced.values()):
            self._references.let_go_of_held(receipt)
            self._store.blocks.unpin(receipt.version)
        for receipt in put.values() if is_failed else ():
            self._references.let_go_of(receipt)
