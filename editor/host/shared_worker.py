"""The nested ComfyUI that the nodes of this ComfyUI share: started when first needed, kept for the
next time, ended when idle for long and with the ComfyUI that it belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...comfy_serverless import ComfyConnector, WorkerOptions
from ...system.config import WorkerConfig, load_config
from . import allowed_folders, comfyui
from .loop_thread import LoopThread

if TYPE_CHECKING:
    from ...discomfort import Discomfort

log = logging.getLogger("discomfort.editor")

# What the nested ComfyUI must do as the user's does: where models are, and how the device is used.
_SWITCHES = """
--cpu --gpu-only --highvram --normalvram --lowvram --novram --cuda-malloc --disable-cuda-malloc
--force-fp32 --force-fp16 --fp32-unet --fp64-unet --bf16-unet --fp16-unet --fp8_e4m3fn-unet
--fp8_e5m2-unet --fp8_e8m0fnu-unet --fp16-vae --fp32-vae --bf16-vae --cpu-vae
--fp8_e4m3fn-text-enc --fp8_e5m2-text-enc --fp16-text-enc --fp32-text-enc --bf16-text-enc
--force-channels-last --supports-fp8-compute --use-split-cross-attention
--use-quad-cross-attention --use-pytorch-cross-attention --use-sage-attention
--use-flash-attention --disable-xformers --force-upcast-attention --dont-upcast-attention
--disable-async-offload --force-non-blocking --disable-smart-memory --deterministic
--mmap-torch-files --disable-mmap --disable-metadata --disable-all-custom-nodes
--disable-api-nodes --disable-dynamic-vram --enable-dynamic-vram --disable-pinned-memory
"""
# flag -> how many values it takes at most.
_PASSED_ON = {
    "--base-directory": 1,
    "--extra-model-paths-config": 99,
    "--models-directory": 1,
    "--whitelist-custom-nodes": 99,
    "--reserve-vram": 1,
    "--vram-headroom": 1,
    "--fast": 99,
    "--oneapi-device-selector": 1,
    "--directml": 1,
    "--preview-size": 1,
    "--async-offload": 1,
    **dict.fromkeys(_SWITCHES.split(), 0),
}


def arguments_to_pass_on(argv: Sequence[str]) -> list[str]:
    """Those arguments of the user's ComfyUI that the nested one needs too."""
    kept: list[str] = []
    left = 0
    for argument in argv:
        if argument.startswith("--"):
            flag, has_value, _ = argument.partition("=")
            left = _PASSED_ON.get(flag, 0)
            if flag in _PASSED_ON:
                kept.append(argument)
            if has_value:
                left = 0
        elif left:
            kept.append(argument)
            left -= 1
    return kept


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
        await discomfort.Worker.kill_api()

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
