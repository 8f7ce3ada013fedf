"""Has node classes to keep when it ends.

keep_at_the_end.py PACKAGE_FOLDER FOLDER
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any


def main(package: str, folder: str) -> None:
    spec = importlib.util.spec_from_file_location(
        "package_under_test", f"{package}/__init__.py", submodule_search_locations=[package]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    kept: Any = importlib.import_module("package_under_test.worker.kept_classes")
    kept.kept_folder = lambda: Path(folder)
    kept.keep_later(lambda: kept.Identity("/there"), {"Make": {}})


if __name__ == "__main__":
    main(*sys.argv[1:])
