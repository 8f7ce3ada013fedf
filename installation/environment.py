"""What `.venv` must hold for each command, and whether it does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from ..worker.launch import find_comfyui as finder
from .clone import Clone
from .installers import install, make_venv, torch_backend
from .programs import say

# One set whose versions fit each other. The three are released together: move them together, and
# with them the versions of Python in bootstrap.py, for which this torch has builds.
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
# ComfyUI 0.3.64 imports it without naming it in its requirements.txt.
UNNAMED_BY_COMFYUI = ("requests",)


class Installation(NamedTuple):
    """What `.venv` must hold, as arguments for pip or uv, and the stamp that stands for it."""

    wanted: list[str]
    stamp: str
    stamp_file: Path


def plan_installation(clone: Clone, comfyui: Path) -> Installation:
    """What the demo and the tests need."""
    wanted = ["-e", f"{clone.folder}[test]", *TORCH]
    requirements = comfyui / "requirements.txt"
    if finder.find_python(comfyui) is None and requirements.is_file():
        # In the same run as TORCH: what ComfyUI asks of torch can't move the set.
        wanted += ["-r", str(requirements), *UNNAMED_BY_COMFYUI]
        return _stamped(clone, wanted, clone.stamp, requirements)
    return _stamped(clone, wanted, clone.stamp)


def plan_check(clone: Clone) -> Installation:
    """What the check needs: its tools, and all that the code imports."""
    return _stamped(clone, ["-e", f"{clone.folder}[test,dev]", *TORCH], clone.check_stamp)


def _stamped(clone: Clone, wanted: list[str], stamp_file: Path, *more_files: Path) -> Installation:
    files = (clone.folder / "pyproject.toml", clone.folder / "requirements.txt", *more_files)
    texts = [*wanted, *(path.read_text(encoding="utf-8") for path in files)]
    stamp = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return Installation(wanted, stamp, stamp_file)


def prepare_environment(clone: Clone, planned: Installation) -> Path:
    """Make `.venv` and install into it, unless its stamp says that all is there already."""
    wanted, stamp, stamp_file = planned
    python = finder.environment_python(clone.environment)
    if python and stamp_file.is_file() and stamp_file.read_text(encoding="utf-8") == stamp:
        return python
    say(f"installing into {clone.environment} (minutes the first time, seconds after that)")
    if python is None:
        python = make_venv(clone.environment)
    install(python, [*wanted, *torch_backend(python, TORCH[0])], "the installation into .venv")
    stamp_file.write_text(stamp, encoding="utf-8")
    return python
