"""Which scripts may have the same worker, one after the other: all that a worker depends on.

`place` stands for what was asked for and from where; `sources` for the state of all code that the
worker has loaded. Equal keys share; the same place with other sources is what has become outdated.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...system.config import PACKAGE_DIR
from ..launch.environment import bytecode_dir_for, worker_environment
from ..launch.find_comfyui import user_cache_dir
from ..launch.settings import Launch
from .stamps import CODE, digest, stamp_folders, stamp_of, stamps

# Variables that differ from one terminal, notebook or test to the next, and of which no node should
# depend: a worker has those of the script that started it. docs/warm_workers.md lists them.
IGNORED_VARIABLES = re.compile(
    r"PWD|OLDPWD|SHLVL|_|COLUMNS|LINES|TERM|COLORTERM|TERM_PROGRAM\w*|TERM_SESSION_ID|WINDOWID"
    r"|(GNOME_TERMINAL|KONSOLE|ITERM|ALACRITTY|KITTY|WEZTERM|ZELLIJ)_\w+|WT_SESSION"
    r"|TMUX|TMUX_PANE|STY|SSH_(CLIENT|CONNECTION|TTY|AUTH_SOCK)|XDG_SESSION_ID|INVOCATION_ID"
    r"|JOURNAL_STREAM|SYSTEMD_EXEC_PID|JPY_\w+|VSCODE_\w+|PYDEVD_\w+|PYTEST_\w+"
    r"|DISCOMFORT_KEEP_WARM"
)
# Right in ComfyUI's folder: what is no code of its own. Node packs are looked at by themselves.
_NOT_COMFYUI = frozenset(
    {
        *("custom_nodes", "models", "input", "output", "temp", "user", "web", "tests"),
        *("tests-unit", "venv", "python_embeded", "script_examples", "notebooks", "blueprints"),
    }
)
_NOT_OURS = frozenset({"tests", "docs", "bench", "web", "examples", "devtools", "installation"})
_DEVICES = re.compile(r"nvidia\d+|kfd|dxg|accel\w*|davinci\d+")


@dataclass(frozen=True, slots=True)
class WorkerKey:
    """What must be equal for two scripts to have one worker."""

    place: str
    sources: str


def worker_key(launch: Launch, environment: Mapping[str, str] | None = None) -> WorkerKey:
    """The key of what this process would start now. Some hundredths of a second.

    Raises:
        ConfigError: a device that the environment does not show.
    """
    python = Path(launch.command[0])
    seen = worker_environment(
        os.environ if environment is None else environment,
        same_python=python == Path(sys.executable),
        cuda_device=launch.cuda_device,
        bytecode_dir=bytecode_dir_for(launch.comfyui, user_cache_dir()),
        extra={},
    )
    place = {
        "comfyui": str(launch.comfyui),
        "command": launch.command,
        "cwd": str(launch.cwd),
        "arguments": launch.extra_args,
        "custom_nodes": [str(path) for path in launch.extra_custom_nodes],
        "port": launch.initial_port,
        "cuda_device": launch.cuda_device,
        "output": str(launch.output),
        "extension": str(PACKAGE_DIR),
        "environment": {k: v for k, v in seen.items() if not IGNORED_VARIABLES.fullmatch(k)},
        "machine": _machine(),
        "limits": _limits(),
    }
    sources = [
        sorted(stamps(launch.comfyui, (*CODE, ".yaml"), _NOT_COMFYUI)),
        sorted(stamps(PACKAGE_DIR, (*CODE, ".json"), _NOT_OURS)),
        stamp_folders(standard_packs(launch)),
        [stamp_of(argument) for argument in launch.extra_args if argument.endswith(".yaml")],
        _python_stamps(python),
    ]
    return WorkerKey(digest(place), digest(sources))


def standard_packs(launch: Launch) -> list[Path]:
    """The folders of node packs that are known before a ComfyUI has said which it has."""
    return [launch.comfyui / "custom_nodes", *launch.extra_custom_nodes]


def _python_stamps(python: Path) -> list[Any]:
    """Of an interpreter, and of what is installed for it: a package that comes or goes."""
    home = python.parent.parent
    places = [*home.glob("lib/python*/site-packages"), *home.glob("Lib/site-packages")]
    return [stamp_of(python), *((str(place), stamp_of(place)) for place in sorted(places))]


def _machine() -> list[Any]:
    """Containers may share folders: what runs in another one can't be reached, or not seen."""
    spaces = []
    for name in ("ipc", "mnt", "net", "pid", "user"):
        try:
            spaces.append(os.readlink(f"/proc/self/ns/{name}"))
        except OSError:
            continue
    try:
        devices = sorted(name for name in os.listdir("/dev") if _DEVICES.fullmatch(name))
    except OSError:
        devices = []
    return [spaces, devices]


def _umask() -> str | None:
    """As Linux tells it; to ask otherwise is to set it, for other threads too."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((line for line in status.splitlines() if line.startswith("Umask:")), None)


def _limits() -> dict[str, Any]:
    """What the system lets this process, and those that it starts, have."""
    found: dict[str, Any] = {}
    if sys.platform != "win32":
        import resource

        names = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
        for name in names:
            try:
                found[name] = resource.getrlimit(getattr(resource, name))
            except (OSError, ValueError):
                continue
        found["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
        found["groups"] = [os.getegid(), *sorted(os.getgroups())]
        found["umask"] = _umask()
    if hasattr(os, "sched_getaffinity"):
        found["cpus"] = sorted(os.sched_getaffinity(0))
    return found
