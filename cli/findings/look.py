"""Looks at everything: a part that can't be looked at is a finding itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import comfyui, machine, settings, versions
from .finding import ERROR, Finding


def look_at_everything(config_path: str | None = None) -> list[Finding]:
    """All findings, in the order in which they are shown. Never raises."""
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": versions.look,
        "comfyui": lambda: comfyui.look(config_path),
        "machine": machine.look,
        "settings": settings.look,
    }
    found: list[Finding] = []
    for name, look in parts.items():
        try:
            found.extend(look())
        except Exception as e:  # a broken machine is what the doctor is for
            text = f"{name} could not be looked at: {type(e).__name__}: {e}"
            found.append(Finding(name, ERROR, text, "put that right, and look again"))
    return found
