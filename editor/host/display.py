"""What a node shows, by ComfyUI's own means: progress bar, preview, a line of text, results."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import DiscomfortError
from . import comfyui

_STEPS = 1000  # of the progress bar, for one workflow
_PREVIEW_SIDE = 512
_TEXT_PAUSE_S = 0.1
_MAX_SHOWN_PICTURES = 16


class Display:
    """One node of the user's graph, while it runs workflows.

    Args:
        node_id: its UNIQUE_ID.
        names: of the workflows that run in one iteration.
        iterations: how many there will be; None: not known.
    """

    def __init__(self, node_id: str, names: tuple[str, ...], iterations: int | None = 1):
        self._node_id, self._names, self._iterations = node_id, names, iterations
        self._runs = 0  # workflows that ended
        self._part = 0.0  # of the one that runs
        self._node = (0, 1)  # the step, and how many
        self._title = ""
        self._text = ""
        self._text_at = 0.0
        total = len(names) * (iterations or 1)
        self._bar = comfyui.progress_bar(total * _STEPS, node_id)

    def show(self, event: Any) -> None:
        """Show an event of the worker. By attributes: the events belong to the worker package."""
        kind = type(event).__name__
        if kind == "NodeStarted":
            self._node = (event.step, max(event.total, 1))
            self._part = (max(event.step, 1) - 1) / self._node[1]
            self._title = event.title
            self._update()
        elif kind == "Progress" and event.maximum:
            step, total = self._node
            self._part = (max(step, 1) - 1 + event.value / event.maximum) / total
            self._update(f"{self._title} {event.value:g}/{event.maximum:g}")
        elif kind == "Preview":
            self._update(preview=("JPEG", event.image.convert("RGB"), _PREVIEW_SIDE))
        elif kind == "Done" and event.status == "success":
            self._runs += 1
            self._part = 0.0
            self._update("done" if self._is_over else None)
        elif kind == "Words":
            self._say(event.text, True)

    def _update(self, text: str | None = None, preview: Any = None) -> None:
        per_iteration = len(self._names)
        total = per_iteration * (self._iterations or (self._runs // per_iteration + 1))
        value = min(self._runs + min(self._part, 1.0), total)
        self._bar.update_absolute(round(value * _STEPS), total * _STEPS, preview)
        self._say(f"{self._where()}{text or self._title}", self._is_over)

    @property
    def _is_over(self) -> bool:
        return self._iterations is not None and self._runs >= self._iterations * len(self._names)

    def _where(self) -> str:
        done, per_iteration = self._runs, len(self._names)
        if self._is_over or (self._iterations == 1 and per_iteration == 1):
            return ""
        iteration = done // per_iteration + 1
        if self._iterations is not None:
            place = f"{min(iteration, self._iterations)} of {self._iterations}"
        else:
            place = str(iteration)
        name = f", {self._names[done % per_iteration]}" if per_iteration > 1 else ""
        return f"Iteration {place}{name}: "

    def _say(self, text: str, is_last: bool = False) -> None:
        """A line of text on the node; not faster than anybody reads."""
        now = time.monotonic()
        if text == self._text or (now - self._text_at < _TEXT_PAUSE_S and not is_last):
            return
        self._text, self._text_at = text, now
        comfyui.send_text(text, self._node_id)


class Words:
    """A line for the node, put among the events."""

    def __init__(self, text: str):
        self.text = text


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn our errors into Python's own: ComfyUI shows the name of the class, and ours has the
    path of this folder in it.
    """
    try:
        yield
    except DiscomfortError as e:
        plain = ValueError if isinstance(e, ValueError) else RuntimeError
        raise plain(str(e)) from e


def pictures_to_show(values: Mapping[str, Any], kinds: Mapping[str, str]) -> list[dict[str, str]]:
    """The pictures among the results, put into ComfyUI's temp folder: `images` of a node's `ui`."""
    from ...values.images import save_comfy_image_to_disk

    shown: list[dict[str, str]] = []
    folder = comfyui.temp_directory()
    for unique_id, items in values.items():
        if kinds.get(unique_id) not in ("IMAGE", "MASK", "ANY"):
            continue
        for item in items:
            left = _MAX_SHOWN_PICTURES - len(shown)
            if left <= 0 or not _is_picture(item, kinds[unique_id]):
                break
            name = f"discomfort_{uuid.uuid4().hex[:12]}.png"
            for path in save_comfy_image_to_disk(item[:left], folder / name):
                shown.append({"filename": path.name, "subfolder": "", "type": "temp"})
    return shown


def _is_picture(value: Any, kind: str) -> bool:
    shape = getattr(value, "shape", ())
    if kind == "MASK":
        return len(shape) == 3 and 0 not in shape
    return len(shape) == 4 and shape[-1] in (1, 3, 4) and 0 not in shape
