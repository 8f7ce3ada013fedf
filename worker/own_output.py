"""Says, once in a process, that files which nodes save are in the worker's own folder, and for how
long: `worker/launch/worker_folder.py` keeps them until the process ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from .client.shown_files import SAVED, ShownFile

log = logging.getLogger("discomfort.worker")

_said: set[str] = set()  # a set, so that it is one object for all who import it


def say_where(files: Mapping[str, Iterable[ShownFile]], own_folder: Path | None) -> None:
    """Say where the first files are.

    Args:
        own_folder: the worker's; None: it has none.
    """
    if own_folder is None or _said or not files:
        return
    output = (own_folder / "output").resolve()
    saved = [file for of_node in files.values() for file in of_node if file.kind == SAVED]
    if any(file.path.is_relative_to(output) for file in saved):
        _said.add(str(output))
        log.warning(
            "Nodes saved files in %s. They stay until this script ends, and go with it. To keep "
            'them: results.save_files("a folder"), or Discomfort.create(output_directory="a '
            'folder").',
            output,
        )
