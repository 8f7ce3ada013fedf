"""Discomfort: run ComfyUI workflows from Python.

ComfyUI's loader finds the nodes here; scripts find `Discomfort`. Nothing heavy is imported: no
torch, no network code. In a worker that a script started (it has a token in its environment) the
guard of `worker/inside.py` is put in place before the server opens its port; such a worker has no
editor, so it is given none of the files for one.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

if TYPE_CHECKING:
    from .discomfort import Discomfort

__version__ = "0.1.0"
__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY", "Discomfort"]

WEB_DIRECTORY: str | None = "./web"

if os.environ.get("DISCOMFORT_WORKER_TOKEN"):
    from .worker.inside import install

    install()
    WEB_DIRECTORY = None
elif "server" in sys.modules:
    from .editor.routes import install

    install()


def __getattr__(name: str) -> Any:
    if name == "Discomfort":
        from .discomfort import Discomfort

        return Discomfort
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
