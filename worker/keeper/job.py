"""What a script gives the keeper that it starts, as one line of JSON on its standard input."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..launch.settings import Launch
from .worker_key import WorkerKey


@dataclass(frozen=True, slots=True)
class Script:
    """A process that may hold a worker.

    Attributes:
        started: when it began; its number may be given out again.
        keep_s: how long the worker may be idle after it; None: as the script before it has said.
    """

    pid: int
    started: float
    keep_s: float | None

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started, "keep_s": self.keep_s}

    @classmethod
    def from_json(cls, found: Any) -> Script:
        """Raises KeyError, TypeError or ValueError: it is none."""
        keep_s = found["keep_s"]
        keep_s = None if keep_s is None else float(keep_s)
        return cls(int(found["pid"]), float(found["started"]), keep_s)


@dataclass(frozen=True, slots=True)
class Job:
    """A worker to start and to keep, and the script that holds it first."""

    launch: Launch
    key: WorkerKey
    script: Script

    def to_json(self) -> dict[str, Any]:
        return {
            "launch": {f.name: _plain(getattr(self.launch, f.name)) for f in fields(Launch)},
            "place": self.key.place,
            "sources": self.key.sources,
            "script": self.script.to_json(),
        }

    @classmethod
    def read(cls, line: bytes) -> Job:
        found = json.loads(line)["job"]
        about = found["launch"]
        about["comfyui"], about["cwd"] = Path(about["comfyui"]), Path(about["cwd"])
        about["command"], about["extra_args"] = tuple(about["command"]), tuple(about["extra_args"])
        about["extra_custom_nodes"] = tuple(map(Path, about["extra_custom_nodes"]))
        about["output"] = None if about["output"] is None else Path(about["output"])
        key = WorkerKey(found["place"], found["sources"])
        return cls(Launch(**about), key, Script.from_json(found["script"]))


def _plain(value: Any) -> Any:
    """As JSON has it: paths as text."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
