"""Ends the server at its second and third start: by a signal, or of its own accord.

Beside a copy of this file lies `how` ("signal" or "exit"); it writes `starts`, a byte for each.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

HERE = Path(__file__).parent
STARTS = HERE / "starts"
number = STARTS.stat().st_size if STARTS.exists() else 0
STARTS.write_bytes(b"x" * (number + 1))
NODE_CLASS_MAPPINGS: dict[str, type] = {}
if number in (1, 2):
    if (HERE / "how").read_text(encoding="utf-8") == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)
