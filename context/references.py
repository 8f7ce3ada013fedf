"""References as a context keeps them: saved, loaded and exchanged with the values frozen into them.

`references/` makes and uses references in runs. Here they are data: a workflow, and the values
that it names, which are kept once per context for all references that have them frozen in.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import CorruptValueError
from ..graph.compose.frozen_payload import (
    contents_named,
    is_reference,
    pack_values,
    unpack_values,
    why_no_reference,
)
from ..graph.plan.internal_nodes import refuse_internal
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from ..system.files import write_file
from . import frozen_values
from .lifetime import Lifetime


class StoredReferences:
    """The references of one context."""

    def __init__(self, lifetime: Lifetime):
        self._lifetime = lifetime
        self._held: Counter[str] = Counter()  # frozen values of workflows that run just now

    @property
    def _store(self) -> RamFirst:
        return self._lifetime.store

    def save(
        self,
        unique_id: str,
        data: Mapping[str, Any],
        use_ram: bool,
        meta: Mapping[str, Any],
        kept: Mapping[str, Receipt],
        replaced: dict[str, Receipt | None] | None = None,
    ) -> Receipt:
        """Store a workflow or prompt as a reference.

        Args:
            data: it may bring frozen values along.
            kept: content -> a value of this context that is frozen into it.
            replaced: gets what was under the key until then, pinned, with its frozen values.

        Raises:
            WorkflowError: it has nodes that only Discomfort writes.
        """
        workflow, packed = unpack_values(data)
        refuse_internal(workflow, f"The reference {unique_id!r}")
        contents = contents_named(workflow)
        packed = {content: text for content, text in packed.items() if content in contents}
        about = {**meta, "frozen": sorted(contents)}
        before = self._store.known(unique_id)
        with frozen_values.written(self._store, packed, use_ram) as written:
            beside = frozen_values.to_entries({**written, **kept})
            receipt = self._store.save(unique_id, workflow, use_ram, "ref", about, beside, replaced)
        if replaced is None:
            self.let_go_of(before)
        return receipt

    def bring(self, unique_id: str, workflow: Mapping[str, Any], holders: list[RamFirst]) -> None:
        """Store a reference, with the values frozen into it copied from other contexts."""
        contents = self.missing(contents_named(workflow))
        with frozen_values.copied(self._store, contents, holders) as kept:
            self.save(unique_id, workflow, True, {}, kept)

    def with_values(self, unique_id: str, stored: Any) -> Any:
        """What is stored under a key, with the values that are frozen into it if there are any."""
        contents = (self._store.receipt(unique_id).meta or {}).get("frozen")
        if not contents or not is_reference(stored):
            return stored
        return pack_values(stored, frozen_values.pack(self._store, contents))

    def read_file(self, path: Path) -> dict[str, Any]:
        """The workflow or prompt in a JSON file.

        Raises:
            CorruptValueError: it can't be a reference in this context.
        """
        workflow = _read_json(path)
        reason = why_no_reference(workflow)
        if reason is None:
            parts = unpack_values(workflow)
            if self.missing(contents_named(parts.data) - parts.values.keys()):
                reason = "a value that is frozen into it is missing in the file"
        if reason is not None:
            raise CorruptValueError(f"{path} can't be used as a reference: {reason}.")
        return workflow

    def content_of(self, receipt: Receipt) -> str:
        """The hash of a stored value's content; the block is lent to a run."""
        return frozen_values.content_of(self._store, receipt)

    def note_recipe(self, unique_id: str, version: str, recipe: str) -> None:
        """Remember the recipe of a reference, if it is still of that version."""
        frozen_values.annotate(self._store, unique_id, version, {"recipe": recipe})

    def missing(self, contents: Iterable[str]) -> list[str]:
        """Of frozen values those that the context does not have."""
        return frozen_values.missing(self._store, contents)

    def let_go_of(self, replaced: Receipt | None) -> None:
        """Free what only this reference had frozen in, when another value took its key."""
        if replaced is not None and (replaced.meta or {}).get("frozen"):
            self._drop_unused()

    def hold(self, receipt: Receipt | None) -> None:
        """Keep what a reference has frozen in until `let_go_of_held`, whatever takes its key."""
        if receipt is not None:
            self._held.update((receipt.meta or {}).get("frozen", ()))

    def let_go_of_held(self, receipt: Receipt) -> None:
        """Free what is held no more, and in no reference."""
        frozen = (receipt.meta or {}).get("frozen", ())
        self._held.subtract(frozen)
        if frozen:
            self._drop_unused()

    @contextlib.contextmanager
    def holding(self, values: Mapping[str, str]) -> Iterator[None]:
        """Have the packed values of workflows in the context as long as these run."""
        if not values:
            yield
            return
        self._held.update(values.keys())
        try:
            with frozen_values.written(self._store, values) as written:
                self._store.commit(frozen_values.to_entries(written))
            yield
        finally:
            self._held.subtract(values.keys())
            self._drop_unused()

    def _drop_unused(self) -> None:
        frozen_values.drop_unused(
            self._store, {content for content, n in self._held.items() if n > 0}
        )


def write_reference(workflow: Any, path: Path, overwrite: bool) -> None:
    """Write a reference, with its values, as a JSON file."""
    text = json.dumps(workflow)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, lambda f: f.write(text.encode()), overwrite=overwrite, is_synced=True)


def _read_json(path: Path) -> Any:
    """What is in a JSON file.

    Raises:
        CorruptValueError: it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise CorruptValueError(f"{path} can't be read as JSON: {e}") from e
    except RecursionError as e:
        raise CorruptValueError(f"{path} can't be read: it is nested too deeply.") from e
