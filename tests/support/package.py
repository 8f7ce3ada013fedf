"""Registers the project's folder as `custom_nodes.discomfort`, so that tests import what users
import. Importing this module does it.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


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
