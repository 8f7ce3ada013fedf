"""The store of finished steps: what a step gave is kept by the step's key, and found by it again.

For those who run workflows. Nothing in here may make a run worse: what can't be kept is not kept,
and what is not whole is not found. Several processes and threads may share a folder.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..store.blocks.base import is_no_room
from ..store.receipt import Receipt
from ..system.user_folders import user_cache_dir
from .budget import Budget, Cleared, Usage
from .content import Content, content_of
from .found import NO_VALUE, FinishedStep
from .record import Record, is_key, write_record
from .shelf import Shelf

log = logging.getLogger("discomfort.finished_steps")

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Output:
    """A value that a step gave.

    Attributes:
        value: a reference's is its workflow. NO_VALUE: a node blocked it.
        is_list: it is a ComfyUI list output, not one value.
        pass_by: "val" or "ref".
        meta: small JSON that its receipt has.
    """

    value: Any
    is_list: bool = False
    pass_by: str = "val"
    meta: Mapping[str, Any] | None = None


class FinishedSteps:
    """The finished steps of one folder. Nothing is made or looked at before the first use.

    Args:
        folder: it should be nobody else's; by default in the user's cache folder.
        limit_bytes: by default a tenth of the free disk, at most 20 GB.
    """

    def __init__(self, folder: str | Path | None = None, limit_bytes: int | None = None):
        self.folder = Path(folder) if folder is not None else user_cache_dir() / "finished_steps"
        self._shelf = Shelf(self.folder)
        self._budget = Budget(self._shelf, limit_bytes)
        self._lock = threading.RLock()
        self._is_ready = False
        self._refusal: str | None = None
        self._said: set[str] = set()

    def __enter__(self) -> FinishedSteps:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Let go of locks and drafts. What was found stays readable."""
        with self._lock:
            self._shelf.close()

    # -- finding ------------------------------------------------------------------------------

    def find(self, key: str) -> FinishedStep | None:
        """What the step of this key gave, all of it whole; None: it has to run.

        Args:
            key: 64 hexadecimal digits.
        """
        _check(key)
        try:
            if not self.folder.exists() or not self._is_open():
                return None
            record = self._shelf.read(key)
            found = None if record is None else self._open(record)
        except Exception as e:  # also what the classes of a value raise: then it has to run
            log.debug("the finished step %s can't be read: %s", key, e)
            return None
        if found is not None:
            self._shelf.note_use(key, self._budget.use_now())
        return found

    def _open(self, record: Record) -> FinishedStep | None:
        views = {}
        for name, receipt in record.outputs.items():
            if receipt is None:
                continue
            view = self._shelf.open(receipt)
            if view is None:
                return None
            views[name] = view
        found = FinishedStep(record, views, self._shelf)
        found.make_what_needs_code()
        return found

    # -- keeping ------------------------------------------------------------------------------

    def keep(
        self, key: str, outputs: Mapping[str, Output], about: Mapping[str, Any] | None = None
    ) -> str | None:
        """Keep what a step gave, in place of what was kept of it before.

        Args:
            about: small JSON. `clear` knows its "workflow", a name.

        Returns:
            None, or why it is not kept: then nothing of it is.
        """
        _check(key)
        if not self._is_open():
            return self._refusal
        contents: dict[str, Content] = {}
        receipts: dict[str, Receipt | None] = {}
        for name, output in outputs.items():
            try:
                receipts[name] = _prepared(name, output, contents)
            except Exception as e:  # whatever the classes of the value raise
                return f"the value of {name!r} ({type(output.value).__name__}) can't be stored: {e}"
        record = Record(key, receipts, about or {})
        try:
            data = write_record(record)
        except (TypeError, ValueError, RecursionError) as e:
            return f"what is to be kept with it is no JSON: {e}"
        try:
            return self._keep(record, data, contents)
        except FileNotFoundError:  # somebody removed the folder, as one may a cache
            if not self._opened_anew():
                return self._refusal
        except OSError as e:
            return self._not_written(e)
        try:
            return self._keep(record, data, contents)
        except OSError as e:
            return self._not_written(e)

    def _keep(self, record: Record, data: bytes, contents: Mapping[str, Content]) -> str | None:
        size = sum(content.value.total_bytes for content in contents.values())
        with self._lock:
            self._budget.make_room(0)
            limit = self._budget.limit_bytes()
            if size > limit:
                reason = f"it has {size:,} bytes, and there may be {limit:,} in {self.folder}"
                return self._say_once("too large", reason)
            for _ in range(_TRIES):
                if self._write(record, data, contents):
                    self._shelf.note_use(record.key, self._budget.use_now())
                    return None
        return "other processes removed what it needs"

    def _write(self, record: Record, data: bytes, contents: Mapping[str, Content]) -> bool:
        """Write what is not there yet; False: what was there is gone by now."""
        there = {r.version for r in filter(None, record.outputs.values()) if self._shelf.has(r)}
        missing = {name: content for name, content in contents.items() if name not in there}
        size = sum(content.value.total_bytes for content in missing.values())
        self._budget.make_room(size)
        drafts: dict[str, Path] = {}
        try:
            for name, content in missing.items():
                drafts[name] = self._shelf.write_draft(content)
            is_kept = self._shelf.commit(record, data, drafts)
        finally:
            for draft in drafts.values():
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)
        self._budget.note_written(size)
        return is_kept

    def _not_written(self, e: OSError) -> str:
        """Why a step is not kept."""
        self._budget.forget()  # a tenth of the free disk is less by now: room is made next
        if is_no_room(e):
            return self._say_once("full", f"the disk of {self.folder} is full: {e}")
        return self._say_once("unwritable", f"{self.folder} can't be written to: {e}")

    def _say_once(self, kind: str, reason: str) -> str:
        with self._lock:
            is_new = kind not in self._said
            self._said.add(kind)
        if is_new:
            log.warning("A finished step is not kept, and more may not be: %s", reason)
        return reason

    # -- room ---------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """What is kept, by all processes together.

        Raises:
            OSError: the folder can't be used.
        """
        self._open_folder()
        return self._budget.look()

    def clear(self, older_than: float | None = None, workflow: str | None = None) -> Cleared:
        """Remove steps, and the values that no other step has; without arguments, all.

        Args:
            older_than: seconds; only what was not used for as long.
            workflow: only steps whose `about` has this "workflow".

        Raises:
            OSError: the folder can't be used.
        """
        self._open_folder()
        return self._budget.clear(older_than, workflow)

    # -- the folder ---------------------------------------------------------------------------

    def _is_open(self) -> bool:
        """Whether the folder can be used, made where it is absent; said once if not."""
        if self._is_ready:
            return True
        with self._lock:
            if self._refusal is None:
                try:
                    self._open_folder()
                except OSError as e:
                    self._refusal = f"{self.folder} can't be used: {e}"
                    log.warning("Finished steps are not kept: %s", self._refusal)
            return self._is_ready

    def _opened_anew(self) -> bool:
        with self._lock:
            self.close()
            self._is_ready = False
            return self._is_open()

    def _open_folder(self) -> None:
        with self._lock:
            if self._is_ready:
                return
            self._shelf.prepare()
            usage = self._budget.look()
            log.info(
                "Finished steps are kept in %s: %.2f GB now, %.2f GB at most.",
                self.folder,
                usage.size_bytes / 1e9,
                usage.limit_bytes / 1e9,
            )
            self._is_ready = True


def _check(key: str) -> None:
    if not is_key(key):
        raise ValueError(f"The key of a step has 64 hexadecimal digits, not {key!r}.")


def _prepared(name: str, output: Output, contents: dict[str, Content]) -> Receipt | None:
    """The receipt of a value that is to be written, which is put beside the others."""
    if output.value is NO_VALUE:
        return None
    content = content_of(output.value, output.is_list)
    contents[content.name] = content
    return Receipt(
        name,
        content.name,
        content.value.total_bytes,
        "disk",
        output.pass_by,
        is_safe=content.value.is_safe,
        is_list=content.is_list,
        meta=None if output.meta is None else dict(output.meta),
        checksum=content.checksum,
    )
