r"""Names of places as text: judged before the system is asked where they lead.

On Windows the mere look at `\\server\share` signs on at that server, and names like `\\?\C:\x`
lead past all rules of names. Used where a name comes from a workflow or a prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath


def is_remote(name: str) -> bool:
    """Whether a name begins as that of another machine or of a device does on Windows."""
    return name[:1] in ("\\", "/") and name[1:2] in ("\\", "/")


def is_below(name: str, folders: Iterable[PurePath]) -> bool:
    """Whether an absolute name is, as a text, that of something in one of the folders."""
    path = PurePath(name)
    if not path.is_absolute() or ".." in path.parts or "\0" in name:
        return False
    return any(path != folder and path.is_relative_to(folder) for folder in folders)
