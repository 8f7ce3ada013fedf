"""The node packs that are there and did not load, with the reason, from a ComfyUI's log. Pure.

Source: nodes.py and main.py of ComfyUI 0.3.64 and 0.33.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

_REASON = re.compile(r"Cannot import (.+?) module for custom nodes: ?(.*)")
_FAILED = re.compile(r"seconds \((?:IMPORT|PRESTARTUP) FAILED\): (.+)")
_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")


@dataclass(frozen=True, slots=True)
class FailedPack:
    """A node pack that is installed and did not load.

    Attributes:
        name: of its folder.
        reason: ComfyUI's own words; "" where the log has none.
        command: what may put it right.
    """

    name: str
    path: str
    reason: str
    command: str | None = None

    @property
    def lacks_module(self) -> bool:
        return _NO_MODULE.search(self.reason) is not None


def failed_packs(lines: Iterable[str]) -> list[FailedPack]:
    """What the lines of a log say about packs that did not load."""
    reasons: dict[str, str] = {}
    for line in lines:
        if (said := _REASON.search(line)) is not None:
            reasons[said[1].strip()] = said[2].strip()
        elif (failed := _FAILED.search(line)) is not None:
            reasons.setdefault(failed[1].strip(), "")
    return [FailedPack(PurePath(path).name, path, reason) for path, reason in reasons.items()]
