"""A kernel of Jupyter's, as a notebook has one: cells in, what is shown under them out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from .servers import DEADLINE_S

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Cell:
    """What a cell left.

    Attributes:
        places: what is shown now, by the place, in the order in which they were opened: mime type
            -> content.
        history, pages: the texts and the HTML of all places, as they changed.
        result: of its last line.
        error: the name of the exception's class.
    """

    places: dict[str, dict[str, str]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    result: dict[str, str] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    message: str = ""

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind in ("display_data", "update_display_data"):
            self.places[content["transient"]["display_id"]] = content["data"]
            self.history.append(content["data"]["text/plain"])
            self.pages.append(content["data"].get("text/html", ""))
        elif kind == "execute_result":
            self.result = content["data"]
        elif kind == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif kind == "error":
            self.error, self.message = content["ename"], content["evalue"]


class Kernel:
    """A running kernel."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient):
        self.manager, self._client = manager, client

    def run(self, code: str, interrupt_when: Callable[[Cell], bool] | None = None) -> Cell:
        """Execute a cell to its end.

        Args:
            interrupt_when: interrupts the kernel, as the button does, once this is true of what is
                shown.
        """
        asked = self._client.execute(code)
        cell, end = Cell(), time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            try:
                message = self._client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return cell
            cell.take(kind, content)
            if interrupt_when is not None and interrupt_when(cell):
                interrupt_when = None
                self.manager.interrupt_kernel()
        raise AssertionError(f"the cell did not end: {code}")

    def good(self, code: str) -> Cell:
        """`run`, of a cell that raises nothing."""
        cell = self.run(code)
        assert not cell.error, f"{cell.error}: {cell.message}"
        return cell


def kernel_environment(folder: Path, **environment: str) -> dict[str, str]:
    """What a kernel is started with: the package as after `pip install`, and folders of its own."""
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    if not (packages / "discomfort").exists():
        (packages / "discomfort").symlink_to(ROOT, target_is_directory=True)
    own = {"IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(packages)}
    return {**os.environ, **own, **environment}


@contextmanager
def started_kernel(folder: Path, **environment: str) -> Iterator[Kernel]:
    """A kernel whose working folder is that one; killed at the end, if it still runs."""
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager = KernelManager(connection_file=str(folder / "kernel.json"))
    manager._kernel_spec = KernelSpec(argv=command, display_name="tests", language="python")
    manager.start_kernel(env=kernel_environment(folder, **environment), cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=DEADLINE_S)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
