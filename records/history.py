"""What the runs on one context did: the newest entries in memory; a record on disk where asked.

Without a record nothing is drawn or written: a step costs some microseconds and a small dict.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .record_file import FORMAT, Entry, make_line
from .writer import RecordWriter

log = logging.getLogger("discomfort.records")

KEPT_ENTRIES = 3000
KEPT_WORKFLOWS = 64
_REMEMBERED = 1000


def script_title() -> str:
    """What a run without a name is called: the script's file, or where it was typed in."""
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    if "ipykernel" in sys.modules:
        return "notebook"
    return name if name and not name.startswith("-") else "interactive"


class History:
    """Calls of `run()` and their steps. Any thread.

    Attributes:
        title: what a record made from now on is called.
    """

    def __init__(self, title: str | None = None):
        self.title = title or script_title()
        self._started = time.time()
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._workflows: dict[str, Mapping[str, Any]] = {}
        self._workflow_entries: dict[str, Entry] = {}
        self._written: set[str] = set()
        self._asked: dict[str, None] = {}
        self._calls = 0
        self._writer: RecordWriter | None = None

    @property
    def record_id(self) -> str | None:
        """The name of the record on disk; None without one."""
        return self._writer.record_id if self._writer is not None else None

    @property
    def folder(self) -> Path | None:
        """The record's folder; None without one."""
        return self._writer.folder if self._writer is not None else None

    @property
    def is_recording(self) -> bool:
        return self._writer is not None

    def start_recording(self, title: str | None = None, root: Path | None = None) -> None:
        """From now on lines go to disk as well, and values get pictures. What can't be recorded
        runs all the same.
        """
        if self._writer is not None:
            return
        self.title = title or self.title
        try:
            self._writer = RecordWriter(self.title, root, calls_before=self._calls)
        except (OSError, StoreError) as e:
            log.warning("The run is not recorded: %s", e)

    def new_call(self) -> int:
        """The number of a call of `run()`."""
        self._calls += 1
        return self._calls

    def note_workflow(
        self,
        digest: str,
        name: str,
        data: Mapping[str, Any],
        is_prompt: bool,
        is_recorded: bool = True,
    ) -> None:
        """A workflow that is about to run; those above a number are left out.

        Args:
            is_recorded: whether it may go to disk, for this and all `note`s.
        """
        if digest not in self._workflows and len(self._workflows) >= KEPT_WORKFLOWS:
            return
        entry = {"k": "workflow", "digest": digest, "name": name, "is_prompt": is_prompt}
        self._workflows[digest], self._workflow_entries[digest] = data, entry
        if is_recorded and self._writer is not None and digest not in self._written:
            self._written.add(digest)
            self._writer.write_workflow(digest, data)
            self._writer.write(make_line(entry))

    def note(self, entry: Entry, is_recorded: bool = True) -> None:
        """Another entry, as `record_file` describes them. It must not be changed any more."""
        self._entries.append(entry)
        if is_recorded and self._writer is not None:
            self._writer.write(make_line(entry))

    def wants_picture(self, version: str) -> bool:
        """Whether a value should be given to `note_picture`. True once for each version."""
        if self._writer is None or version in self._asked:
            return False
        self._asked[version] = None
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return True

    def note_picture(self, version: str, size_bytes: int, load: Callable[[], Any]) -> None:
        """A stored value that may be a picture; `load` is called later, in a thread, if at all."""
        if self._writer is not None:
            self._writer.write_picture(version, size_bytes, load)

    def entries(self) -> list[Entry]:
        """All that is known in memory."""
        head = {"k": "record", "format": FORMAT, "title": self.title, "t": self._started}
        return [head, *self._workflow_entries.values(), *tuple(self._entries)]

    def workflows(self) -> dict[str, Mapping[str, Any]]:
        """The workflows that ran, by digest."""
        return dict(self._workflows)

    def settle(self) -> None:
        """Wait for the pictures that are being made."""
        if self._writer is not None:
            self._writer.settle()

    def close(self) -> None:
        """End the record. Safe to call twice."""
        if self._writer is not None:
            self._writer.close()
