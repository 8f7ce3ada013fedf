"""Settings, keys, and what killed processes left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import DiscomfortError
from ...system.config import (
    ContextConfig,
    EditorConfig,
    load_config,
    load_pass_by_rules,
)
from ...system.login import VARIABLE
from ...worker.keeper.found_workers import find_workers
from ..leavings import find_leavings
from ..sizes import size_text
from .finding import ERROR, NOTE, OK, WARNING, Finding

VARIABLES = ("COMFYUI_PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "CUDA_VISIBLE_DEVICES")


def look() -> Iterator[Finding]:
    """What is set, and what is left."""
    readers: dict[str, Callable[[], Any]] = {
        "workflow_context.json": lambda: load_config(ContextConfig, "workflow_context.json"),
        "editor.json": lambda: load_config(EditorConfig, "editor.json"),
        "pass_by_rules.json": load_pass_by_rules,
    }
    for name, read in readers.items():
        try:
            read()
        except DiscomfortError as e:
            yield Finding("settings", ERROR, str(e), f"mend {name}")
    for name in VARIABLES:
        if os.environ.get(name):
            yield Finding("environment", NOTE, f"{name} is set: {os.environ[name]}")
    if os.environ.get(VARIABLE):
        yield Finding("api_key", NOTE, f"{VARIABLE} is set: API nodes run, for credits.")
    yield from _look_at_warm_workers()
    yield from _look_at_leavings()


def _look_at_warm_workers() -> Iterator[Finding]:
    for worker in find_workers():
        size = f", {size_text(worker.memory_bytes)}" if worker.memory_bytes else ""
        text = f"A ComfyUI stays warm (process {worker.pid}{size}, {worker.state})."
        yield Finding("workers", NOTE, text, "discomfort workers stop, if you need its memory")


def _look_at_leavings() -> Iterator[Finding]:
    left = find_leavings()
    if not left:
        yield Finding("leavings", OK, "Nothing is left of processes that were killed.")
        return
    total = size_text(sum(one.size_bytes for one in left))
    text = f"{len(left)} things are left of processes that were killed ({total})."
    yield Finding("leavings", WARNING, text, "discomfort clean (the next start does so, too)")
