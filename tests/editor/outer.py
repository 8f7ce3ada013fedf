"""A ComfyUI as a user has it, with this extension, clients that queue there, and nodes to queue."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from custom_nodes.discomfort.worker.attach import attach
from custom_nodes.discomfort.worker.client import Client
from servers import Server, plain_server

PROJECT = Path(__file__).resolve().parents[2]
WORKFLOWS = PROJECT / "test_workflows"


@dataclass
class Outer:
    """The user's ComfyUI. `base` has its folders, `log` is what it said."""

    address: str
    pid: int
    base: Path

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def workflows(self) -> Path:
        return self.base / "user" / "default" / "workflows"

    def nested(self) -> list[int]:
        """The pids of the ComfyUIs that it started."""
        found = []
        for child in psutil.Process(self.pid).children(recursive=True):
            try:
                if any(part.endswith("main.py") for part in child.cmdline()):
                    found.append(child.pid)
            except psutil.Error:
                continue
        return found


@contextlib.contextmanager
def started(comfyui: Server, base: Path, **environment: str) -> Iterator[Outer]:
    """A user's ComfyUI, with the workflows of this project saved in it."""
    shutil.copytree(WORKFLOWS, base / "user" / "default" / "workflows")
    # 0.3.64 does not bring simpleeval along, and its environment is not to be changed.
    spec = find_spec("simpleeval")
    assert spec is not None and spec.origin is not None
    (base / "modules").mkdir()
    shutil.copy(spec.origin, base / "modules")
    environment = {"PYTHONPATH": str(base / "modules"), **environment}
    with plain_server(comfyui, base, with_extension=True, environment=environment) as found:
        address, pid = found
        yield Outer(address, pid, base)


@contextlib.asynccontextmanager
async def client_of(outer: Outer) -> AsyncIterator[Client]:
    made = await attach(outer.address)
    yield made
    await asyncio.to_thread(made.listener.close)
    await made.http.close()


def runner(workflow: str, **inputs: Any) -> dict[str, Any]:
    """A DiscomfortTestRunner in a prompt."""
    return {"class_type": "DiscomfortTestRunner", "inputs": {"workflow": workflow, **inputs}}


def loop(*workflows: str, **inputs: Any) -> dict[str, Any]:
    """A DiscomfortLoopExecutor in a prompt."""
    widgets = {"iterations": 1, "stop_when": "", "carry": "*", "collect": "last", **inputs}
    names = "\n".join(workflows)
    return {"class_type": "DiscomfortLoopExecutor", "inputs": {"workflows": names, **widgets}}


def show(source: list[Any]) -> dict[str, Any]:
    """Shows any value as text, in the outputs of a run."""
    return {"class_type": "PreviewAny", "inputs": {"source": source}}
