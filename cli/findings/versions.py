"""Versions: ours, Python's, the packages that we need, torch's."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ...worker.launch.find_comfyui import install_command, missing_requirements
from .finding import ERROR, OK, WARNING, Finding

PACKAGES = (
    "aiohttp",
    "av",
    "cloudpickle",
    "numpy",
    "pillow",
    "psutil",
    "safetensors",
    "simpleeval",
    "torch",
    "tqdm",
    "typer",
    "websocket-client",
)


def look() -> Iterator[Finding]:
    """Of this Python, which scripts and the command line run in."""
    from ... import __version__

    yield Finding("version", OK, f"Discomfort {__version__} at {Path(__file__).parents[2]}")
    text = f"Python {platform.python_version()} ({sys.executable}) on {platform.platform()}"
    yield Finding("python", OK, text)
    python = Path(sys.executable)
    missing = missing_requirements(python)
    if missing:
        yield Finding(
            "packages",
            ERROR,
            f"This Python lacks {', '.join(missing)}.",
            install_command(python, missing),
        )
    torch = version_of("torch")
    if torch is None:
        yield Finding(
            "torch",
            WARNING,
            "This Python has no torch: a script can't open pictures and latents that come back.",
            "install torch here, or run scripts with ComfyUI's Python",
        )
    else:
        yield Finding("torch", OK, f"torch {torch} in this Python")


def version_of(package: str) -> str | None:
    """The version that is installed here; the package is not imported."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
