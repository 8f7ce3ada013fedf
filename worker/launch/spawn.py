"""Starts the program of a worker: carries out what `arguments.py` and `environment.py` decide."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from ...errors import WorkerStartError
from .accelerator import has_accelerator
from .arguments import (
    WorkerPaths,
    check_device,
    known_arguments,
    paths_file_text,
    worker_arguments,
)
from .environment import bytecode_dir_for, worker_environment
from .extensions import link_extensions
from .find_comfyui import user_cache_dir
from .inside_comfyui import KEEPER_TOKEN_VARIABLE, MASTER_VARIABLE, TOKEN_VARIABLE
from .leftovers import MARK_VARIABLE
from .settings import Launch
from .worker_folder import WorkerFolder

log = logging.getLogger("discomfort.worker")

POSIX = os.name == "posix"
_EXEC_CHILD = Path(__file__).with_name("exec_child.py")


def spawn(launch: Launch, folder: WorkerFolder, port: int, token: str) -> subprocess.Popen[bytes]:
    """Start ComfyUI, in a session (Windows: a process group) of its own, its output in a pipe.

    Args:
        port: 0 lets the system choose.
        token: the secret that its guard will want; by environment, never in `argv`.

    Raises:
        ConfigError: a device that is not there.
        WorkerStartError: the program can't be started.
    """
    link_extensions(folder.nodes, launch.comfyui, launch.extra_custom_nodes)
    environment = _environment(launch, token, folder.mark)
    full = [*launch.command, *_arguments(launch, folder, port, environment)]
    if POSIX:
        full = [sys.executable, "-I", "-S", str(_EXEC_CHILD), str(os.getpid()), *full]
    log.debug("Starting %s in %s", full, launch.cwd)
    flags = 0 if POSIX else subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW  # type: ignore[attr-defined]
    try:
        return subprocess.Popen(
            full,
            cwd=launch.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=POSIX,
            creationflags=flags,
        )
    except OSError as e:
        raise WorkerStartError(
            f"{full[0]} can't be started in {launch.cwd} ({e}). Check API_COMMAND_LINE and "
            "API_WORKING_DIRECTORY."
        ) from e


def _environment(launch: Launch, token: str, mark: str) -> dict[str, str]:
    return worker_environment(
        os.environ,
        same_python=Path(launch.command[0]) == Path(sys.executable),
        cuda_device=launch.cuda_device,
        bytecode_dir=bytecode_dir_for(launch.comfyui, user_cache_dir()),
        extra={
            TOKEN_VARIABLE: token,
            MASTER_VARIABLE: str(os.getpid()),
            MARK_VARIABLE: mark,
            **({KEEPER_TOKEN_VARIABLE: launch.keeper_token} if launch.keeper_token else {}),
        },
    )


def _arguments(
    launch: Launch, folder: WorkerFolder, port: int, environment: dict[str, str]
) -> list[str]:
    paths_file = folder.path / "extra_model_paths.yaml"
    paths_file.write_text(paths_file_text(folder.nodes), encoding="utf-8")
    python = launch.command[0]
    has_device = has_accelerator(python, user_cache_dir(), environment)
    check_device(launch.cuda_device, has_device, launch.extra_args, python)
    output = launch.output or folder.output / launch.own_output
    output.mkdir(mode=0o700, exist_ok=True)
    return worker_arguments(
        WorkerPaths(folder.temp, output, folder.user, paths_file),
        known=known_arguments(launch.comfyui),
        port=port,
        use_cpu=not has_device,
        extra=launch.extra_args,
    )
