"""`discomfort workers`: lists the ComfyUIs that stay warm, and ends them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..failures import UsageFailed
from ..log import show_log
from ..options import JsonOption
from ..output import answer
from ..sizes import size_text

if TYPE_CHECKING:
    from ...worker.keeper.found_workers import FoundWorker

_STOP = "stop"
_WORDS = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="stop|PID",
        help="Without words: list them. stop: end all, or those of these process ids, also where "
        "a script is at work with one.",
    ),
]


def workers(words: _WORDS = None, json: JsonOption = False) -> None:
    """List the ComfyUIs that stay warm for the next script, or end them.

    One stays when a script or command was told to keep it (--keep-warm, keep_warm=), with its
    models, and ends by itself when nobody came for that long.

    Example: discomfort workers stop
    """
    from ...worker.keeper.found_workers import find_workers, stop_workers

    with show_log(False):
        if not words:
            found = find_workers()
            lines = [_line_of(worker) for worker in found] or ["No ComfyUI stays warm now."]
            answer(json, "workers", "\n".join(lines), {"workers": [w.to_json() for w in found]})
            return
        ended = stop_workers(_pids(words))
    text = f"Ended: {', '.join(map(str, ended))}." if ended else "No ComfyUI stays warm now."
    answer(json, "workers", text, {"ended": ended})


def _pids(words: list[str]) -> list[int] | None:
    """Which are to be ended. None: all."""
    first, *pids = words
    if first != _STOP or not all(pid.isdecimal() for pid in pids):
        raise UsageFailed(
            f"Say `discomfort workers`, or `discomfort workers {_STOP}` with the process ids of "
            f"those that are to end (none: all), not {' '.join(words)!r}."
        )
    return [int(pid) for pid in pids] or None


def _line_of(worker: FoundWorker) -> str:
    if worker.held_by is not None:
        what = f"process {worker.held_by} has it"
    elif worker.left_s is not None:
        what = f"idle, ends in {worker.left_s:.0f} s"
    else:
        what = worker.state
    memory = "" if worker.memory_bytes is None else f"  {size_text(worker.memory_bytes)}"
    began = time.strftime("%a %H:%M:%S", time.localtime(worker.started))
    return f"{worker.pid}  {what}{memory}  since {began}  {worker.comfyui}"
