"""Where the fake server keeps files; the part of ComfyUI's module of that name that nodes use."""

from __future__ import annotations

import os
from pathlib import Path

base_path = str(Path(__file__).resolve().parent)
API_BASE = [""]  # where nodes that work elsewhere ask
_folders = {name: os.path.join(base_path, name) for name in ("input", "output", "temp", "user")}
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {
    "custom_nodes": ([os.path.join(base_path, "custom_nodes")], set()),
    "checkpoints": ([os.path.join(base_path, "models", "checkpoints")], {".safetensors"}),
}


def set_base(path: str) -> None:
    """All folders below another one."""
    for name in _folders:
        _folders[name] = os.path.join(os.path.abspath(path), name)
    folder_names_and_paths["custom_nodes"][0][:] = [os.path.join(path, "custom_nodes")]


def set_folder(name: str, path: str) -> None:
    _folders[name] = os.path.abspath(path)


def get_input_directory() -> str:
    return _folders["input"]


def get_output_directory() -> str:
    return _folders["output"]


def get_temp_directory() -> str:
    return _folders["temp"]


def get_user_directory() -> str:
    return _folders["user"]


def set_output_directory(path: str) -> None:
    set_folder("output", path)


def folder_of(kind: str) -> str:
    """The folder for the `type` of a /view or an upload; KeyError for another word."""
    return _folders[kind]


def inside(folder: str, name: str) -> str | None:
    """The path of `name` in `folder`; None when it leads out of it."""
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))
    return path if path == root or path.startswith(root + os.sep) else None


def find_input(name: str) -> str | None:
    """The file that a LoadImage's `image` means: "name", "name [output]", or a path inside."""
    for kind in _folders:
        if name.endswith(f"[{kind}]"):
            return _existing(_folders[kind], name[: -len(kind) - 2].strip())
    return _existing(_folders["input"], name)


def _existing(folder: str, name: str) -> str | None:
    path = inside(folder, name)
    return path if path and os.path.isfile(path) else None


def list_inputs() -> list[str]:
    folder = _folders["input"]
    if not os.path.isdir(folder):
        return []
    return sorted(n for n in os.listdir(folder) if os.path.isfile(os.path.join(folder, n)))


def next_number(folder: str, prefix: str) -> int:
    """The number after the highest of `prefix_00001_.png`, as ComfyUI counts."""
    taken = [0]
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        rest = name[len(prefix) + 1 :]
        if name.startswith(prefix + "_") and rest.split("_")[0].isdigit():
            taken.append(int(rest.split("_")[0]))
    return max(taken) + 1
