"""A run under a notebook's cell: how far it is, with the preview, and at the end one line.

All runs of one cell share the place: a loop of a hundred leaves one line, too. It only listens and
decides nothing about the runs.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..events import NodeStarted, Preview, Progress, WorkflowStarted
from ..records.value_table import as_text, plain_line
from ..system.notebook import Place, cell_number

_EVERY_S = 0.1  # a front end that is shown more falls behind
_MAX_PREVIEW_BYTES = 400_000
_PREVIEW_SIDE = 192
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}


class NotebookView:
    """One run; the same methods as the ProgressBar."""

    def __init__(self, total: int | None, on_event: Callable[[Any], Any] | None):
        self.total, self.done = total, 0
        self.workflow, self.node, self.step, self.maximum = "", "", 0.0, 0.0
        self.preview: Preview | None = None
        self.began = time.monotonic()
        self._on_event = on_event
        self._cell = _cell()

    def __enter__(self) -> NotebookView:
        self._cell.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._cell.remove(self, kind)

    def on_event(self, event: Any) -> Any:
        """Take an event, and hand it on."""
        if isinstance(event, NodeStarted):
            self.node, self.step, self.maximum = event.title, 0.0, 0.0
        elif isinstance(event, Progress):
            self.step, self.maximum = event.value, event.maximum
        elif isinstance(event, Preview):
            self.preview = event
        self._cell.refresh()
        return None if self._on_event is None else self._on_event(event)

    def begin(self, event: WorkflowStarted) -> None:
        self.workflow, self.node, self.step, self.maximum = event.workflow, "", 0.0, 0.0
        self._cell.refresh()
        if self._on_event is not None:
            self._on_event(event)

    def advance(self) -> None:
        self.done += 1
        self._cell.refresh()


class _Cell:
    """The runs of one cell, and the place that they share."""

    def __init__(self, number: int):
        self.number = number
        self._place, self._lock = Place(), threading.Lock()
        self._views: list[NotebookView] = []
        self._done, self._ended = 0, ""
        self._began, self._shown = time.monotonic(), 0.0
        self._last = ""

    def add(self, view: NotebookView) -> None:
        with self._lock:  # it is shown when its first workflow begins
            self._views.append(view)

    def remove(self, view: NotebookView, kind: type[BaseException] | None) -> None:
        """A run is over; `kind` is the class of what it raised."""
        with self._lock:
            self._views.remove(view)
            self._done += view.done
            self._last = view.workflow or self._last
            self._ended = "" if kind is None else how_it_ended(kind)
            self._show()

    def refresh(self) -> None:
        if time.monotonic() - self._shown >= _EVERY_S:
            with self._lock:
                self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        if self._views:
            lines = [line_of(view, self._shown) for view in self._views]
            text = "\n".join(map(plain_line, lines))
            self._place.show("".join(map(html_of, self._views, lines)), text)
        else:
            line = last_line(self._last, self._done, self._shown - self._began, self._ended)
            self._place.show(f"<div>{as_text(line)}</div>", plain_line(line))


def how_it_ended(kind: type[BaseException]) -> str:
    """In a word, of what a run raised."""
    if issubclass(kind, (asyncio.CancelledError, KeyboardInterrupt)):
        return "interrupted"
    return f"ended by {kind.__name__}"


def line_of(view: NotebookView, now: float) -> str:
    """Where a run is, in one line."""
    parts = [f"{view.workflow}: {view.node}" if view.node else view.workflow]
    if view.maximum:
        parts.append(f"step {view.step:g} of {view.maximum:g}")
    if view.total is None:
        parts.append(f"{view.done} done")
    elif view.total > 1:
        parts.append(f"{view.done} of {view.total} done")
    seconds = now - view.began
    parts.append(f"{seconds:.0f} s")
    if view.total is not None and 0 < view.done < view.total:
        parts.append(f"about {seconds / view.done * (view.total - view.done):.0f} s left")
    return " · ".join(parts)


def last_line(workflow: str, done: int, seconds: float, ended: str) -> str:
    """What stays."""
    if ended:
        before = f"{done} done, then " if done else ""
        return f"{workflow or 'The run'}: {before}{ended} after {seconds:.1f} s"
    if done == 1:
        return f"{workflow}: done in {seconds:.1f} s"
    return f"{done} runs done in {seconds:.1f} s"


def html_of(view: NotebookView, line: str) -> str:
    """A bar, the line and the preview. Titles are whose the workflow is: they are text."""
    inner = min(1.0, view.step / view.maximum) if view.maximum else 0.0
    share = None if not view.total else min(1.0, (view.done + inner) / view.total)
    at = "" if share is None else f' value="{share:.3f}"'
    return f"<div><progress{at}></progress> {as_text(line)}</div>{_picture(view.preview)}"


def _picture(preview: Preview | None) -> str:
    kind = None if preview is None else _FORMATS.get(preview.format)
    if preview is None or kind is None or len(preview.data) > _MAX_PREVIEW_BYTES:
        return ""
    data = base64.b64encode(preview.data).decode("ascii")
    side = f"max-width:{_PREVIEW_SIDE}px;max-height:{_PREVIEW_SIDE}px"
    return f'<div><img alt="preview" style="{side}" src="data:{kind};base64,{data}"></div>'


_current: _Cell | None = None
_lock = threading.Lock()


def _cell() -> _Cell:
    """That of the cell which runs now."""
    global _current
    with _lock:
        number = cell_number()
        if _current is None or _current.number != number:
            _current = _Cell(number)
        return _current
