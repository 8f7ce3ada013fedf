"""How a worker is launched: its arguments, its environment, its extra-model-paths file.

Decisions only, plus reading ComfyUI's own list of arguments; `process.py` carries them out.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import ConfigError

_ALLOC_VARIABLES = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
_DEVICE_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES")
_DEVICE_FLAGS = ("--cpu", "--directml", "--cuda-device")
_FORBIDDEN = {
    "--listen": "a worker listens on this machine only",
    "--enable-cors-header": "it would let web pages drive the worker",
    "--port": "set INITIAL_PORT",
    "--tls-keyfile": "the worker is reached without TLS, on this machine only",
    "--tls-certfile": "the worker is reached without TLS, on this machine only",
}
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


def check_extra(extra: Sequence[str]) -> None:
    """Refuse what would open the worker to others, or hide it from us.

    Raises:
        ConfigError: names the argument.
    """
    for argument in extra:
        flag = argument.split("=", 1)[0]
        if flag in _FORBIDDEN:
            raise ConfigError(f"EXTRA_ARGS has {flag}: {_FORBIDDEN[flag]}.")


def known_arguments(comfyui: Path) -> str:
    """The text in which this version's arguments are defined, to look flags up in."""
    for name in ("comfy/cli_args.py", "main.py"):
        try:
            return (comfyui / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return ""


def worker_arguments(
    *,
    known: str,
    port: int,
    temp: Path,
    output: Path,
    user: Path,
    paths_file: Path,
    use_cpu: bool,
    extra: Sequence[str],
) -> list[str]:
    """The arguments for `main.py`. What the user gave in `extra` wins over ours.

    Args:
        known: `known_arguments` of the version that will run.
        port: 0 lets the system choose.
        use_cpu: torch there sees no accelerator.
        extra: the user's EXTRA_ARGS.
    """
    given = {argument.split("=", 1)[0] for argument in extra}
    arguments = ["--port", str(port), "--disable-auto-launch"]
    for flag, value in (
        ("--temp-directory", temp),
        ("--output-directory", output),
        ("--user-directory", user),
    ):
        if flag not in given:
            arguments += [flag, str(value)]
    # With a file of its own it would wait for the lock of the user's ComfyUI (0.33
    # app/database/db.py).
    if '"--database-url"' in known and "--database-url" not in given:
        arguments += ["--database-url", "sqlite:///:memory:"]
    arguments += ["--extra-model-paths-config", str(paths_file)]
    # 0.33's default evicts all that the next prompt does not use; classic is what 0.3.64 does
    # anyway.
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


def worker_environment(
    base: Mapping[str, str],
    *,
    same_python: bool,
    cuda_device: int | None,
    bytecode_dir: Path | None,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """The worker's environment: the master's, without what would harm it.

    Args:
        base: the master's environment.
        same_python: the worker runs with the interpreter of the master.
        cuda_device: the device among those that the master sees; None: all of them.
        bytecode_dir: where to keep compiled files if not beside the sources.
        extra: put in at the end.
    """
    environment = dict(base)
    # Without compiled files every start takes ten seconds longer.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONUNBUFFERED"] = "1"  # a node's print is in the log before the crash
    environment["PYTHONIOENCODING"] = "utf-8:replace"
    if not same_python:
        for name in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"):
            environment.pop(name, None)
    if bytecode_dir is not None:
        environment.setdefault("PYTHONPYCACHEPREFIX", str(bytecode_dir))
    for name in _ALLOC_VARIABLES:
        _drop_allocator(environment, name)
    if cuda_device is not None:
        for name in _DEVICE_VARIABLES:
            environment[name] = _pick_device(environment.get(name), cuda_device)
    environment.update(extra)
    return environment


def _drop_allocator(environment: dict[str, str], name: str) -> None:
    """Take out what a ComfyUI parent appended (cuda_malloc.py): it grows with every level."""
    value = environment.get(name)
    if value is None:
        return
    kept = [part for part in value.split(",") if part and part != "backend:cudaMallocAsync"]
    if kept:
        environment[name] = ",".join(kept)
    else:
        del environment[name]


def _pick_device(visible: str | None, index: int) -> str:
    """The index counts among the visible devices, as torch does."""
    devices = [part.strip() for part in (visible or "").split(",") if part.strip()]
    if not devices:
        return str(index)
    if index >= len(devices):
        raise ConfigError(
            f"cuda_device={index}: only {len(devices)} device(s) are visible ({visible}). "
            f"Use 0 to {len(devices) - 1}."
        )
    return devices[index]


def check_device(
    cuda_device: int | None, has_device: bool, extra: Sequence[str], python: str
) -> None:
    """Refuse to run on the CPU unasked, where a device was asked for.

    Raises:
        ConfigError: torch sees no such device.
    """
    given = {argument.split("=", 1)[0] for argument in extra}
    if cuda_device is not None and not has_device and not given.intersection(_DEVICE_FLAGS):
        raise ConfigError(
            f"cuda_device={cuda_device}: torch in {python} sees no such device. Use another "
            "number, or leave it out to run on the CPU."
        )


def paths_file_text(nodes: Path) -> str:
    """The extra-model-paths file that shows the worker one more folder of extensions.

    JSON is YAML too, with all quoting solved.
    """
    return json.dumps({"discomfort": {"base_path": str(nodes), "custom_nodes": "."}})


def bytecode_dir_for(comfyui: Path, cache_dir: Path) -> Path | None:
    """Where compiled files go: beside the sources (None) of a ComfyUI in our own cache folder only.

    A user's folder stays as it is; the first start there compiles once more, into our cache.
    """
    is_ours = cache_dir in comfyui.parents and os.access(comfyui, os.W_OK)
    return None if is_ours else cache_dir / "pycache"


def sees_hardware() -> bool:
    """Whether this machine may have an accelerator at all. False is certain, True is not."""
    if sys.platform.startswith("linux"):
        signs = ("nvidiactl", "nvidia0", "dxg", "kfd", "davinci_manager", "accel")
        if any(Path("/dev", name).exists() for name in signs):
            return True
        return any(Path("/dev/dri").glob("renderD*"))
    return True
