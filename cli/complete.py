"""What a shell may complete: workflow files, and names of ports.

Starts nothing, and never fails: no completion is better than a wrong line in the prompt.
"""

from __future__ import annotations

import os

_SUFFIXES = (".json", ".png", ".webp")


def complete_workflow(incomplete: str) -> list[str]:
    """The workflow files and folders that begin like this."""
    folder, _, begin = incomplete.rpartition(os.sep)
    place = os.path.expanduser(folder) if folder else (os.sep if incomplete[:1] == os.sep else ".")
    prefix = f"{folder}{os.sep}" if os.sep in incomplete else ""
    found = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if not entry.name.startswith(begin) or (entry.name[0] == "." and not begin):
                    continue
                if entry.is_dir():
                    found.append(f"{prefix}{entry.name}{os.sep}")
                elif entry.name.lower().endswith(_SUFFIXES):
                    found.append(f"{prefix}{entry.name}")
    except OSError:
        return []
    return sorted(found)
