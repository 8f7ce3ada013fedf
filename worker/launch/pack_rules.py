"""Runs inside ComfyUI: the rules that node packs brought, for scripts that convert workflows.

Only packs that were loaded count. Files are read and looked at here; what they may say is for
`graph/packs/`. Served by `inside_comfyui.py`; `editor/run_nodes/nested_prompt.py` asks in the same
process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...system.rule_files import NAME, UnusableFile, owners_of_pack, read_rule_file

PATH = "/discomfort/pack_rules"


def installed_rules(folders: Iterable[str]) -> list[dict[str, Any]]:
    """Of each pack that has a file: `{"pack": its folder, "rules": JSON}`, or a "problem" in place
    of rules.

    Args:
        folders: those that ComfyUI looks for packs in (`custom_nodes` of folder_paths.py).
    """
    return [_read(folder) for folder in _loaded(folders)]


def _loaded(folders: Iterable[str]) -> Iterator[Path]:
    """The packs with such a file that ComfyUI has loaded; of two with one name, the first.

    Source: nodes.py `load_custom_node` of 0.3.64 and 0.33 for the name of a pack's module.
    """
    seen = set()
    for folder in folders:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            place = os.path.join(folder, name)
            is_loaded = place.replace(".", "_x_") in sys.modules
            if is_loaded and name not in seen and os.path.lexists(os.path.join(place, NAME)):
                seen.add(name)
                yield Path(place)


def _read(folder: Path) -> dict[str, Any]:
    try:
        rules = read_rule_file(folder / NAME, folder, owners_of_pack(folder))
    except UnusableFile as e:
        return {"pack": folder.name, "problem": str(e)}
    return {"pack": folder.name, "rules": rules}
