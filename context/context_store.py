"""ContextStore: one context as runs, references and nodes use it.

What `WorkflowContext` offers to users stands on it, and what only Discomfort itself needs is here:
lending values to a run, references with their frozen values, versions, second keys.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from ..errors import UnknownKeyError
from ..graph.compose.frozen_payload import pack_values
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from ..values.open_files import names_files
from . import frozen_values, handoff
from .frozen_values import FROZEN_PREFIX
from .given_inputs import GivenInputs, OpenRuns
from .handoff import Collected, Commit, Loan
from .lifetime import Lifetime
from .references import StoredReferences

_KEPT_WHEN_EMPTY_BYTES = 128 << 20


def check_unique_id(unique_id: Any) -> None:
    """Raises TypeError or ValueError for what can't be a key of a context."""
    if not isinstance(unique_id, str):
        raise TypeError(f"A unique_id must be text, not {unique_id!r}.")
    if not unique_id.strip():
        raise ValueError(
            "A unique_id must not be empty. Name the value as the port that it is for or from."
        )


class ContextStore:
    """The values and references of one context. Threads may share it.

    Args:
        trusted: False refuses to load values that need code to be read.
    """

    def __init__(self, lifetime: Lifetime, trusted: bool):
        self._lifetime, self._trusted = lifetime, trusted
        if not trusted:
            lifetime.store.made_here = set()
        self.references = StoredReferences(lifetime)
        self._given_paths: dict[str, str] = {}  # key -> version
        self._addresses: set[str] = set()
        self._aside: dict[str, Receipt] = {}  # by version
        self._runs = OpenRuns()

    @property
    def store(self) -> RamFirst:
        """The store beneath. Raises StoreError when the context is closed."""
        return self._lifetime.store

    # -- values ---------------------------------------------------------------------------------

    def save(self, unique_id: str, data: Any, use_ram: bool = True) -> None:
        """See `WorkflowContext.save`; by value."""
        store = self.store
        replaced = store.known(unique_id)
        store.save(unique_id, data, use_ram)
        self.references.let_go_of(replaced)

    def save_given(self, unique_id: str, data: Any, use_ram: bool) -> None:
        """`save`, of what the script itself gives."""
        self.save(unique_id, data, use_ram)
        if names_files(data):
            self._given_paths[unique_id] = self.version(unique_id)

    def given_paths(self) -> dict[str, Any]:
        """The paths, and lists of paths, that this very process has saved, as far as they are
        still under their keys. What others have stored is never taken for a path.
        """
        found = {}
        for unique_id, version in list(self._given_paths.items()):
            known = self.store.known(unique_id)
            if known is not None and known.version == version:
                found[unique_id] = self.load(unique_id)
            else:
                del self._given_paths[unique_id]
        return found

    def load(self, unique_id: str) -> Any:
        """See `WorkflowContext.load`."""
        stored = self.store.load(unique_id, self._trusted)
        return self.references.with_values(unique_id, stored)

    def load_reference(self, unique_id: str) -> Any:
        """As `load`, but a reference comes without the values that are frozen into it."""
        return self.store.load(unique_id, self._trusted)

    def find_value(self, version: str) -> Any:
        """The value of that version; LookupError when another took its place."""
        for key in self.list_keys():
            with contextlib.suppress(UnknownKeyError):
                if self.version(key) == version:
                    return self.load(key)
        raise LookupError(version)

    def note_names(self, addresses: Iterable[str], ports: Iterable[str]) -> None:
        """What a run had as addresses, and as ports, which win."""
        self._addresses.update(addresses)
        self._addresses.difference_update(ports)

    def check_no_address(self, unique_id: str) -> None:
        """Raises ValueError for what is known as the address of a node's input."""
        if unique_id in self._addresses:
            raise ValueError(
                f"{unique_id!r} is the address of a node's input. It acts in one call and is not "
                f"stored: give it in inputs={{{unique_id!r}: ...}} of run()."
            )

    # -- keys -----------------------------------------------------------------------------------

    def list_keys(self) -> list[str]:
        """The unique_ids that have a value. Frozen values have none, nor has what is no key."""
        keys = self.store.unique_ids()
        return [key for key in keys if key.strip() and not key.startswith(FROZEN_PREFIX)]

    def get_receipt(self, unique_id: str) -> Receipt:
        """How the value is stored; UnknownKeyError when there is none."""
        return self.store.receipt(unique_id)

    def find_version(self, unique_id: str, version: str) -> Receipt | None:
        """How that very version is stored, under the key or put aside; None when it is gone."""
        found = self._aside.get(version) or self.store.known(unique_id)
        return found if found is not None and found.version == version else None

    def read(self, receipt: Receipt) -> Any:
        """The value that a receipt names; errors as `load`."""
        return self.store.read(receipt, self._trusted)

    def version(self, unique_id: str) -> str:
        """Changes whenever something else is stored under the key; unique over all contexts."""
        return self.store.receipt(unique_id).version

    def copy_key(self, source: str, target: str) -> Receipt:
        """A second key for the same stored value; costs a line in the receipts."""
        check_unique_id(target)
        replaced = self.store.known(target)
        receipt = self.store.copy(source, target)
        self.references.let_go_of(replaced)
        return receipt

    def delete_key(self, unique_id: str) -> None:
        """Remove a key; UnknownKeyError when absent."""
        replaced = self.store.known(unique_id)
        self.store.remove(unique_id)
        self.references.let_go_of(replaced)

    def clear(self) -> None:
        """Remove every key, so that the context can serve another run.

        Freed memory is kept for it, but not much.
        """
        for key in self.store.unique_ids():
            with contextlib.suppress(UnknownKeyError):  # another process was faster
                self.delete_key(key)
        blocks = self.store.blocks
        blocks.trim(max(0, blocks.kept_bytes - _KEPT_WHEN_EMPTY_BYTES))

    def get_used_bytes(self) -> dict[str, int]:
        """What the stored values take: "ram" and "disk"."""
        book = self.store.book
        return {storage: book.used_bytes(storage) for storage in ("ram", "disk")}

    # -- references -----------------------------------------------------------------------------

    def save_reference(self, unique_id: str, workflow: Any, use_ram: bool) -> None:
        """See `WorkflowContext.save`; by reference, with the values frozen into it."""
        self.references.save(unique_id, workflow, use_ram, {}, {})

    def keep_reference(
        self, unique_id: str, workflow: Any, recipe: str, kept: Mapping[str, Receipt]
    ) -> None:
        """Save a reference with values of this context frozen in: content -> receipt."""
        self.references.save(unique_id, workflow, True, {"recipe": recipe}, kept)

    def with_lent(self, workflow: Any, kept: Mapping[str, Receipt]) -> Any:
        """A reference with the values frozen into it, content -> receipt, which are lent to a run:
        as `load` would give it, without a key.
        """
        values = {c: frozen_values.pack_lent(self.store, c, r) for c, r in kept.items()}
        return pack_values(workflow, values)

    def bring_reference(
        self, unique_id: str, workflow: Any, holders: Iterable[ContextStore]
    ) -> None:
        """Save a reference whose frozen values other contexts of this process have.

        Args:
            holders: those contexts. What none of them has any more is missed when it is used.
        """
        stores = [holder.store for holder in holders]
        self.references.bring(unique_id, workflow, stores)

    def note_recipe(self, unique_id: str, version: str, recipe: str) -> None:
        """Remember the recipe of a reference, if it is still of that version."""
        self.references.note_recipe(unique_id, version, recipe)

    def content_of(self, receipt: Receipt) -> str:
        """The hash of a stored value's content; the block is lent to a run."""
        return self.references.content_of(receipt)

    def missing_contents(self, contents: Iterable[str]) -> list[str]:
        """Of frozen values those that this context does not have."""
        return self.references.missing(contents)

    def give(self) -> GivenInputs:
        """Save the inputs of one run: as a context manager, which takes them back if it fails."""
        return GivenInputs(self.store, self.references, self._runs)

    def holding(self, values: Mapping[str, str]) -> AbstractContextManager[None]:
        """Have the packed values of workflows here as long as these run."""
        return self.references.holding(values)

    # -- runs -----------------------------------------------------------------------------------

    def put_aside(self, unique_id: str, data: Any, use_ram: bool) -> Receipt:
        """Store a value under no key, for one run; `let_go_aside` frees it.

        Raises:
            StoreFullError: there is no room.
            TypeError: the value can't be stored.
        """
        receipt = self.store.write_aside(unique_id, data, use_ram)
        self.store.blocks.pin(receipt)
        self._aside[receipt.version] = receipt
        return receipt

    def let_go_aside(self, receipt: Receipt) -> None:
        """Free a value that was put aside, once no run and no reference needs it."""
        del self._aside[receipt.version]
        self.store.blocks.unpin(receipt.version)
        self.store.blocks.settle()

    def lend(
        self,
        load: Iterable[str],
        use_ram: bool = True,
        aside: Mapping[str, Receipt] | None = None,
    ) -> Loan:
        """Lend values to one run of the worker, with the order where to save.

        Args:
            aside: what was put aside for it, by name.

        Raises:
            UntrustedValueError: a value that may not be opened here may not be opened there.
        """
        return handoff.lend(self.store, load, use_ram, self._trusted, aside)

    def collect(self, loan: Loan, commit: Commit = True) -> Collected:
        """Collect what the run saved, also after a failure. Idempotent.

        The result's `load(unique_id)` reads what this run saved, also when the key is saved anew.
        """
        return handoff.collect(self.store, loan, commit, self._trusted)
