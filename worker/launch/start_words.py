"""What a ComfyUI that starts is doing, in words, from the lines of its log. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARK = "[discomfort] importing "  # say_imports/prestartup_script.py writes it
_LEVEL = re.compile(r"^\[[A-Z]+\]\s*")
_LONGEST = 100


def doing(lines: Iterable[str]) -> str | None:
    """What the newest line of a log says: "importing ComfyUI-X". None: there is none."""
    newest = None
    for line in lines:
        newest = line if line.strip() else newest
    if newest is None:
        return None
    if newest.startswith(_MARK):
        return f"importing {newest.removeprefix(_MARK)}"
    text = _LEVEL.sub("", newest.strip())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def starting(seconds: float, what: str | None) -> str:
    """One line for people: "ComfyUI is starting, 40 s: importing ComfyUI-X"."""
    return f"ComfyUI is starting, {seconds:.0f} s" + (f": {what}" if what else "")
