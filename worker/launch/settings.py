"""What is to be started: options of a call, configuration and machine -> a `Launch`."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import ConfigError, WorkerStartError
from ...system.config import PACKAGE_DIR, WorkerConfig, load_config
from ..keep_warm import check_keep_warm
from .arguments import check_extra, split_command
from .find_comfyui import find_comfyui, find_python

CONFIG_NAME = "comfy_serverless.json"
# Of a configuration that gives only the other one of the two.
_ATTEMPTS, _ATTEMPTS_SLEEP_S = 600, 0.2
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `command` is an interpreter with its options and `main.py`.

    Attributes:
        keeper_token: of a worker that is to be kept: with it its keeper, and nobody else, hands it
            from one script to the next.
        own_output: where in the worker's own output folder the first script's files go.
    """

    comfyui: Path
    command: tuple[str, ...]
    cwd: Path
    extra_args: tuple[str, ...] = ()
    extra_custom_nodes: tuple[Path, ...] = ()
    initial_port: int | None = None
    cuda_device: int | None = None
    output: Path | None = None
    start_timeout_s: float | None = None
    keeper_token: str = field(default="", repr=False)
    own_output: str = ""


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
        start_timeout: seconds that the caller waits for the start; it makes no other worker.
        keep_warm: seconds that the worker waits for the next script, when this one has ended; None:
            as the configuration says. Another number makes no other worker.
    """

    url: str | None = None
    cuda_device: int | None = None
    output_directory: str | Path | None = None
    extra_args: Iterable[str] = ()
    extra_custom_nodes: Iterable[str | Path] = ()
    start_timeout: float | None = field(default=None, repr=False, compare=False)
    keep_warm: float | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep what was given: an iterator is used up by the first look."""
        object.__setattr__(self, "extra_args", tuple(map(str, self.extra_args)))
        folders = tuple(Path(p).absolute() for p in self.extra_custom_nodes)
        object.__setattr__(self, "extra_custom_nodes", folders)
        _check_seconds(self.start_timeout)
        check_keep_warm(self.keep_warm)


def read_config(config_path: str | Path | None, options: WorkerOptions) -> WorkerConfig:
    """The configuration in a file (None: the packaged one), with the options of a call put in.

    Raises:
        ConfigError: a value that can't be used.
    """
    output = options.output_directory
    given = (options.cuda_device, output, options.start_timeout, options.keep_warm or None)
    if options.url is not None and any(value is not None for value in given):
        raise ConfigError(
            "url= is a ComfyUI that runs already: cuda_device=, output_directory=, start_timeout= "
            "and keep_warm= are for one that is started. Leave them out, or leave url= out to "
            "start a worker."
        )
    # Relative to where the script runs; one in the file is relative to the file.
    folder = str(Path(output).expanduser().absolute()) if output else None
    return load_config(
        WorkerConfig, CONFIG_NAME, config_path, ATTACH_URL=options.url, OUTPUT_DIRECTORY=folder
    )


def _check_seconds(start_timeout: Any) -> None:
    """Raises TypeError or ValueError for a `start_timeout` that is no number of seconds."""
    if start_timeout is None:
        return
    if not isinstance(start_timeout, numbers.Real) or isinstance(start_timeout, bool):
        raise TypeError(
            f"start_timeout must be a number of seconds or None, not {start_timeout!r}."
        )
    if not float(start_timeout) > 0:
        raise ValueError(f"start_timeout must be more than 0 seconds, not {start_timeout!r}.")


def start_limit_s(config: WorkerConfig) -> float | None:
    """How long a start may take. None: as long as it makes progress.

    Raises:
        ConfigError: no time at all.
    """
    seconds = config.START_TIMEOUT_SECONDS
    attempts, sleep_s = config.MAX_COMFY_START_ATTEMPTS, config.COMFY_START_ATTEMPTS_SLEEP
    if seconds is None and (attempts is not None or sleep_s is not None):
        seconds = (_ATTEMPTS if attempts is None else attempts) * (
            _ATTEMPTS_SLEEP_S if sleep_s is None else sleep_s
        )
    if seconds is not None and not seconds > 0:
        raise ConfigError(
            "START_TIMEOUT_SECONDS (or MAX_COMFY_START_ATTEMPTS times COMFY_START_ATTEMPTS_SLEEP) "
            f"is {seconds:g} s: a start needs more than that. null sets no limit."
        )
    return seconds


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
        start_timeout_s=start_limit_s(config),
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
