"""What is to be started: options of a call, configuration and machine -> a `Launch`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import ConfigError, WorkerStartError
from ...system.config import PACKAGE_DIR, WorkerConfig, load_config
from .arguments import check_extra, split_command
from .find_comfyui import find_comfyui, find_python

CONFIG_NAME = "comfy_serverless.json"
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
    output: Path | None = None
    start_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a caller asks of a worker beside its configuration file; the one list of these options.

    Attributes:
        url: a ComfyUI that runs already; nothing is started then.
        cuda_device: which of the devices that this process sees; None: all of them.
        output_directory: where nodes save; relative to where the script runs. None: a folder of
            the worker's own.
        extra_args: for `main.py`, after EXTRA_ARGS.
        extra_custom_nodes: folders of further extensions that only this worker sees.
    """

    url: str | None = None
    cuda_device: int | None = None
    output_directory: str | Path | None = None
    extra_args: Iterable[str] = ()
    extra_custom_nodes: Iterable[str | Path] = ()

    def __post_init__(self) -> None:
        """Keep what was given: an iterator is used up by the first look."""
        object.__setattr__(self, "extra_args", tuple(map(str, self.extra_args)))
        folders = tuple(Path(p).absolute() for p in self.extra_custom_nodes)
        object.__setattr__(self, "extra_custom_nodes", folders)


def read_config(config_path: str | Path | None, options: WorkerOptions) -> WorkerConfig:
    """The configuration in a file (None: the packaged one), with the options of a call put in.

    Raises:
        ConfigError: a value that can't be used.
    """
    output = options.output_directory
    if options.url is not None and (options.cuda_device is not None or output is not None):
        raise ConfigError(
            "url= is a ComfyUI that runs already: cuda_device= and output_directory= can't change "
            "it. Leave them out, or leave url= out to start a worker."
        )
    # Relative to where the script runs; one in the file is relative to the file.
    folder = str(Path(output).expanduser().absolute()) if output else None
    return load_config(
        WorkerConfig, CONFIG_NAME, config_path, ATTACH_URL=options.url, OUTPUT_DIRECTORY=folder
    )


def make_launch(config: WorkerConfig, options: WorkerOptions) -> Launch:
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
    extra_args = (*map(str, config.EXTRA_ARGS), *options.extra_args)
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
        extra_custom_nodes=tuple(map(Path, options.extra_custom_nodes)),
        initial_port=config.INITIAL_PORT,
        cuda_device=options.cuda_device,
        output=_make_output(config.OUTPUT_DIRECTORY),
        start_timeout_s=config.MAX_COMFY_START_ATTEMPTS * config.COMFY_START_ATTEMPTS_SLEEP,
    )


def _make_output(folder: str | None) -> Path | None:
    if not folder:
        return None
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ConfigError(
            f"OUTPUT_DIRECTORY (output_directory=) {folder} can't be made: {e.strerror or e}."
        ) from e
    return Path(folder)
