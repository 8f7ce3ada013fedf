"""What is to be started: the configuration and the machine -> a `Launch`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..config import PACKAGE_DIR, WorkerConfig
from ..errors import ConfigError, WorkerStartError
from .command import check_extra, split_command
from .find_comfyui import find_comfyui, find_python

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `command` is an interpreter with its options and `main.py`."""

    comfyui: Path
    command: tuple[str, ...]
    cwd: Path
    extra_args: tuple[str, ...] = ()
    extra_custom_nodes: tuple[Path, ...] = ()
    initial_port: int | None = None
    cuda_device: int | None = None
    start_timeout_s: float = 120.0


def make_launch(
    config: WorkerConfig,
    extra_args: tuple[str, ...] = (),
    extra_custom_nodes: tuple[Path, ...] = (),
    cuda_device: int | None = None,
) -> Launch:
    """Find ComfyUI and its Python, and put together what is to be started.

    Raises:
        ConfigError: a value that can't be used.
        WorkerStartError: no ComfyUI.
    """
    if urlsplit(config.API_URL).hostname not in _LOOPBACK:
        raise ConfigError(
            f"API_URL is {config.API_URL!r}: a worker listens on this machine only "
            '("http://127.0.0.1"). To use a server that runs already, set ATTACH_URL.'
        )
    command = split_command(config.API_COMMAND_LINE)
    check_extra(extra_args)
    try:
        comfyui = find_comfyui(config.COMFYUI_PATH, PACKAGE_DIR)
    except FileNotFoundError as e:
        raise WorkerStartError(str(e)) from e
    if comfyui is None:
        raise WorkerStartError(
            "ComfyUI was not found. Set COMFYUI_PATH (environment, or comfy_serverless.json) "
            "to its folder, or clone this project into its custom_nodes."
        )
    if command[0] in ("python", "python3"):
        command[0] = str(find_python(comfyui) or sys.executable)
    return Launch(
        comfyui=comfyui,
        command=tuple(command),
        cwd=Path(config.API_WORKING_DIRECTORY or comfyui),
        extra_args=extra_args,
        extra_custom_nodes=extra_custom_nodes,
        initial_port=config.INITIAL_PORT,
        cuda_device=cuda_device,
        start_timeout_s=config.MAX_COMFY_START_ATTEMPTS * config.COMFY_START_ATTEMPTS_SLEEP,
    )
