"""What is known of one run, as a value: every event of its prompt makes the next state. Pure.

`prompt_run.py` keeps the newest state; what an end means to the caller is decided in `failures.py`.
"""

from __future__ import annotations

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
from .shown_files import ShownFile


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that ended well.

    Attributes:
        outputs: what output nodes showed (`ui`), by node id.
        history: the entry as ComfyUI's history has it; `outputs` and `status` only, where the
            socket reported all and the history was not asked.
        cached: the nodes that need not run.
        files: those that output nodes saved or showed, by node id.
    """

    prompt_id: str
    outputs: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    cached: tuple[str, ...] = ()
    files: Mapping[str, tuple[ShownFile, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryRead(Event):
    """The socket did not report the end, so ComfyUI's history was asked: `entry` is its answer."""

    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunState:
    """One run, as far as it is known.

    Attributes:
        needed: the ids of the nodes that events count.
        current_node: the node that began last.
        display_node: the node of the prompt that it stands for: itself, or what an expansion or a
            native loop made it for.
        reached: the nodes that began or were cached; for one that an expansion made, its origin.
        history: its entry in ComfyUI's history, where that was asked.
        end: how it ended. Nothing that arrives after it counts, but that the history is written.
    """

    prompt_id: str
    prompt: Mapping[str, Any]
    needed: frozenset[str]
    is_queued: bool = False
    is_started: bool = False
    is_history_written: bool = False
    current_node: str | None = None
    display_node: str | None = None
    reached: frozenset[str] = frozenset()
    cached: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] | None = None
    end: Done | None = None


def begin(
    prompt_id: str, prompt: Mapping[str, Any], needed: Collection[str] | None = None
) -> RunState:
    """The state of a prompt that is about to be queued.

    Args:
        needed: the ids of the nodes that events count; None: all.
    """
    return RunState(prompt_id, prompt, frozenset(prompt if needed is None else needed))


def advance(state: RunState, event: Event) -> RunState:
    """The state after an event of this prompt. The same one where the event changes nothing."""
    if state.end is not None:
        is_written = isinstance(event, HistoryWritten | HistoryRead)
        return replace(state, is_history_written=True) if is_written else state
    change = _CHANGES.get(type(event))
    return state if change is None else change(state, event)


def _on_cached(state: RunState, event: NodesCached) -> RunState:
    cached = tuple(dict.fromkeys((*state.cached, *event.node_ids)))
    return replace(state, cached=cached, reached=state.reached.union(event.node_ids))


def _on_node(state: RunState, event: NodeStarted) -> RunState:
    shown = event.display_node or _origin(event.node_id)
    return replace(
        state,
        current_node=event.node_id,
        display_node=shown,
        reached=state.reached | {shown},
    )


def _on_output(state: RunState, event: OutputLanded) -> RunState:
    # A cached node that is asked again sends nothing new (`output: null`).
    if not event.output and event.node_id in state.outputs:
        return state
    return replace(state, outputs={**state.outputs, event.node_id: event.output})


def _on_history(state: RunState, event: HistoryRead) -> RunState:
    """The end, and all that came before it."""
    end, cached = read_history(state.prompt_id, event.entry)
    return replace(
        state,
        is_history_written=True,
        history=event.entry,
        outputs=dict(event.entry.get("outputs") or {}),
        cached=tuple(dict.fromkeys((*state.cached, *cached))),
        end=end,
    )


_CHANGES: dict[type[Event], Callable[[RunState, Any], RunState]] = {
    Queued: lambda state, _: replace(state, is_queued=True),
    RunStarted: lambda state, _: replace(state, is_queued=True, is_started=True),
    NodesCached: _on_cached,
    NodeStarted: _on_node,
    OutputLanded: _on_output,
    Done: lambda state, event: replace(state, end=event),
    HistoryWritten: lambda state, _: replace(state, is_history_written=True),
    HistoryRead: _on_history,
}


def emitted(before: RunState, after: RunState, event: Event) -> tuple[Event, ...]:
    """What a caller gets to see of an event that led from one state to the next.

    `Queued` comes first and once (the reply to the request and the first event race each other),
    `Done` last and once.
    """
    if before.end is not None:
        return ()
    show = _SHOWN.get(type(event))
    return (event,) if show is None else show(before, after, event)


def _show_queued(before: RunState, after: RunState, event: Queued) -> tuple[Event, ...]:
    return () if before.is_queued else (replace(event, total=len(after.needed)),)


def _show_started(before: RunState, after: RunState, event: RunStarted) -> tuple[Event, ...]:
    return (*_show_queued(before, after, Queued(event.prompt_id)), event)


def _show_cached(_: RunState, after: RunState, event: NodesCached) -> tuple[Event, ...]:
    titles = tuple(name_of(after.prompt, node_id)[1] for node_id in event.node_ids)
    return (replace(event, titles=titles),)


def _show_node(_: RunState, after: RunState, event: NodeStarted) -> tuple[Event, ...]:
    node_type, title = name_of(after.prompt, after.display_node)
    step, total = len(after.needed & after.reached), len(after.needed)
    return (replace(event, node_type=node_type, title=title, step=step, total=total),)


def _show_end(_: RunState, after: RunState, event: HistoryRead) -> tuple[Event, ...]:
    return () if after.end is None else (after.end,)


# A class that is not here is shown as it came.
_SHOWN: dict[type[Event], Callable[[RunState, RunState, Any], tuple[Event, ...]]] = {
    Queued: _show_queued,
    RunStarted: _show_started,
    NodesCached: _show_cached,
    NodeStarted: _show_node,
    HistoryWritten: lambda before, after, event: (),
    HistoryRead: _show_end,
}


def result_of(
    state: RunState, files: Mapping[str, tuple[ShownFile, ...]] | None = None
) -> RunResult:
    """What a run that ended well gives, with the files in what it showed."""
    outputs = {node_id: output for node_id, output in state.outputs.items() if output}
    status = {"status_str": "success", "completed": True, "messages": []}
    history = dict(state.history or {"outputs": outputs, "status": status})
    return RunResult(state.prompt_id, outputs, history, state.cached, files or {})


def _origin(node_id: str) -> str:
    return node_id.split(".")[0]  # "5.0.2" was made by node 5


def blamed_node(state: RunState, named: str | None) -> str | None:
    """The node of the prompt that an error is about.

    Of a node that an expansion or a native loop made, ComfyUI names the node that made it
    (execution.py of 0.3.64 and 0.33, `get_real_node_id`); what it stands for says more.
    """
    current = state.current_node
    is_inside = current is not None and current != named and _origin(current) == named
    return state.display_node if is_inside and state.display_node in state.prompt else named


def name_of(prompt: Mapping[str, Any], node_id: str | None) -> tuple[str, str]:
    """`(class_type, title)` of a node; for one that an expansion made ("5.0.2"), its origin's."""
    node = prompt.get(node_id or "") or prompt.get(_origin(node_id or "")) or {}
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
