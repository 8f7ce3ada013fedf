"""Discomfort: run ComfyUI workflows from Python.

ComfyUI's loader finds the nodes here; scripts find `Discomfort`. Nothing heavy is imported: no
torch, no network code. Inside ComfyUI, `worker/launch/inside_comfyui.py` is put in place before the
server opens its port: it tells scripts who this is, and guards a worker that a script started (such
a one has a token in its environment, and no editor, so it is given none of the files for one).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from .system.paused_collector import paused_collector as _paused_collector

if TYPE_CHECKING:
    from .discomfort import Discomfort
    from .inspection.inspect import inspect
    from .run.results import Results

__version__ = "0.1.0"
__all__ = [
    "NODE_CLASS_MAPPINGS",
    "NODE_DISPLAY_NAME_MAPPINGS",
    "WEB_DIRECTORY",
    "Discomfort",
    "Results",
    "inspect",
]

WEB_DIRECTORY: str | None = "./web"

_is_worker = bool(os.environ.get("DISCOMFORT_WORKER_TOKEN"))
_is_in_comfyui = hasattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance")

if _is_worker or _is_in_comfyui:
    from .nodes_internal import forget_runs as _forget_runs
    from .worker.launch.inside_comfyui import install as _install_worker_routes

    _install_worker_routes(_forget_runs)
if _is_worker:
    WEB_DIRECTORY = None
elif _is_in_comfyui:
    from .editor.routes.install import install as _install_editor_routes

    _install_editor_routes()


def __getattr__(name: str) -> Any:
    if name == "Discomfort":
        with _paused_collector():
            from .discomfort import Discomfort

        return Discomfort
    if name == "inspect":
        from .inspection.inspect import inspect

        return inspect
    if name == "Results":
        from .run.results import Results

        return Results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
