"""What is asked of the server, and looked up on its machine, which is this one: only effects."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..graph.needs.packs import PackMap, read_pack_map
from .import_failures import FailedPack, failed_packs

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector

_MOST_LOG_BYTES = 16 << 20  # packs are imported at its beginning
_MOST_MAP_BYTES = 64 << 20


def read_failures(worker: ComfyConnector) -> list[FailedPack] | None:
    """The packs that did not load; None where this process has no log of the server."""
    path = worker.log_path
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_LOG_BYTES).splitlines()
    except OSError:
        lines = worker.logs(None).splitlines()
    return [_with_command(pack, worker.python) for pack in failed_packs(lines)]


def _with_command(pack: FailedPack, python: str | None) -> FailedPack:
    """What installs the packages that it lacks."""
    listed = os.path.join(pack.path, "requirements.txt")
    if python is None or not pack.lacks_module or not os.path.isfile(listed):
        return pack
    words = [python, "-m", "pip", "install", "-r", listed]
    return replace(pack, command=shlex.join(words))


def comfyui_folder(worker: ComfyConnector) -> str:
    """Where the server's ComfyUI is, in which its node packs are; "" if that can't be told."""
    for place in worker.model_folders.get("custom_nodes", ()):
        if os.path.basename(place) == "custom_nodes":
            return os.path.dirname(place)
    return ""


def read_manager_map(worker: ComfyConnector) -> PackMap:
    """The published map of the ComfyUI Manager, if that is installed; else one that is empty."""
    for folder in _manager_folders(worker):
        nodes = _read_json(folder / "extension-node-map.json")
        if nodes is not None:
            return read_pack_map(nodes, _read_json(folder / "custom-node-list.json"))
    return PackMap()


def _manager_folders(worker: ComfyConnector) -> Iterator[Path]:
    if worker.manager_folder is not None:
        yield Path(worker.manager_folder)
    for place in worker.model_folders.get("custom_nodes", ()):
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        for name in names:
            if "manager" in name.lower():
                yield Path(place, name)


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_MAP_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
