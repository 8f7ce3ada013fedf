"""The runs of one server that are not over: events find theirs here, and its death ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from ...errors import ExecutionError
from .events import Event, HistoryWritten, QueueStatus, RunStarted
from .prompt_run import PromptRun
from .queries import HistoryTrimmer
from .run_state import RunState

# Makes the error for a run that the server's end cuts off; None: for what is not yet a run.
MakeError: TypeAlias = "Callable[[RunState | None], ExecutionError]"


class OpenRuns:
    """Runs by the id of their prompt.

    Args:
        trimmer: drops their entries from the history when they are over.
    """

    def __init__(self, trimmer: HistoryTrimmer):
        self._trimmer = trimmer
        self._runs: dict[str, PromptRun] = {}
        self._running: PromptRun | None = None
        self._make_error: MakeError | None = None
        self._lock = threading.Lock()

    @property
    def is_cut_off(self) -> bool:
        """Whether the server has ended."""
        return self._make_error is not None

    def add(self, run: PromptRun) -> None:
        """From now on events of this prompt are the run's.

        Raises:
            ExecutionError: the server has ended.
        """
        with self._lock:
            if self.is_cut_off:
                raise self.error_of(None)
            self._runs[run.prompt_id] = run

    def error_of(self, state: RunState | None) -> ExecutionError:
        """What the server's end means to a run; None: to what is not yet one."""
        assert self._make_error is not None
        return self._make_error(state)

    def remove(self, run: PromptRun) -> None:
        """The run is over here. In the loop."""
        self._trimmer.note_finished(run.prompt_id, run.state.is_history_written)
        self._runs.pop(run.prompt_id, None)

    def cut_off(self, make_error: MakeError) -> None:
        """The server has ended: every run fails with `make_error`. Any thread."""
        with self._lock:
            self._make_error = make_error
            runs = list(self._runs.values())
        for run in runs:
            run.fail(make_error(run.state))

    def feed(self, event: Event) -> None:
        """Hand an event to its run. In the thread that reads the socket."""
        if isinstance(event, QueueStatus):
            return
        if isinstance(event, HistoryWritten) and event.prompt_id not in self._runs:
            self._trimmer.note_written(event.prompt_id)
            return
        if event.prompt_id:
            run = self._runs.get(event.prompt_id)
            if isinstance(event, RunStarted):
                self._running = run
        else:
            run = self._running  # the server named no prompt: it is about the one that runs
        if run is not None:
            run.feed(event)
