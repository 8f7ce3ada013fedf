"""Says in a worker's log what takes long while ComfyUI starts: which extension, which package.

ComfyUI runs a script of this name first of all (main.py `execute_prestartup_script` of 0.3.64 and
0.33), and itself names its extensions only when it has imported them all. Standard library only;
`start_words.py` reads the lines.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from types import FrameType

_LOOK_S = 0.5
_MARK = "[discomfort] importing "
_OTHERS = "ComfyUI"
_PROMPTS_THREAD = "discomfort-prompts"  # prompt_thread.py: it is there when all is imported


def _start() -> None:
    threading.Thread(target=_watch, name="discomfort-start", daemon=True).start()


def _watch() -> None:
    """Look where the main thread is; say what is there at two looks and was not said before."""
    main = threading.main_thread().ident
    seen, said = "", _OTHERS
    while not any(thread.name == _PROMPTS_THREAD for thread in threading.enumerate()):
        frame = sys._current_frames().get(main or 0)
        now = _name_at(frame) or _OTHERS
        if now == seen != said:
            said = now
            os.write(2, f"{_MARK}{said}\n".encode("utf-8", errors="replace"))
        seen = now
        time.sleep(_LOOK_S)


def _name_at(frame: FrameType | None) -> str | None:
    """The extension that runs, else the installed package that the rest is in."""
    extension = package = None
    while frame is not None:  # from the innermost out: the outermost is what was asked for
        path = os.path.abspath(frame.f_code.co_filename)
        extension = _below(path, "custom_nodes") or _own_below(path) or extension
        package = _below(path, "site-packages") or package
        frame = frame.f_back
    return extension or package


def _below(path: str, folder: str) -> str | None:
    parts = path.split(os.sep)
    if folder not in parts[:-1]:
        return None
    name = parts[parts.index(folder) + 1]
    return os.path.splitext(name)[0] if name.endswith(".py") else name


def _own_below(path: str) -> str | None:
    """An extension that only this worker has, in the folder where this one is linked to."""
    nodes = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not path.startswith(nodes + os.sep):
        return None
    return path[len(nodes) + 1 :].split(os.sep)[0]


_start()
