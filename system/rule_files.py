"""Files with rules of node packs: where they are, and reading what a stranger may have put there.

A pack has one at its root, read inside ComfyUI by `worker/launch/pack_rules.py`; a user has a
folder of them, read by `workflows/rule_files.py`. What the rules mean is in `graph/packs/`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .config import decode, parse_json
from .plain_files import read_plain

NAME = "discomfort_rules.json"  # at the root of a pack
USERS_FOLDER = "rules"  # in the user's data folder
_MOST_BYTES = 1 << 20
_MOST_DEPTH = 12
_ROOT = 0


class UnusableFile(Exception):
    """Why a file is passed over."""


def read_rule_file(path: Path, folder: Path, owners: Collection[int] = ()) -> Any:
    """The JSON in a file, which may have `//` comments.

    Args:
        folder: what it must lie in, after all links.
        owners: whose it may be, beside this user's.

    Raises:
        UnusableFile: with the reason.
    """
    try:
        place = path.resolve(strict=True)
        if not place.is_relative_to(folder.resolve()):
            raise UnusableFile("it is a link that leads out of its folder")
        data = read_plain(place, 0, _MOST_BYTES + 1, owners)
    except FileNotFoundError as e:
        raise UnusableFile(e.strerror or str(e)) from e
    except (OSError, RuntimeError) as e:  # RuntimeError: links in a circle, before Python 3.13
        raise UnusableFile(f"it can't be read: {getattr(e, 'strerror', None) or e}") from e
    if len(data) > _MOST_BYTES:
        raise UnusableFile(f"it has more than {_MOST_BYTES >> 20} MB")
    try:
        found = parse_json(decode(data, path.name), path.name)
    except ConfigError as e:
        raise UnusableFile(str(e)) from e
    if _is_deep(found):
        raise UnusableFile(f"it is nested more than {_MOST_DEPTH} deep")
    return found


def owners_of_pack(folder: Path) -> set[int]:
    """Whose files a pack's may be: the administrator's, or of who installed the pack, whose code
    runs in ComfyUI anyway.
    """
    try:
        return {_ROOT, os.stat(folder).st_uid}
    except OSError:
        return {_ROOT}


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(_MOST_DEPTH):
        inner: list[Any] = []
        for item in level:
            inner += item.values() if isinstance(item, dict) else ()
            inner += item if isinstance(item, list) else ()
        level = inner
        if not level:
            return False
    return True
