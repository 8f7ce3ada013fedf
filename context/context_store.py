"""What the other packages do with a context: receipts, references, lending to a run.

`workflow_context.py` is the door for users; behind it, `context.internal` is one of these.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from ..errors import UnknownKeyError
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from . import handoff, lifetime
from .handoff import Collected, Loan
from .references import StoredReferences

_KEPT_WHEN_EMPTY_BYTES = 128 << 20


class ContextStore:
    """One context, as runs and references use it.

    Args:
        trusted: whether values that need code to be read may be loaded.
    """

    def __init__(self, life: lifetime.Life, references: StoredReferences, trusted: bool):
        self._life, self._references, self._trusted = life, references, trusted

    @property
    def _store(self) -> RamFirst:
        return self._life.store

    def get_used_bytes(self) -> dict[str, int]:
        """What the stored values take: "ram" and "disk"."""
        return self._store.book.used_bytes

    def version(self, unique_id: str) -> str:
        """Changes whenever something else is stored under the key; unique over all
        contexts."""
        return self._store.receipt(unique_id).version

    def get_receipt(self, unique_id: str) -> Receipt:
        """How the value is stored, with `meta`."""
        return self._store.receipt(unique_id)

    def load_reference(self, unique_id: str) -> Any:
        """The workflow of a reference as it is stored, without its frozen values."""
        return self._store.load(unique_id, self._trusted)

    def content_of(self, receipt: Receipt) -> str:
        """The hash of a stored value's content; the block is lent to a run."""
        return self._references.content_of(receipt)

    def keep_reference(
        self, unique_id: str, workflow: Any, recipe: str, kept: Mapping[str, Receipt]
    ) -> None:
        """Save a reference with values of this context frozen in: content -> receipt."""
        self._references.save(unique_id, workflow, True, {"recipe": recipe}, kept)

    def note_recipe(self, unique_id: str, version: str, recipe: str) -> None:
        """Remember the recipe of a reference that somebody saved."""
        self._references.note_recipe(unique_id, version, recipe)

    def missing_contents(self, contents: Iterable[str]) -> list[str]:
        """Of frozen values those that this context does not have."""
        return self._references.missing(contents)

    def holding(self, values: Mapping[str, str]) -> AbstractContextManager[None]:
        """Have the packed values of workflows here as long as these run."""
        return self._references.holding(values)

    def copy_key(self, src: str, dst: str) -> Receipt:
        """A second key for the same stored value; costs a line in the receipts."""
        check_unique_id(dst)
        with self._references.replacing(dst):
            return self._store.copy(src, dst)

    def delete_key(self, unique_id: str) -> None:
        """Remove a key; KeyError when absent."""
        with self._references.replacing(unique_id):
            self._store.remove(unique_id)

    def clear(self) -> None:
        """Remove every key, so that the context can serve another run.

        Freed memory is kept for it, but not much.
        """
        for key in self._store.unique_ids():
            with contextlib.suppress(UnknownKeyError):  # another process was faster
                self.delete_key(key)
        pool = self._store.ram.pool
        pool.trim(max(0, pool.size_bytes - _KEPT_WHEN_EMPTY_BYTES))

    def lend(self, load: Iterable[str], use_ram: bool = True) -> Loan:
        """Lend values to one run of the worker, and tell it where to save."""
        return handoff.lend(self._store, load, use_ram)

    def collect(self, loan: Loan, commit: bool = True) -> Collected:
        """Collect what the run saved, also after a failure. Idempotent.

        The result's `load(unique_id)` reads what this run saved, whoever saves the key meanwhile.
        """
        return handoff.collect(self._store, loan, commit, self._trusted)


def check_unique_id(unique_id: Any) -> None:
    """Raises TypeError or ValueError for what can't be a key of a context."""
    if not isinstance(unique_id, str):
        raise TypeError(f"A unique_id must be text, not {unique_id!r}.")
    if not unique_id.strip():
        raise ValueError(
            "A unique_id must not be empty. Name the value as the port that it is for or from."
        )
