"""For IS_CHANGED: what says that a node that runs workflows would give something else now."""

from __future__ import annotations

import hashlib

from .request import find_files


def fingerprint(workflows: str | None) -> str:
    """Changes with the content of the files."""
    if workflows is None:
        return ""
    digest = hashlib.sha256()
    for path in find_files(workflows):
        digest.update(path.read_bytes())
    return digest.hexdigest()
