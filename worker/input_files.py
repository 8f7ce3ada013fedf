"""Which files of its input, output and temp folders a server has, by the names that nodes use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from ..system.path_names import is_below, is_relative

_ANNOTATED = re.compile(r"(.+) \[(input|output|temp)\]")


def existing_files(folders: Mapping[str, str], names: Iterable[str]) -> set[str]:
    """Those of these values of LoadImage and its like that lead to a file: "a/b.png [output]", or
    an absolute name in that folder. Others are not looked for: they come with a stranger's prompt.

    Args:
        folders: "input", "output", "temp" -> where they are.
    """
    found = set()
    for name in names:
        match = _ANNOTATED.fullmatch(name)
        plain, folder = (match[1], match[2]) if match else (name, "input")
        if folder not in folders:
            continue
        if is_relative(plain) or is_below(plain, [PurePath(folders[folder])]):
            try:
                if os.path.isfile(os.path.join(folders[folder], plain)):
                    found.add(name)
            except (OSError, ValueError):
                continue
    return found
