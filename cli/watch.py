"""`--watch`: waits until one of some files has changed, and has settled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_LOOK_S = 0.25


class Stamp(NamedTuple):
    """Differs when a file was changed, or another took its name (editors save so)."""

    file: int
    size: int
    modified_ns: int


Stamps = Mapping[Path, "Stamp | None"]


def stamps_of(paths: Iterable[Path]) -> Stamps:
    """How the files are now; None for one that is not there, as in the middle of a save."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


async def wait_for_change(before: Stamps) -> Stamps:
    """Wait until a file differs from `before`, and then until none changes any more: who saves may
    be in the middle of it.
    """
    last = before
    while True:
        await asyncio.sleep(_LOOK_S)
        now = stamps_of(before)
        if now == last and now != before and None not in now.values():
            return now
        last = now
