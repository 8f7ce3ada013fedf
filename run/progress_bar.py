"""The progress bar of a run: one step a workflow, with the node that runs behind it.

Shown in a terminal or a notebook unless asked otherwise. It only listens and decides nothing about
the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import visible
from ..events import NodeStarted, Progress, WorkflowStarted
from ..system.notebook import shows_html
from ..system.terminal import is_watched
from .notebook_view import NotebookView


def is_shown(progress: bool | None) -> bool:
    """Whether to show a bar: as asked, else in a terminal or a notebook."""
    if progress is not None:
        return progress
    return is_watched()


def open_view(
    progress: bool | None, total: int | None, on_event: Callable[[Any], Any] | None
) -> ProgressBar | NotebookView:
    """What shows a run of `total` workflow runs where it is, or only hands its events on."""
    shown = is_shown(progress)
    if shown and shows_html():
        return NotebookView(total, on_event)
    return ProgressBar(shown, total, on_event)


class ProgressBar:
    """A tqdm bar over `total` workflow runs (None: no limit), or nothing at all."""

    def __init__(self, shown: bool, total: int | None, on_event: Callable[[Any], Any] | None):
        self._bar: Any = None
        self._on_event = on_event
        if shown:
            from tqdm.auto import tqdm

            # A script's own loop of single runs must not fill the screen with finished bars.
            self._bar = tqdm(total=total, unit="run", dynamic_ncols=True, leave=total != 1)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def on_event(self) -> Callable[[Any], Any] | None:
        """What the worker's events go to; None without a listener, which costs least."""
        return self._on_event if self._bar is None else self._show

    def begin(self, event: WorkflowStarted) -> None:
        if self._bar is not None:
            self._bar.set_description(visible(event.workflow), refresh=False)
        if self._on_event is not None:
            self._on_event(event)

    def advance(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str("", refresh=False)
            self._bar.update(1)

    def _show(self, event: Any) -> Any:
        text = _describe(event)
        if text is not None:
            self._bar.set_postfix_str(text)
        return None if self._on_event is None else self._on_event(event)


def _describe(event: Any) -> str | None:
    """A node's title, or how far it is."""
    if isinstance(event, NodeStarted):
        return visible(event.title)
    if isinstance(event, Progress) and event.maximum:
        return f"{event.value:g}/{event.maximum:g}"
    return None
