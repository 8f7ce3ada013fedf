"""The nested ComfyUI that the nodes of this ComfyUI share: started when first needed, kept for the
next time, ended when idle for long and with the ComfyUI that it belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...comfy_serverless import ComfyConnector, WorkerOptions
from ...system.config import WorkerConfig, load_config
from . import allowed_folders, comfyui
from .loop_thread import LoopThread
from .passed_arguments import arguments_to_pass_on, unknown_flags

if TYPE_CHECKING:
    from ...discomfort import Discomfort

log = logging.getLogger("discomfort.editor")


class Session:
    """One nested worker, and the loop that drives it."""

    def __init__(self) -> None:
        self.loop = LoopThread("discomfort-editor")
        self._discomfort: Discomfort | None = None
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def using(self) -> AsyncIterator[Discomfort]:
        """The worker, which is not ended meanwhile. On this session's loop only."""
        self._users += 1
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._discomfort is None:
                self._discomfort = _make()
            yield self._discomfort
        finally:
            self._users -= 1
            if not self._users:
                self._wait_for_work()

    def _wait_for_work(self) -> None:
        loop = asyncio.get_running_loop()
        idle_s = allowed_folders.config().WORKER_IDLE_MINUTES * 60
        self._timer = loop.call_later(idle_s, lambda: loop.create_task(self.end()))

    async def end(self) -> None:
        """End the worker, unless it is at work. The next use starts another."""
        if self._users or self._discomfort is None:
            return
        discomfort, self._discomfort = self._discomfort, None
        log.info("The nested ComfyUI is ended: it had nothing to do.")
        await discomfort.shutdown()
        await discomfort.Worker.let_go()

    @property
    def pid(self) -> int | None:
        """The process id of the nested ComfyUI that runs now."""
        return self._discomfort.Worker.pid if self._discomfort is not None else None


def _make() -> Discomfort:
    """A worker like the user's ComfyUI: the same installation, models, input and output folders."""
    from ...discomfort import Discomfort

    worker = load_config(WorkerConfig, "comfy_serverless.json")
    if worker.COMFYUI_PATH is None:
        worker = replace(worker, COMFYUI_PATH=str(comfyui.installation_directory()))
        if worker.API_COMMAND_LINE.split()[0] in ("python", "python3"):
            rest = worker.API_COMMAND_LINE.split(maxsplit=1)[1:]
            worker = replace(worker, API_COMMAND_LINE=" ".join([f'"{sys.executable}"', *rest]))
    if unknown := unknown_flags(sys.argv[1:]):
        log.warning(
            "The nested ComfyUI is started without %s, which Discomfort does not know. If it is "
            "needed there, name it in EXTRA_ARGS in comfy_serverless.json.",
            ", ".join(unknown),
        )
    arguments = [
        *("--input-directory", str(comfyui.input_directory())),
        *("--output-directory", str(comfyui.output_directory())),
        *arguments_to_pass_on(sys.argv[1:]),
    ]
    return Discomfort(ComfyConnector(worker, WorkerOptions(extra_args=arguments)))


def runs_this_installation() -> bool:
    """Whether the nested ComfyUI is the same as the user's, with the same node classes."""
    return load_config(WorkerConfig, "comfy_serverless.json").COMFYUI_PATH is None


_session: Session | None = None


def session() -> Session:
    """The session of this process."""
    global _session
    if _session is None:
        _session = Session()
    return _session


def is_worker() -> bool:
    """Whether this process is itself a nested ComfyUI, which `inside_comfyui.py` marks."""
    return bool(getattr(comfyui.running_server(), "discomfort_guard", False))
