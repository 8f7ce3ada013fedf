"""Lets an example that lies in a clone use that clone, whatever its folder is called.

After `pip install` none of this is needed: `from discomfort import Discomfort` works anywhere.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent


def use_clone() -> None:
    """Register the folder above as the package `discomfort`, if it holds the library."""
    entry = CLONE / "__init__.py"
    if not entry.is_file() or not (CLONE / "discomfort.py").is_file():
        return  # the examples were copied elsewhere: the installed library is used
    spec = importlib.util.spec_from_file_location(
        "discomfort", entry, submodule_search_locations=[str(CLONE)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["discomfort"] = package
    spec.loader.exec_module(package)


use_clone()
