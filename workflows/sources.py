"""The workflows that a call of `run` or `plan` is given: read, and known by a digest.

Files are read in a thread, so that the other tasks of the script go on. One that did not change
since is not read again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import WorkflowError
from ..graph.compose.frozen_payload import unpack_values
from .files import is_json_text, read_workflow, read_workflow_file

_KEPT = 128
_DATE = "%date:"  # what the front end replaces in a filename_prefix when it queues
# The clock of a file system may be this coarse: a file that was changed just now may be changed
# again and look the same.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow or prompt, without the frozen values that it brought along.

    Attributes:
        digest: equal for equal texts.
        load: gives its JSON, a copy of its own.
        values: content -> text of the frozen values.
        is_dated: converted at another time, it is another prompt.
    """

    name: str
    digest: str
    load: Callable[[], dict[str, Any]]
    values: Mapping[str, str]
    is_dated: bool


class Stamp(NamedTuple):
    """Differs when a file was changed."""

    device: int
    file: int
    size: int
    modified_ns: int
    changed_ns: int


class _Known(NamedTuple):
    stamp: Stamp
    source: Source


class Sources:
    """Reads workflows; remembers the last files."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, _Known] = OrderedDict()

    async def read(self, workflows: Any) -> list[Source]:
        """Each workflow; a single one need not be in a list. What was read stays as it is.

        Raises:
            TypeError: something that is neither a path nor a dict, or no list of them.
            ValueError: an empty list.
            FileNotFoundError: a file is not there.
            WorkflowError: it is no workflow.
        """
        return [await self._read(item, i) for i, item in enumerate(list_of(workflows), start=1)]

    async def _read(self, item: Any, number: int) -> Source:
        if isinstance(item, Source):
            return item
        if isinstance(item, (str, Path)) and not is_json_text(item):
            return await self._read_file(item)
        return source_of(read_workflow(item), f"workflow {number}")

    async def _read_file(self, path: str | Path) -> Source:
        place = _absolute(path)
        stamp = stamp_of(place)
        known = self._files.get(place)
        if known is not None and known.stamp == stamp:
            self._files.move_to_end(place)
            return known.source
        is_settled = stamp is not None and time.time_ns() - stamp.changed_ns > _SETTLED_NS
        source = await asyncio.to_thread(_source_of_file, path)
        if stamp is not None and is_settled and not source.values:  # which may be gigabytes
            self._files[place] = _Known(stamp, source)
            self._files.move_to_end(place)
            while len(self._files) > _KEPT:
                self._files.popitem(last=False)
        return source


def source_of(data: Mapping[str, Any], name: str) -> Source:
    """A workflow or prompt that the caller has, too, and may change.

    Raises:
        WorkflowError: it is no JSON.
    """
    parts = unpack_values(data)
    try:
        text = json.dumps(parts.data)
    except (TypeError, ValueError, RecursionError) as e:
        raise WorkflowError(f"{name} is no JSON: {e}.") from e
    return Source(name, _digest(text), partial(json.loads, text), parts.values, _DATE in text)


def _source_of_file(path: str | Path) -> Source:
    data, text = read_workflow_file(path)
    parts = unpack_values(data)
    return Source(Path(path).name, _digest(text), lambda: parts.data, parts.values, _DATE in text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _absolute(path: str | Path) -> str:
    return os.path.abspath(Path(path).expanduser())


def stamp_of(path: str | Path) -> Stamp | None:
    """What differs when a file was changed. None for a pipe, or if nothing is there: it may change
    unseen.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    changed_ns = max(found.st_mtime_ns, found.st_ctime_ns)
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, changed_ns)


def list_of(workflows: Any) -> Sequence[Any]:
    """The workflows of a call; raises TypeError, or ValueError for none."""
    if isinstance(workflows, (str, Path, Mapping)):
        return [workflows]
    if not isinstance(workflows, Sequence) or isinstance(workflows, (bytes, bytearray)):
        raise TypeError(
            f"workflows must be a path, a dict or a list of these, not {type(workflows).__name__}."
        )
    if not workflows:
        raise ValueError("There is nothing to run: workflows is empty.")
    return workflows
