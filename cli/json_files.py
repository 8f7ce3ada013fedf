"""JSON that a command writes to a file that was named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..system.files import write_file
from .failures import OutputFailed


def write_json_file(name: str, data: Any) -> None:
    """Write it whole, or leave what is there.

    Raises:
        OutputFailed: says why it can't be written.
    """
    text = json.dumps(data, indent=2)
    write_text_file(name, f"{text}\n")


def write_text_file(name: str, text: str) -> None:
    """The same for text."""
    path = Path(name).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lambda file: file.write(text.encode("utf-8", "backslashreplace")))
    except OSError as e:
        raise OutputFailed(f"{path} can't be written: {e.strerror or e}.") from e
