"""What one run of the worker may load and where it may save, and what comes back from it.

The worker never writes receipts.json. It gets versions (a version is the block's name) and an
order, and leaves one small file for each value it saved: `handoff/<nonce>.<version>.json` in the
context's folder.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ..store.encoding import codec
from ..store.ram_first import RamFirst
from ..store.receipt import Receipt
from ..store.save_order import SaveOrder
from ..system.random_names import random_name
from . import loans

log = logging.getLogger("discomfort.store")

Commit: TypeAlias = "bool | Callable[[str], bool]"


@dataclass(slots=True)
class Loan:
    """One run's loan: what its loaders load, and how its savers save.

    The blocks that `receipts` name stay until it is collected.

    Attributes:
        versions: unique_id -> what the loader of it loads.
        save_order: goes, as JSON, to every saver.
    """

    save_order: SaveOrder
    receipts: dict[str, Receipt]
    versions: dict[str, str]
    collected: Collected | None = None
    lock: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def run_dir(self) -> str:
        return self.save_order.run_dir


class Collected(dict[str, Receipt]):
    """What a run saved. `load` reads exactly these values, also when the keys are saved anew.

    They stay as long as this object, or until `release`. What this process has no code for comes
    as an UnopenedValue, since it may not have to be looked at here at all.
    """

    def __init__(self, store: RamFirst, receipts: Iterable[Receipt], trusted: bool):
        super().__init__({r.unique_id: r for r in receipts})
        self._store, self._trusted = store, trusted
        for receipt in self.values():
            store.blocks.pin(receipt)
        versions = [r.version for r in self.values()]
        self._finalizer = weakref.finalize(self, store.blocks.unpin_later, versions)

    def __hash__(self) -> int:  # type: ignore[override]  # a weak reference needs one
        return id(self)

    def load(self, unique_id: str) -> Any:
        return self._store.read(self[unique_id], self._trusted, codec.decode_or_keep)

    def release(self) -> None:
        """Let go: what no key names any more is freed. Safe to call twice."""
        self._finalizer()
        self._store.blocks.settle()


def _unpin(store: RamFirst, versions: list[str]) -> None:
    for version in versions:
        store.blocks.unpin(version)


def lend(
    store: RamFirst,
    load: Iterable[str],
    use_ram: bool,
    trusted: bool,
    aside: Mapping[str, Receipt] | None = None,
) -> Loan:
    """Pin what the worker is to load and say where it may save.

    Args:
        aside: values of this run alone, by the names that `load` has them under.
        trusted: False lends only what this process may open itself, or has made.

    Raises:
        UnknownKeyError: nothing is stored under one of the keys; nothing stays pinned.
        UntrustedValueError, CorruptValueError: a value may not be lent; nothing stays pinned.
    """
    store.blocks.settle()
    (store.folder / "handoff").mkdir(mode=0o700, exist_ok=True)
    pinned: dict[str, Receipt] = {}
    try:
        for unique_id in load:
            if aside is not None and unique_id in aside:
                pinned[unique_id] = aside[unique_id]
                store.blocks.pin(aside[unique_id])
                continue
            receipt = store.pin_current(unique_id)
            if unique_id in pinned:
                store.blocks.unpin(receipt.version)
            else:
                pinned[unique_id] = receipt
                store.whole.check(receipt)
                if not trusted:
                    loans.check_harmless(store, receipt)
    except BaseException:
        _unpin(store, [r.version for r in pinned.values()])
        raise
    order = SaveOrder(
        run_dir=str(store.folder),
        token=store.book.token,
        nonce=random_name(12),
        use_ram=bool(use_ram and store.limit_bytes),
        room_bytes=store.room_bytes(),
        spare=tuple(store.blocks.lend()),
    )
    return Loan(order, pinned, {unique_id: r.version for unique_id, r in pinned.items()})


def collect(store: RamFirst, loan: Loan, commit: Commit, trusted: bool) -> Collected:
    """Collect what the savers wrote, adopt and commit it, and end the loan. Idempotent.

    Args:
        commit: which of the unique_ids get it: all, none, or those for which it returns true.
    """
    with loan.lock:
        if loan.collected is not None:
            return loan.collected
        # One folder for all runs: to make and remove one for each costs more than all the rest.
        folder = store.folder / "handoff"
        files = _notes_of(folder, loan.save_order.nonce)
        try:
            receipts = _collect(store, files)
            loans.note_made(store, receipts)
            collected = Collected(store, receipts, trusted)
            chosen = commit if callable(commit) else lambda _: commit
            kept = [(key, receipt) for key, receipt in collected.items() if chosen(key)]
            if kept:
                store.commit(kept)
            loan.collected = collected
        finally:
            if loan.collected is not None:
                _unpin(store, list(loan.versions.values()))
                store.blocks.return_lent(loan.save_order.spare)
        for path in files:
            path.unlink(missing_ok=True)
        return collected


def _notes_of(folder: Path, nonce: str) -> list[Path]:
    """What the savers of one run left. By hand: a glob compiles a pattern anew for each run."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if name.startswith(f"{nonce}.")]


def _collect(store: RamFirst, files: list[Path]) -> list[Receipt]:
    """The receipts in the notes; blocks of savers that were killed in the middle, or whose note is
    damaged, are removed.
    """
    receipts: dict[str, Receipt] = {}
    for path in files:
        receipt = _read_note(path) if path.suffix == ".json" else None
        if receipt is None:
            store.blocks.remove_unfinished(path.name.split(".")[1])
            continue
        receipt = store.whole.seal(receipt, is_written_through=False)
        store.blocks.adopt(receipt)
        replaced = receipts.get(receipt.unique_id)
        if replaced is not None:
            store.blocks.remove(replaced)
        receipts[receipt.unique_id] = receipt
    return list(receipts.values())


def _read_note(path: Path) -> Receipt | None:
    """What a saver left; None, and a warning, for what can't be read: the others' are not lost."""
    try:
        data = json.loads(path.read_bytes())
        receipt = Receipt.from_json(data["unique_id"], data)
        is_named = isinstance(receipt.unique_id, str) and type(receipt.size_bytes) is int
        if not is_named or receipt.version != path.name.split(".")[1]:
            raise ValueError("it is not of this value")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as e:
        log.warning(
            "A value that the worker saved is lost: its note %s is damaged (%s). Run the step "
            "again.",
            path,
            e,
        )
        return None
    return receipt
