"""ComfyUI: where it is, its version and Python, what that Python lacks, whether it sees a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...system.config import PACKAGE_DIR, WorkerConfig
from ...worker.kept_classes import find_kept, identity_of
from ...worker.launch.accelerator import sees_hardware
from ...worker.launch.find_comfyui import (
    find_comfyui,
    find_python,
    install_command,
    installed_comfyui,
    missing_requirements,
)
from ...worker.launch.settings import WorkerOptions, read_config
from ..sizes import size_text
from .finding import ERROR, NOTE, OK, WARNING, Finding

NO_COMFYUI = "comfyui.path"
_ASK_TIMEOUT_S = 120
_QUESTION = """
import json, torch
devices = []
if torch.cuda.is_available():
    for i in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(i)
        devices.append([torch.cuda.get_device_name(i), free, total])
else:
    for name in ("xpu", "mps", "npu", "mlu"):
        part = getattr(torch, name, None) or getattr(torch.backends, name, None)
        if part and getattr(part, "is_available", bool)():
            devices.append([name, None, None])
print(json.dumps({"version": torch.__version__, "devices": devices}))
"""


def look(config_path: str | None = None) -> Iterator[Finding]:
    """All about the ComfyUI that a start would take."""
    try:
        config = read_config(config_path, WorkerOptions())
    except ConfigError as e:
        yield Finding("config", ERROR, str(e), "mend that file, or name another with --config")
        return
    if config.ATTACH_URL:
        yield Finding("comfyui.url", NOTE, f"Runs go to the ComfyUI at {config.ATTACH_URL}.")
        return
    yield from _look_at(config)


def _look_at(config: WorkerConfig) -> Iterator[Finding]:
    try:
        comfyui = find_comfyui(config.COMFYUI_PATH, PACKAGE_DIR)
    except FileNotFoundError as e:
        yield Finding(
            NO_COMFYUI, ERROR, str(e), "set COMFYUI_PATH to ComfyUI's folder, or unset it"
        )
        return
    if comfyui is None:
        yield Finding(
            NO_COMFYUI,
            ERROR,
            f"No ComfyUI was found, neither by COMFYUI_PATH nor in {installed_comfyui()}.",
            "set COMFYUI_PATH to the folder with ComfyUI's main.py",
        )
        return
    identity = identity_of(config)
    yield Finding(NO_COMFYUI, OK, f"ComfyUI {identity.version or '(no version)'} at {comfyui}")
    own = find_python(comfyui)
    python = own or Path(sys.executable)
    whose = "its own Python" if own else "this Python, since it has none of its own"
    yield Finding("comfyui.python", OK, f"ComfyUI runs with {whose}: {python}")
    yield from _look_at_python(python)
    kept = find_kept(identity)
    if kept is None or kept.identity.place != identity.place:
        yield Finding(
            "comfyui.classes",
            NOTE,
            "The nodes of this ComfyUI are not known yet: inspect, ports and convert need them.",
            "any `discomfort check WORKFLOW` starts it once",
        )


def _look_at_python(python: Path) -> Iterator[Finding]:
    try:
        missing = missing_requirements(python)
    except (OSError, subprocess.SubprocessError) as e:
        advice = "make ComfyUI start by hand first"
        yield Finding("comfyui.packages", ERROR, f"ComfyUI's Python does not work: {e}", advice)
        return
    if missing:
        advice = install_command(python, missing)
        text = f"ComfyUI's Python lacks {', '.join(missing)}."
        yield Finding("comfyui.packages", ERROR, text, advice)
    else:
        yield Finding("comfyui.packages", OK, "ComfyUI's Python has all the packages that we need.")
    yield from judge_torch(ask_torch(python), sees_hardware())


def ask_torch(python: Path) -> dict[str, Any] | str:
    """What torch says in that Python: `version`, `devices`; or why it says nothing."""
    try:
        done = subprocess.run(
            [str(python), "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=_ASK_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONNOUSERSITE": "1"},
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as e:
        return str(e)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return (done.stderr.strip().splitlines() or ["it says nothing"])[-1]


def judge_torch(answer: dict[str, Any] | str, has_hardware: bool) -> Iterator[Finding]:
    """What torch's answer means. Pure."""
    if isinstance(answer, str):
        advice = "install torch there, as ComfyUI's README says"
        yield Finding("comfyui.torch", ERROR, f"ComfyUI's Python has no torch: {answer}", advice)
        return
    devices = answer["devices"]
    if devices:
        names = ", ".join(_device(*device) for device in devices)
        yield Finding("gpu", OK, f"torch {answer['version']} of ComfyUI sees {names}.")
    elif has_hardware:
        yield Finding(
            "gpu",
            WARNING,
            f"torch {answer['version']} of ComfyUI sees no GPU, though there may be one: runs are "
            "slow (--cpu).",
            "if there is one, install the driver, and the torch that fits it (pytorch.org)",
        )
    else:
        text = f"torch {answer['version']} of ComfyUI sees no GPU: runs are slow (--cpu)."
        yield Finding("gpu", NOTE, text)


def _device(name: str, free: int | None, total: int | None) -> str:
    if free is None or total is None:
        return name
    return f"{name} ({size_text(free)} of {size_text(total)} free)"
