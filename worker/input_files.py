"""Which files of its input, output and temp folders a server has, by the names that nodes use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from ..system.path_names import is_relative

_ANNOTATED = re.compile(r"(.+) \[(input|output|temp)\]")


def existing_files(folders: Mapping[str, str], names: Iterable[str]) -> set[str]:
    """Those of these values of LoadImage and its like that lead to a file: "a/b.png [output]".

    Args:
        folders: "input", "output", "temp" -> where they are.
    """
    found = set()
    for name in names:
        match = _ANNOTATED.fullmatch(name)
        plain, folder = (match[1], match[2]) if match else (name, "input")
        if is_relative(plain) and folder in folders:  # they come with a prompt: a stranger's
            try:
                if os.path.isfile(os.path.join(folders[folder], plain)):
                    found.add(name)
            except (OSError, ValueError):
                continue
    return found
