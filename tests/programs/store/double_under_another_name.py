"""A worker's loader and saver in a package of another name, as ComfyUI imports it: by its path.

    double_under_another_name.py PACKAGE_FOLDER SAVE_ORDER VERSION

It loads the latent of that version and saves it as "out", with its samples doubled.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from typing import Any


def load_package(folder: str) -> None:
    """Make it known under its own path as its name."""
    spec = importlib.util.spec_from_file_location(
        folder, f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[folder] = module
    spec.loader.exec_module(module)


def main(folder: str, order: dict[str, Any], version: str) -> None:
    load_package(folder)
    worker_side = importlib.import_module(f"{folder}.store.worker_side")
    save_order = importlib.import_module(f"{folder}.store.save_order")
    value, _ = worker_side.load(order["run_dir"], version)
    out = {"samples": value["samples"] * 2, "n": value["n"]}
    worker_side.save(save_order.SaveOrder.from_json(order), "out", out, False)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
