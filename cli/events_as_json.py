"""Events of a run as JSON: `--events` prints each in a line. Pure."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from .writing import JSON_LESS, as_json

_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Pictures, and what is in the error or the results anyway.
_LEFT_OUT = {"data", "output", "details", "results"}


def event_as_json(event: Any) -> dict[str, Any]:
    """`NodeStarted(...)` as `{"event": "node_started", ...}`."""
    line: dict[str, Any] = {"event": _UPPER.sub("_", type(event).__name__).lower()}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "seeds":
            line["seeds"] = {".".join(key): seed for key, seed in value.items()}
        elif field.name not in _LEFT_OUT and (plain := as_json(value)) is not JSON_LESS:
            line[field.name] = plain
    return line
