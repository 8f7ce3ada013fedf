"""One thing that the doctor found. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it.

    Attributes:
        name: what was looked at, as "comfyui.path"; a name for programs.
        state: "ok", "note", "warning" (works, with a drawback) or "error" (runs will fail).
        found: in a sentence.
        advice: what to do; "" where nothing is to be done.
    """

    name: str
    state: str
    found: str
    advice: str = ""


def describe(findings: Iterable[Finding]) -> str:
    """All of them for people; the advice stands below its finding."""
    lines = []
    for one in findings:
        lines.append(f"{one.state:<8} {one.found}")
        if one.advice:
            lines.append(f"         -> {one.advice}")
    return "\n".join(lines)


def worst(findings: Iterable[Finding]) -> str:
    """The worst state among them."""
    order = (OK, NOTE, WARNING, ERROR)
    return max((one.state for one in findings), key=order.index, default=OK)
