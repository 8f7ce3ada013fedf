"""Events on their way to a reader that may be slow: what is out of date makes room.

Of a node's steps and previews only the newest waits; every other event is kept. So what waits stays
small, however long it is not read. `event_delivery.py` and `event_stream.py` use it.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any

from .events import Preview, Progress


class LatestEvents:
    """A queue of events, oldest first. One thread at a time."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Any, Any] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Any) -> None:
        """Add an event, in place of an older step or preview of the same node."""
        if isinstance(event, (Preview, Progress)):
            key: Any = (type(event), event.node_id)
            self._waiting.pop(key, None)
        else:
            key = next(self._numbers)
        self._waiting[key] = event

    def take(self) -> Any:
        """Remove and give the oldest."""
        return self._waiting.popitem(last=False)[1]
