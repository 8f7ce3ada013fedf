"""Where ComfyUI is, and which Python runs it.

The one place that knows the order of the search. The worker asks it when it starts a server, and
`installation/` before anything is installed. For that reason: the standard library, and of this
package only what needs no more than that.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from ...system.user_folders import user_cache_dir

ENVIRONMENT_NAMES = ("venv", ".venv", "python_embeded")


def installed_comfyui() -> Path:
    """Where `bootstrap.py` puts a ComfyUI. It need not exist."""
    return user_cache_dir() / "ComfyUI"


def find_comfyui(configured: str | None = None, project_dir: Path | None = None) -> Path | None:
    """Find ComfyUI's folder, the one that holds its `main.py`.

    The order: `configured`, the environment's COMFYUI_PATH, the ComfyUI whose `custom_nodes` holds
    this project, the per-user cache folder.

    Args:
        configured: COMFYUI_PATH of the configuration file.
        project_dir: this project's folder. None: the one that this file is in.

    Returns:
        An absolute path, or None when there is none.

    Raises:
        FileNotFoundError: `configured` or COMFYUI_PATH names a folder without a `main.py`. What a
            user asked for is never replaced by something else in silence.
    """
    for source, path in (
        ("COMFYUI_PATH of the configuration", configured),
        ("the environment variable COMFYUI_PATH", os.environ.get("COMFYUI_PATH")),
    ):
        if path:
            return _asked_for(Path(path).expanduser().absolute(), source)
    here = Path(__file__).absolute().parents[2]
    project = Path(project_dir or here).absolute()
    # A link in custom_nodes counts as well as what it points to, also when the caller was imported
    # through the link and followed it.
    linked = here if here.resolve() == project.resolve() else project
    for place in dict.fromkeys((project, linked, project.resolve())):
        around = place.parent.parent
        if place.parent.name == "custom_nodes" and (around / "main.py").is_file():
            return around
    cached = installed_comfyui()
    return cached if is_comfyui(cached) else None


def is_comfyui(path: Path) -> bool:
    """Whether the folder holds a real ComfyUI, not only some other `main.py`."""
    return (path / "main.py").is_file() and (path / "comfy" / "model_management.py").is_file()


def _asked_for(path: Path, source: str) -> Path:
    # The portable download and comfy-cli's workspaces keep it one folder further down.
    for place in (path, path / "ComfyUI"):
        if (place / "main.py").is_file():
            return place
    raise FileNotFoundError(
        f"{source} is {str(path)!r}, and there is no main.py in it. "
        "Set it to the folder of ComfyUI that holds main.py, or unset it."
    )


def find_python(comfyui: Path) -> Path | None:
    """Find the interpreter of ComfyUI's own Python environment.

    Looked for in ComfyUI's folder, then in the one above it, where the portable download of Windows
    has its `python_embeded`. An environment above counts only with torch in it: it may be another
    project's.

    Returns:
        The interpreter, or None when this ComfyUI has no environment of its own.
    """
    for folder in (comfyui, comfyui.parent):
        for name in ENVIRONMENT_NAMES:
            environment = folder / name
            python = environment_python(environment)
            if python is not None and (folder == comfyui or _has_torch(environment)):
                return python
    return None


def environment_python(environment: Path) -> Path | None:
    """The interpreter in an environment's folder, or None."""
    # python_embeded has python.exe at its top, without Scripts; conda environments do too.
    for place in ("Scripts/python.exe", "python.exe", "bin/python", "bin/python3"):
        if (environment / place).is_file():
            return environment / place
    return None


def _has_torch(environment: Path) -> bool:
    patterns = ("lib/python*/site-packages/torch", "Lib/site-packages/torch")
    return any(True for pattern in patterns for _ in environment.glob(pattern))


def missing_requirements(python: Path, requirements: Path | None = None) -> list[str]:
    """What an environment lacks of this project's dependencies, too old ones among them.

    Args:
        python: the environment's interpreter. It is started, without its user packages.
        requirements: None: the requirements.txt of this project.

    Returns:
        Lines of requirements.txt. Empty when all is there.

    Raises:
        OSError: the interpreter can't be started, or fails at once.
    """
    path = requirements or Path(__file__).parents[2] / "requirements.txt"
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    wanted = [line for line in lines if line]
    done = subprocess.run(
        [str(python), "-c", _VERSIONS_SOURCE, *(line.split(">=")[0] for line in wanted)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    versions = done.stdout.split()
    if done.returncode != 0 or len(versions) != len(wanted):
        raise OSError(f"{python} does not work: {done.stderr.strip()[-500:]}")
    return [
        line
        for line, version in zip(wanted, versions, strict=True)
        if version == "-" or _numbers(version) < _numbers(line.split(">=")[-1])
    ]


_VERSIONS_SOURCE = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(version(name) or "-")
    except PackageNotFoundError:
        print("-")
"""


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: "3.9.1rc2" -> (3, 9, 1). Enough for a lower bound."""
    return tuple(int(n) for n in [*re.findall(r"\d+", version), "0", "0"][:3])


def install_command(python: Path, requirements: list[str]) -> str:
    """The one command that installs what is missing, to be shown to the user, never run for them.

    An environment that uv made has no pip in it, so uv is named then.
    """
    words = [line.replace(" ", "") for line in requirements]
    has_pip = subprocess.run(
        [str(python), "-c", "import pip"], capture_output=True, timeout=120, check=False
    )
    if has_pip.returncode == 0:
        command = [str(python), "-m", "pip", "install", *words]
    else:
        command = ["uv", "pip", "install", "--python", str(python), *words]
    if sys.platform == "win32":
        return subprocess.list2cmdline(command)
    return shlex.join(command)
