"""A clone in ComfyUI/custom_nodes: the import that users write, and a user's ComfyUI left as it
was.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.programs import PROGRAMS, run_script
from support.servers import Server

ROOT = Path(__file__).resolve().parent.parent


def make_users_comfyui(original: Path, folder: Path) -> Path:
    """A ComfyUI with folders of its own for what users have, and this project as an extension.

    Code is linked, but for main.py and its neighbours, which take their own place for ComfyUI's.
    """
    folder.mkdir()
    own = {"custom_nodes", "models", "input", "output", "user", "temp", "__pycache__"}
    for entry in original.iterdir():
        if entry.is_file():
            shutil.copy2(entry, folder / entry.name)
        elif entry.name not in own:
            (folder / entry.name).symlink_to(entry, target_is_directory=True)
    for name in ("custom_nodes", "models", "input", "output", "user", "temp"):
        (folder / name).mkdir()
    (folder / "temp" / "precious.txt").write_text("mine", encoding="utf-8")
    (folder / "custom_nodes" / "discomfort").symlink_to(ROOT, target_is_directory=True)
    return folder


def files_of(folder: Path) -> set[str]:
    return {str(Path(place, name)) for place, _, names in os.walk(folder) for name in names}


@pytest.mark.one_version
@pytest.mark.usefixtures("leaves_nothing")
def test_a_script_in_the_comfyui_folder_uses_the_clone(server: Server, tmp_path: Path):
    comfyui = make_users_comfyui(server.path, tmp_path / "ComfyUI")
    before = files_of(comfyui)
    cache = tmp_path / "cache"  # where the bytecode of a user's ComfyUI goes
    done = run_script(
        PROGRAMS / "users_script.py",
        ROOT / "test_workflows" / "type_int.json",
        cwd=comfyui,
        PYTHONPATH=str(comfyui),
        XDG_CACHE_HOME=str(cache),
        PYTHONPYCACHEPREFIX=None,
        COMFYUI_PATH=None,  # it is found as the folder around the clone
    )
    assert "{'same_number': 3}" in done.stdout
    assert files_of(comfyui) == before
    assert (comfyui / "temp" / "precious.txt").read_text(encoding="utf-8") == "mine"
