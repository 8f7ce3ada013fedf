"""The command line of a worker, and the extra-model-paths file that it names.

Decisions only, plus reading ComfyUI's own list of arguments; `spawn.py` carries them out.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigError

_DEVICE_FLAGS = ("--cpu", "--directml", "--cuda-device")
_FORBIDDEN = {
    "--listen": "a worker listens on this machine only",
    "--enable-cors-header": "it would let web pages drive the worker",
    "--port": "set INITIAL_PORT",
    "--tls-keyfile": "the worker is reached without TLS, on this machine only",
    "--tls-certfile": "the worker is reached without TLS, on this machine only",
}
_ASSET_FLAGS = ("--enable-assets", "--disable-assets")
_CACHE_FLAGS = ("--cache-classic", "--cache-lru", "--cache-none", "--cache-ram", "--high-ram")


def split_command(command_line: str) -> list[str]:
    """API_COMMAND_LINE as a list. On Windows backslashes are path separators, not escapes.

    Raises:
        ConfigError: empty, or a quote that is not closed.
    """
    try:
        parts = shlex.split(command_line, posix=sys.platform != "win32")
    except ValueError as e:
        raise ConfigError(f"API_COMMAND_LINE can't be read ({e}): {command_line!r}.") from e
    if not parts:
        raise ConfigError('API_COMMAND_LINE is empty. The usual one is "python main.py".')
    return [part.strip('"') for part in parts] if sys.platform == "win32" else parts


def _flags(arguments: Sequence[str]) -> set[str]:
    return {argument.split("=", 1)[0] for argument in arguments}


def check_extra(extra: Sequence[str]) -> None:
    """Refuse what would open the worker to others, or hide it from us; in its short forms too,
    which ComfyUI takes (argparse, `allow_abbrev`): `--liste` for `--listen`.

    Raises:
        ConfigError: names the argument.
    """
    for argument in extra:
        flag = argument.split("=", 1)[0]
        for forbidden, reason in _FORBIDDEN.items():
            if len(flag) > len("--") and forbidden.startswith(flag):
                what = flag if flag == forbidden else f"{flag}, short for {forbidden}"
                raise ConfigError(f"EXTRA_ARGS has {what}: {reason}.")


def known_arguments(comfyui: Path) -> str:
    """The text in which this version's arguments are defined, to look flags up in."""
    for name in ("comfy/cli_args.py", "main.py"):
        try:
            return (comfyui / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return ""


class WorkerPaths(NamedTuple):
    """What `main.py` is to use instead of ComfyUI's own folders; `paths_file`, beside its own."""

    temp: Path
    output: Path
    user: Path
    paths_file: Path


def worker_arguments(
    paths: WorkerPaths, *, known: str, port: int, use_cpu: bool, extra: Sequence[str]
) -> list[str]:
    """The arguments for `main.py`. What the user gave in `extra` wins over ours.

    Args:
        known: `known_arguments` of the version that will run.
        port: 0 lets the system choose.
        use_cpu: torch there sees no accelerator.
        extra: the user's EXTRA_ARGS.
    """
    given = _flags(extra)
    arguments = ["--port", str(port), "--disable-auto-launch"]
    for flag, folder in (
        ("--temp-directory", paths.temp),
        ("--output-directory", paths.output),
        ("--user-directory", paths.user),
    ):
        if flag not in given:
            arguments += [flag, str(folder)]
    # With a file of its own it would wait for the lock of the user's ComfyUI (0.33
    # app/database/db.py).
    if '"--database-url"' in known and "--database-url" not in given:
        arguments += ["--database-url", "sqlite:///:memory:"]
    # Newer ones scan all models at the start for it, and end where sqlalchemy is missing.
    if '"--disable-assets"' in known and not given.intersection(_ASSET_FLAGS):
        arguments.append("--disable-assets")
    arguments += ["--extra-model-paths-config", str(paths.paths_file)]
    # 0.33's default evicts all that the next prompt does not use; classic is what 0.3.64 has.
    if '"--cache-classic"' in known and not given.intersection(_CACHE_FLAGS):
        arguments.append("--cache-classic")
    if '"--preview-method"' in known and "--preview-method" not in given:
        arguments += ["--preview-method", "auto"]
    if use_cpu and not given.intersection(_DEVICE_FLAGS):
        arguments.append("--cpu")
    # Our extension is needed even where the user wants no others.
    if "--disable-all-custom-nodes" in given and "--whitelist-custom-nodes" not in given:
        arguments += ["--whitelist-custom-nodes", "discomfort"]
    return [*arguments, *extra]


def check_device(
    cuda_device: int | None, has_device: bool, extra: Sequence[str], python: str
) -> None:
    """Refuse to run on the CPU unasked, where a device was asked for.

    Raises:
        ConfigError: torch sees no such device.
    """
    is_given = bool(_flags(extra).intersection(_DEVICE_FLAGS))
    if cuda_device is not None and not has_device and not is_given:
        raise ConfigError(
            f"cuda_device={cuda_device}: torch in {python} sees no such device. Use another "
            "number, or leave it out to run on the CPU."
        )


def paths_file_text(nodes: Path) -> str:
    """The extra-model-paths file that shows the worker one more folder of extensions.

    JSON is YAML too, with all quoting solved.
    """
    return json.dumps({"discomfort": {"base_path": str(nodes), "custom_nodes": "."}})
