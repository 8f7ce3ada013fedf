"""Imports the package and nothing of it, and says whether it has nodes, and what came with it.

import_the_package.py PACKAGE_FOLDER
"""

from __future__ import annotations

import importlib.util
import sys

HEAVY = {"torch", "numpy", "aiohttp", "websocket", "PIL", "cloudpickle", "psutil"}


def main(folder: str) -> None:
    spec = importlib.util.spec_from_file_location(
        "package_under_test", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    print(len(module.NODE_CLASS_MAPPINGS) > 0, sorted(HEAVY & set(sys.modules)))


if __name__ == "__main__":
    main(sys.argv[1])
