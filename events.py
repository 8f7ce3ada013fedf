"""What `run(on_event=...)` and `stream(...)` emit: the worker's events, and the whole run's.

For each workflow of each iteration: WorkflowStarted, SeedsChanged where seeds were drawn, Queued,
RunStarted, NodesCached, then for each node NodeStarted, Progress, Preview, OutputLanded; at last
Done. A stream ends with Finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .worker.client.event_stream import EventStream, stream_events
from .worker.client.events import (
    Done,
    Event,
    NodesCached,
    NodeStarted,
    OutputLanded,
    Preview,
    Progress,
    Queued,
    RunStarted,
)

__all__ = [
    "Done",
    "Event",
    "EventStream",
    "Finished",
    "NodeStarted",
    "NodesCached",
    "OutputLanded",
    "Preview",
    "Progress",
    "Queued",
    "RunStarted",
    "SeedsChanged",
    "WorkflowStarted",
    "stream_events",
]


@dataclass(frozen=True, slots=True)
class WorkflowStarted:
    """The next workflow's turn. `iteration` and `number`, of it in the list, count from 1."""

    workflow: str
    iteration: int = 1
    number: int = 1


@dataclass(frozen=True, slots=True)
class SeedsChanged:
    """The seeds that a workflow is run with, where they are not those in its file.

    `seeds`: (node id, input name) -> value.
    """

    workflow: str
    seeds: Mapping[tuple[str, str], Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream: `results` is what `run` returns, a `Results` (run/results.py)."""

    results: Mapping[str, Any] = field(default_factory=dict)
