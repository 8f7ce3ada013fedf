"""The environment of a worker: its master's, without what would harm it. Decisions only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...errors import ConfigError
from ...system.login import VARIABLE

_ALLOC_VARIABLES = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
_DEVICE_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES")
# What a kernel of Jupyter's puts into its own environment (ipykernel). ComfyUI shows nothing in a
# notebook, and its Python need not have that backend: matplotlib would fail.
_KERNEL_BACKEND = "module://matplotlib_inline.backend_inline"
_OF_A_KERNEL = {
    "MPLBACKEND": _KERNEL_BACKEND,
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}


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
    environment.pop(VARIABLE, None)  # every node could read it there
    if base.get("MPLBACKEND") == _KERNEL_BACKEND:
        for name, value in _OF_A_KERNEL.items():
            if base.get(name) == value:
                del environment[name]
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


def bytecode_dir_for(comfyui: Path, cache_dir: Path) -> Path | None:
    """Where compiled files go: beside the sources (None) of a ComfyUI in our own cache folder only.

    A user's folder stays as it is; the first start there compiles once more, into our cache.
    """
    is_ours = cache_dir in comfyui.parents and os.access(comfyui, os.W_OK)
    return None if is_ours else cache_dir / "pycache"
