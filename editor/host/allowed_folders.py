"""Which workflow files and picture folders the nodes may read, and where a name leads.

A workflow may come from a stranger, so a name in it reaches only what the user keeps for ComfyUI:
saved workflows, the input folder, and the folders of editor.json.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ...errors import WorkflowError
from ...system.config import EditorConfig, load_config
from ...system.path_names import is_below
from . import comfyui

CONFIG_NAME = "editor.json"
MAX_LISTED = 2000
_MAX_DEPTH = 6


def config_path() -> Path:
    """Where the user's own settings are looked for; else those packaged with this extension are
    taken.
    """
    return comfyui.user_directory() / "discomfort" / CONFIG_NAME


@lru_cache(maxsize=1)
def config() -> EditorConfig:
    """The settings of the editor's nodes, read once."""
    path = config_path()
    return load_config(EditorConfig, CONFIG_NAME, path if path.is_file() else None)


def saved_workflows() -> Path:
    """Where the editor saves.

    Source: app/user_manager.py of 0.3.64 and 0.33: it saves into `<user>/default/workflows` unless
    ComfyUI runs with --multi-user, where a node does not know whose it is.
    """
    return comfyui.user_directory() / "default" / "workflows"


def workflow_folders() -> list[Path]:
    """Where workflows may be, in the order of the search."""
    return [saved_workflows(), comfyui.input_directory(), *map(Path, config().WORKFLOW_FOLDERS)]


def image_folders() -> list[Path]:
    """Where pictures may be read from, in the order of the search."""
    own = (comfyui.input_directory(), comfyui.output_directory(), comfyui.temp_directory())
    return [*own, *map(Path, config().IMAGE_FOLDERS)]


def list_workflows(folders: Iterable[Path]) -> list[str]:
    """The names that `find_workflow` takes: relative to their folder, with forward slashes."""
    names: dict[str, None] = {}
    for folder in folders:
        found = sorted(
            path.relative_to(folder).as_posix() for path in _walk(folder, ".json", _MAX_DEPTH)
        )
        names.update(dict.fromkeys(found))
        if len(names) >= MAX_LISTED:
            break
    return list(names)[:MAX_LISTED]


def _walk(folder: Path, ending: str, depth: int) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.name.lower().endswith(ending):
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), ending, depth - 1)


def find_workflow(name: str, folders: Iterable[Path]) -> Path:
    """The file that a name or path means.

    Args:
        name: relative to one of the folders (the first that has it), or absolute and below one.

    Raises:
        FileNotFoundError: no such file in any of them.
        WorkflowError: nothing chosen, or a path that leads out of the folders.
    """
    folders = list(folders)
    if not name or not name.strip():
        raise WorkflowError("No workflow is chosen. Choose a file in the node.")
    found = _find(name.strip(), folders)
    if found is None:
        raise _outside(name, folders, "WORKFLOW_FOLDERS")
    if not found.is_file():
        raise FileNotFoundError(
            f"There is no workflow {name!r} in {_shown(folders)}. Save it in the editor, or check "
            "its name."
        )
    return found


def find_image_folder(name: str, folders: Iterable[Path]) -> Path:
    """The folder that a name or path means; an empty name is the first folder, ComfyUI's input.

    Raises:
        FileNotFoundError: no such folder.
        WorkflowError: a path that leads out of the folders.
    """
    folders = list(folders)
    found = _find(name.strip() or ".", folders)
    if found is None:
        raise _outside(name, folders, "IMAGE_FOLDERS")
    if not found.is_dir():
        raise FileNotFoundError(
            f"There is no folder {name!r} in {_shown(folders)}. Check its name."
        )
    return found


def find_allowed(name: str, folders: Iterable[Path]) -> Path | None:
    """What a name leads to, which need not exist; None: nothing that may be read."""
    return _find(name, list(folders))


def _find(name: str, folders: list[Path]) -> Path | None:
    """What the name leads to, or would; None if it leads nowhere that is allowed.

    It is judged as a text first, and once more where its links lead: nothing outside is looked at,
    and no other machine is asked.
    """
    first: Path | None = None
    is_outside = False
    for folder in folders:
        base = folder.resolve()
        for path in _texts(name, (folder, base)):
            try:
                found = path.resolve()
                if found != base and base not in found.parents:
                    is_outside = True  # by a link
                    continue
                if found.exists():
                    return found
            except (OSError, ValueError, RuntimeError):
                continue
            first = first or found
    return None if is_outside else first


def _texts(name: str, bases: Iterable[Path]) -> Iterator[Path]:
    """The paths that a name may mean in a folder, under either of its names."""
    try:
        given = Path(name).expanduser()
    except RuntimeError:  # the home of somebody who is not there
        return
    for base in bases:
        path = Path(os.path.normpath(base / given))  # of the text alone
        if path == base or is_below(str(path), [base]):
            yield path


def _outside(name: str, folders: list[Path], setting: str) -> WorkflowError:
    return WorkflowError(
        f"{name!r} is outside the folders that may be read: {_shown(folders)}. To allow another "
        f"folder, add it to {setting} in {config_path()} (a copy of this extension's editor.json), "
        "and restart ComfyUI."
    )


def _shown(folders: list[Path]) -> str:
    return ", ".join(map(str, folders))
