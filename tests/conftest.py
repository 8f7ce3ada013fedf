"""Registers the project's folder as `custom_nodes.discomfort`, so that tests import what users
import.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _register() -> None:
    if "custom_nodes.discomfort" in sys.modules:
        return
    parent = sys.modules.setdefault("custom_nodes", types.ModuleType("custom_nodes"))
    parent.__path__ = getattr(parent, "__path__", [])
    spec = importlib.util.spec_from_file_location(
        "custom_nodes.discomfort", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    parent.discomfort = module  # type: ignore[attr-defined]


_register()

# A shell starts what runs in its background with Ctrl+C ignored, and children would inherit that:
# the programs that tests start are to hear it, as those of a user do.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).resolve().parent))
from servers import (  # noqa: E402, F401
    comfyui_dirs,
    leaves_nothing,
    make_connector,
    server,
    shared,
)
