"""A clone in ComfyUI/custom_nodes: the import that users write, and a user's ComfyUI left as it
was.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support import scripts
from support.servers import Server

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import asyncio
from custom_nodes.discomfort.discomfort import Discomfort

async def main():
    async with await Discomfort.create() as discomfort:
        results = await discomfort.run("WORKFLOWS/type_int.json", {"number": 3})
        print(results, discomfort.Worker.logs(tail=None).count("custom_nodes/discomfort"))

asyncio.run(main())
"""


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


@pytest.mark.usefixtures("leaves_nothing")
def test_a_script_in_the_comfyui_folder_uses_the_clone(server: Server, tmp_path: Path):
    comfyui = make_users_comfyui(server.path, tmp_path / "ComfyUI")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("WORKFLOWS", (ROOT / "test_workflows").as_posix()), "utf-8")
    before = files_of(comfyui)
    cache = tmp_path / "cache"  # where the bytecode of a user's ComfyUI goes
    done = scripts.run(
        script,
        cwd=comfyui,
        PYTHONPATH=str(comfyui),
        XDG_CACHE_HOME=str(cache),
        PYTHONPYCACHEPREFIX=None,
        COMFYUI_PATH=None,  # it is found as the folder around the clone
    )
    assert "{'same_number': 3}" in done.stdout
    assert files_of(comfyui) == before
    assert (comfyui / "temp" / "precious.txt").read_text(encoding="utf-8") == "mine"
