"""Installs with uv where it is there, else with pip and `venv`. Standard library only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..worker.launch import find_comfyui as finder
from .programs import SetupError, call, remove_tree, say

# uv reads none of pip's variables; what a user has set for pip holds for uv too.
PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CONSTRAINT": "UV_CONSTRAINT",
}


def make_venv(folder: Path) -> Path:
    """Make a virtual environment with uv where it is there, else with `venv`."""
    remove_tree(folder)  # one without a working interpreter
    if find_uv():
        command = [find_uv(), "venv", "--quiet", "--python", sys.executable, str(folder)]
    else:
        command = [sys.executable, "-m", "venv", str(folder)]
    try:
        call(command, "making a virtual environment")
    except SetupError as e:
        remove_tree(folder)
        hint = "On Debian and Ubuntu, `apt install python3-venv` may help; so does uv."
        raise SetupError(f"{e} {hint}") from None
    python = finder.environment_python(folder)
    if python is None:
        raise SetupError(f"{folder} was made, but has no interpreter in it. Remove it.")
    return python


def install(python: Path, wanted: list[str], what: str) -> None:
    """Install with one run of the resolver, so that everything fits everything else."""
    if find_uv():
        command = [find_uv(), "pip", "install", "--python", str(python), *wanted]
    else:
        if subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL):
            call([str(python), "-m", "ensurepip"], "adding pip to .venv")  # uv made this one
        command = [str(python), "-m", "pip", "install", *wanted]
    call(command, what, environment=uv_environment())


def torch_backend(python: Path, torch: str) -> list[str]:
    """uv's option that picks torch's CPU build, or the one for this machine's GPU.

    These builds have an index of their own, which can't be reached from everywhere. One quick
    question tells; without it the plain registry serves, whose build may be larger than needed.
    """
    option = "--torch-backend=auto"
    if not find_uv() or "UV_TORCH_BACKEND" in os.environ:
        return []
    command = [find_uv(), "pip", "compile", "--quiet", "--no-deps", "--no-header", option]
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [*command, "--python", str(python), "-"],
            input=torch,
            capture_output=True,
            text=True,
            timeout=30,
            env={**uv_environment(), "UV_HTTP_TIMEOUT": "8", "UV_HTTP_RETRIES": "0"},
        )
        if done.returncode == 0:
            return [option]
    say("the index of torch's own builds can't be reached; torch comes from the package registry.")
    return []


def find_uv() -> str:
    return shutil.which("uv") or ""


def uv_environment() -> dict[str, str]:
    """This process's environment; pip's settings said in uv's words where uv has none."""
    environment = dict(os.environ)
    has_index = any(name.startswith("UV_") and "INDEX" in name for name in environment)
    for pip_name, uv_name in PIP_TO_UV.items():
        if environment.get(pip_name) and uv_name not in environment:
            if has_index and "INDEX" in uv_name:
                continue  # uv has an index of its own
            separator = "," if uv_name == "UV_FIND_LINKS" else " "
            environment[uv_name] = separator.join(environment[pip_name].split())
    if "PIP_EXTRA_INDEX_URL" in os.environ and not has_index:
        environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # what pip does with two indexes
    return environment
