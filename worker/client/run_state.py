"""What is known of one run, as a value: every event of its prompt makes the next state. Pure.

`prompt_run.py` keeps the newest state; what an end means to the caller is decided in `failures.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that ended well.

    Attributes:
        outputs: what output nodes showed (`ui`), by node id.
        history: the entry as ComfyUI's history has it; `outputs` and `status` only, where the
            socket reported all and the history was not asked.
        cached: the nodes that need not run.
    """

    prompt_id: str
    outputs: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    cached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryRead(Event):
    """The socket did not report the end, so ComfyUI's history was asked: `entry` is its answer."""

    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunState:
    """One run, as far as it is known.

    Attributes:
        needed: the ids of the nodes that events count.
        heard_at: when its last event arrived (monotonic).
        current_node: the node that began last.
        reached: the nodes that began or were cached; for one that an expansion made, its origin.
        history: its entry in ComfyUI's history, where that was asked.
        end: how it ended. Nothing that arrives after it counts, but that the history is written.
    """

    prompt_id: str
    prompt: Mapping[str, Any]
    needed: frozenset[str]
    heard_at: float
    is_queued: bool = False
    is_started: bool = False
    is_history_written: bool = False
    current_node: str | None = None
    reached: frozenset[str] = frozenset()
    cached: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] | None = None
    end: Done | None = None


def begin(
    prompt_id: str, prompt: Mapping[str, Any], needed: Collection[str] | None, now: float
) -> RunState:
    """The state of a prompt that is about to be queued.

    Args:
        needed: the ids of the nodes that events count; None: all.
    """
    return RunState(prompt_id, prompt, frozenset(prompt if needed is None else needed), now)


def advance(state: RunState, event: Event, now: float) -> RunState:
    """The state after an event of this prompt, which arrived at `now`."""
    if isinstance(event, HistoryWritten):
        return replace(state, is_history_written=True)
    if isinstance(event, HistoryRead):
        return _after_history(state, event.entry)
    if state.end is not None:
        return state
    if isinstance(event, Queued):  # the reply to our own request: no news of the run
        return replace(state, is_queued=True)
    if isinstance(event, RunStarted):
        return replace(state, heard_at=now, is_queued=True, is_started=True)
    if isinstance(event, NodesCached):
        cached = tuple(dict.fromkeys((*state.cached, *event.node_ids)))
        reached = state.reached.union(event.node_ids)
        return replace(state, heard_at=now, cached=cached, reached=reached)
    if isinstance(event, NodeStarted):
        reached = state.reached | {_origin(event.node_id)}
        return replace(state, heard_at=now, current_node=event.node_id, reached=reached)
    if isinstance(event, OutputLanded):
        return replace(state, heard_at=now, outputs=_with_output(state.outputs, event))
    if isinstance(event, Done):
        return replace(state, heard_at=now, end=event)
    return replace(state, heard_at=now)


def _with_output(outputs: Mapping[str, Any], event: OutputLanded) -> Mapping[str, Any]:
    # A cached node that is asked again sends nothing new (`output: null`).
    if not event.output and event.node_id in outputs:
        return outputs
    return {**outputs, event.node_id: event.output}


def _after_history(state: RunState, entry: Mapping[str, Any]) -> RunState:
    """The end, and all that came before it, from ComfyUI's history."""
    if state.end is not None:
        return replace(state, is_history_written=True)
    end, cached = read_history(state.prompt_id, entry)
    return replace(
        state,
        is_history_written=True,
        history=entry,
        outputs=dict(entry.get("outputs") or {}),
        cached=tuple(dict.fromkeys((*state.cached, *cached))),
        end=end,
    )


def emitted(before: RunState, after: RunState, event: Event) -> tuple[Event, ...]:
    """What a caller gets to see of an event that led from one state to the next.

    `Queued` comes first and once (the reply to the request and the first event race each other),
    `Done` last and once.
    """
    if isinstance(event, HistoryWritten) or before.end is not None:
        return ()
    if isinstance(event, HistoryRead):
        return () if after.end is None else (after.end,)
    if isinstance(event, Queued):
        return () if before.is_queued else (replace(event, total=len(after.needed)),)
    if isinstance(event, RunStarted) and not before.is_queued:
        return Queued(event.prompt_id, total=len(after.needed)), event
    if isinstance(event, NodesCached):
        titles = tuple(name_of(after.prompt, node_id)[1] for node_id in event.node_ids)
        return (replace(event, titles=titles),)
    if isinstance(event, NodeStarted):
        return (_with_names(after, event),)
    return (event,)


def _with_names(state: RunState, event: NodeStarted) -> NodeStarted:
    node_type, title = name_of(state.prompt, event.node_id)
    step, total = len(state.needed & state.reached), len(state.needed)
    return replace(event, node_type=node_type, title=title, step=step, total=total)


def result_of(state: RunState) -> RunResult:
    """What a run that ended well gives."""
    outputs = {node_id: output for node_id, output in state.outputs.items() if output}
    status = {"status_str": "success", "completed": True, "messages": []}
    history = dict(state.history or {"outputs": outputs, "status": status})
    return RunResult(state.prompt_id, outputs, history, state.cached)


def _origin(node_id: str) -> str:
    return node_id.split(".")[0]  # "5.0.2" was made by node 5


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
