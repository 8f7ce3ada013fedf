"""One run: what its events add up to, from queueing to its result or error.

The listener's thread feeds it; the end is handed to the event loop that waits. What an end means is
decided in `failures.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .events import (
    Done,
    Event,
    HistoryWritten,
    NodesCached,
    NodeStarted,
    OutputLanded,
    Queued,
    RunStarted,
)
from .latest_events import Inbox


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that ended well.

    Attributes:
        outputs: what output nodes showed (`ui`), by node id.
        history: the entry as ComfyUI's history has it; `outputs` and `status` only, where the
            socket told all and the history was not asked.
        cached: the nodes that need not run.
    """

    prompt_id: str
    outputs: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    cached: tuple[str, ...] = ()


class CallbackFailed(Exception):
    """`on_event` raised; the cause is its exception."""


class Run:
    """The state of one queued prompt.

    Attributes are read by the loop, written by the listener's thread.
    """

    def __init__(
        self,
        prompt: Mapping[str, Any],
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[Event], Any] | None = None,
        needed: Collection[str] | None = None,
    ):
        self.prompt_id = str(uuid.uuid4())
        self.prompt = prompt
        self.done: asyncio.Future[Done] = loop.create_future()
        self.is_history_written = False
        self.is_started = False
        self.current_node: str | None = None
        self.last_heard = time.monotonic()
        self.outputs: dict[str, Any] = {}
        self.cached: dict[str, None] = {}
        self.history: dict[str, Any] | None = None
        self._loop = loop
        self._on_event = on_event
        self._needed = frozenset(prompt if needed is None else needed)
        self._begun: set[str] = set()
        self._inbox = Inbox()
        self._inbox_lock = threading.Lock()
        self._is_scheduled = False
        self._is_queued_told = False

    def feed(self, event: Event) -> None:
        """Take in one event of this prompt. Called in the listener's thread."""
        self.last_heard = time.monotonic()
        if isinstance(event, RunStarted):
            self.is_started = True
            self.tell_queued()
        elif isinstance(event, NodesCached):
            self.cached.update(dict.fromkeys(event.node_ids))
            titles = tuple(name_of(self.prompt, i)[1] for i in event.node_ids)
            event = replace(event, titles=titles)
        elif isinstance(event, NodeStarted):
            event = self._with_names(event)
            self.current_node = event.node_id
        elif isinstance(event, OutputLanded):
            # A cached node that is asked again sends nothing new (`output: null`).
            if event.output or event.node_id not in self.outputs:
                self.outputs[event.node_id] = event.output
        elif isinstance(event, HistoryWritten):
            self.is_history_written = True
            return
        self.tell(event)
        if isinstance(event, Done):
            self._in_loop(self._finish, event)

    def tell_queued(self, number: float = 0) -> None:
        """Tell `Queued`, once: the reply to the POST and the first event race each other."""
        with self._inbox_lock:
            is_told, self._is_queued_told = self._is_queued_told, True
        if not is_told:
            self.tell(Queued(self.prompt_id, number, len(self._needed)))

    def fail(self, error: BaseException) -> None:
        """End with an error that no event tells, for instance the worker's death. Any thread."""
        self._in_loop(self._finish, error)

    def take_history(self, entry: dict[str, Any]) -> None:
        """End with what ComfyUI's history says, where the socket did not. Called in the loop."""
        self.is_history_written = True
        if self.done.done():
            return
        done, cached = read_history(self.prompt_id, entry)
        self.history = entry
        self.outputs = dict(entry.get("outputs") or {})
        self.cached.update(dict.fromkeys(cached))
        self.tell(done)
        self._finish(done)

    def result(self) -> RunResult:
        """What a run that ended well gives."""
        outputs = {node_id: output for node_id, output in self.outputs.items() if output}
        status = {"status_str": "success", "completed": True, "messages": []}
        history = self.history or {"outputs": outputs, "status": status}
        return RunResult(self.prompt_id, outputs, history, tuple(self.cached))

    def tell(self, event: Event) -> None:
        """Hand the event to `on_event`, in the loop."""
        if self._on_event is None:
            return
        with self._inbox_lock:
            self._inbox.put(event)
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._in_loop(self._deliver)

    def _deliver(self) -> None:
        with self._inbox_lock:
            waiting, self._inbox = self._inbox, Inbox()
            self._is_scheduled = False
        while waiting:
            on_event = self._on_event
            if on_event is None:
                return
            try:
                on_event(waiting.take())
            except (Exception, asyncio.CancelledError) as e:  # asyncio would only log it
                self._on_event = None
                failure = CallbackFailed()
                failure.__cause__ = e
                self._finish(failure)

    def _finish(self, end: Done | BaseException) -> None:
        if self.done.done():
            return
        if isinstance(end, Done):
            self.done.set_result(end)
        else:
            self.done.set_exception(end)
            self.done.exception()  # looked at: a run that was cancelled has nobody to do so

    def _in_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _with_names(self, event: NodeStarted) -> NodeStarted:
        self._begun.add(event.node_id.split(".")[0])  # "5.0.2" was made by node 5
        node_type, title = name_of(self.prompt, event.node_id)
        step = len(self._needed & (self._begun | self.cached.keys()))
        return replace(event, node_type=node_type, title=title, step=step, total=len(self._needed))


def name_of(prompt: Mapping[str, Any], node_id: str | None) -> tuple[str, str]:
    """`(class_type, title)` of a node; of one that an expansion made ("5.0.2"), those of its
    origin.
    """
    node = prompt.get(node_id or "") or prompt.get((node_id or "").split(".")[0]) or {}
    node_type = str(node.get("class_type") or "")
    return node_type, str((node.get("_meta") or {}).get("title") or node_type)


def read_history(prompt_id: str, entry: Mapping[str, Any]) -> tuple[Done, tuple[str, ...]]:
    """How a run ended, and what was cached, from its entry in ComfyUI's history.

    Source: execution.py `PromptQueue.task_done` of 0.3.64 and 0.33.
    """
    status = entry.get("status") or {}
    messages = dict(status.get("messages") or [])
    cached = tuple(map(str, (messages.get("execution_cached") or {}).get("nodes") or ()))
    for kind, name in (("execution_error", "error"), ("execution_interrupted", "interrupted")):
        if kind in messages:
            return Done(prompt_id, name, messages[kind]), cached
    if status.get("status_str", "success") == "success":
        return Done(prompt_id, "success"), cached
    return Done(prompt_id, "error", {"exception_message": "ComfyUI gives no reason."}), cached
