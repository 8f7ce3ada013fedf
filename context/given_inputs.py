"""What one run saves under the keys of its inputs: taken back when the run fails.

Each key that still has the very version which the run put there gets the receipt of before, or
none. What anybody else has saved there since stays, a finished step of the same run included; where
that is another run, it is this one's old value that it would bring back. The old value is pinned
meanwhile, so it costs its room and no copy.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from .references import StoredReferences


class OpenRuns:
    """The inputs of all runs that go on in one context, under one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.given: list[GivenInputs] = []


class GivenInputs:
    """The inputs of one run. A context manager: an exception that leaves it takes them back, also
    those that a thread saves later on.
    """

    def __init__(self, store: RamFirst, references: StoredReferences, runs: OpenRuns):
        self._store, self._references = store, references
        self._replaced: dict[str, Receipt | None] = {}
        self._put: dict[str, Receipt] = {}
        self._runs, self._lock = runs, runs.lock
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
        with self._lock:
            self._runs.given.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_over = True
            self._runs.given.remove(self)
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
                for other in self._runs.given:
                    other._take_over(put, replaced)
        finally:
            self._let_go(put, replaced, is_failed)

    def _take_over(
        self, taken_back: Mapping[str, Receipt], replaced: Mapping[str, Receipt | None]
    ) -> None:
        """What this run had found under its keys never was, as far as it was taken back: under
        them was what the other run had replaced.
        """
        for unique_id, receipt in taken_back.items():
            found = self._replaced.get(unique_id)
            if found is None or found.version != receipt.version:
                continue
            before = self._replaced[unique_id] = replaced[unique_id]
            if before is not None:
                self._store.blocks.pin(before)
                self._references.hold(before)
            self._let_go({}, {unique_id: found}, is_failed=False)

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
