"""The keeper's process: `python -I -S program.py`, its job on standard input.

Outlives the script that starts it: in a session of its own, and on POSIX nobody's child. Standard
library only, until the job has said where the rest is.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types


def main() -> None:
    line, rest = _read_line(0)
    about = json.loads(line)
    if os.name == "posix" and os.fork():
        os._exit(0)
    sys.path[:] = about["path"]
    sys.dont_write_bytecode = bool(about["no_bytecode"])
    # What the script reads is on a descriptor of its own: nothing that prints may get into it.
    answers = os.dup(1)
    os.dup2(2, 1)
    package = types.ModuleType("discomfort")
    package.__path__ = [about["root"]]
    sys.modules["discomfort"] = package
    importlib.import_module("discomfort.worker.keeper.keep").keep(line, rest, answers)


def _read_line(fd: int) -> tuple[bytes, bytes]:
    """The first line, and what has come with it."""
    data = b""
    while b"\n" not in data:
        more = os.read(fd, 1 << 16)
        if not more:
            sys.exit("The script that started this keeper is gone.")
        data += more
    line, _, rest = data.partition(b"\n")
    return line, rest


if __name__ == "__main__":
    main()
