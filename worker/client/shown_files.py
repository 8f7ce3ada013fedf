"""The files that output nodes report, as paths: what their `ui` names, within the server's folders.

A node may report any name. One that leads out of the folders, by itself or by a link, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...system.path_names import is_relative, is_remote

SAVED, PREVIEW = "output", "temp"


class ShownFile(NamedTuple):
    """A file that a node saved or showed; `kind` is ComfyUI's: "output", "temp" or "input"."""

    path: Path
    kind: str


class ShownFiles(NamedTuple):
    """The files by node id, and what is to be said of those that are left out."""

    files: dict[str, tuple[ShownFile, ...]]
    refused: tuple[str, ...]


def names_files(outputs: Mapping[str, Any]) -> bool:
    """Whether there is a file in what output nodes showed."""
    return any(True for shown in outputs.values() for _ in _items(shown))


def shown_files(outputs: Mapping[str, Any], folders: Mapping[str, str]) -> ShownFiles:
    """The files in what output nodes showed (`ui`).

    Args:
        outputs: node id -> its `ui`: lists by any key, whose items name files by "filename",
            "subfolder" and "type", in some packs by "fullpath" too.
        folders: the server's, by type.
    """
    files: dict[str, tuple[ShownFile, ...]] = {}
    refused: list[str] = []
    for node_id, shown in outputs.items():
        found: dict[ShownFile, None] = {}
        for item in _items(shown):
            kind = str(item.get("type") or SAVED)
            path = _locate(item, folders.get(kind))
            if path is not None:
                found[ShownFile(path, kind)] = None
            else:
                refused.append(
                    f"Node {node_id} reports a file {item['filename']!r} (in {kind!r}, subfolder "
                    f"{item.get('subfolder')!r}), which is not there, or lies outside of "
                    "ComfyUI's own folders. It is not among the files of the results."
                )
        if found:
            files[node_id] = tuple(found)
    return ShownFiles(files, tuple(refused))


def _items(shown: Any) -> Iterator[Mapping[str, Any]]:
    for value in shown.values() if isinstance(shown, Mapping) else ():
        for item in value if isinstance(value, (list, tuple)) else ():
            if isinstance(item, Mapping) and isinstance(item.get("filename"), str):
                yield item


def _locate(item: Mapping[str, Any], folder: str | None) -> Path | None:
    """Where the file is; None: not below the folder. No link is left in what is returned."""
    if folder is None:
        return None
    subfolder, filename = item.get("subfolder") or "", item["filename"]
    names = []
    if isinstance(subfolder, str) and is_relative(subfolder) and is_relative(filename):
        names.append(Path(folder, subfolder, filename))
    full = item.get("fullpath")
    if isinstance(full, str) and "\0" not in full and not is_remote(full):
        names.append(Path(full))
    try:
        within = Path(folder).resolve()
        for name in names:
            path = name.resolve()
            if path.is_relative_to(within) and path.is_file():
                return path
    except (OSError, RuntimeError, ValueError):  # a circle of links, a name that is none
        pass
    return None
