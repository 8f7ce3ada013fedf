"""Which ComfyUI the demo and the tests run on: found, else installed, else the tests' stand-in."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ..worker.launch import find_comfyui as finder
from .clone import Clone
from .installers import install, make_venv
from .programs import SetupError, call, one_line, remove_tree, say

COMFYUI_RELEASE = "0.33.0"  # the newest one that the suite was run on
COMFYUI_REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"
COMFY_CLI = "comfy-cli==1.23.0"


def choose_comfyui(clone: Clone) -> Path:
    """The ComfyUI to run on: found, else installed, else the fake server of the tests."""
    why = "the one that was found is the fake server"
    try:
        found = finder.find_comfyui(project_dir=clone.folder)
        if found is None:
            why = _install_comfyui(finder.installed_comfyui())
            found = finder.find_comfyui(project_dir=clone.folder)
    except FileNotFoundError as e:
        raise SetupError(str(e)) from None
    if found is not None and finder.is_comfyui(found):
        say(f"ComfyUI: {found}")
        return found
    todo = f"Set COMFYUI_PATH to a ComfyUI folder, or put one at {finder.installed_comfyui()}."
    if is_required():
        raise SetupError(
            f"DISCOMFORT_REQUIRE_COMFYUI is set, and there is no real ComfyUI ({why}). {todo}"
        )
    if found is None and not clone.fake_comfyui.is_dir():  # what the registry gives has no tests
        raise SetupError(f"there is no ComfyUI ({why}). {todo}")
    say(f"no real ComfyUI ({why}): using the fake server of tests/fakes.")
    return found or clone.fake_comfyui


def is_required() -> bool:
    return os.environ.get("DISCOMFORT_REQUIRE_COMFYUI", "") not in ("", "0")


def _install_comfyui(target: Path) -> str:
    """Install ComfyUI at `target` with comfy-cli; return why that failed, "" when it did not.

    All happens in a temporary folder beside the target, which is renamed when it is whole: a
    clone that was cut off is never taken for a good one.
    """
    if target.exists():
        return f"{target} is there, but is no ComfyUI; remove it, and it is installed anew"
    why = _repository_problem()
    if why:
        return why
    say(f"installing ComfyUI {COMFYUI_RELEASE} at {target} (about a minute, once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leavings(target.parent)
    work = Path(tempfile.mkdtemp(prefix="installing-", dir=target.parent))
    try:
        python = make_venv(work / "venv")
        install(python, [COMFY_CLI], "installing comfy-cli")
        _clone_with_comfy_cli(python, work)
        (work / "ComfyUI").rename(target)
    except (SetupError, OSError) as e:
        return one_line(e)
    finally:
        remove_tree(work)
    return ""


def _repository_problem() -> str:
    """Why ComfyUI's repository can't be cloned from here; "" when it can. Seconds, not minutes."""
    git = shutil.which("git")
    if not git:
        return "git is not installed, so it could not be cloned"
    tag = f"refs/tags/v{COMFYUI_RELEASE}"
    try:
        done = subprocess.run(
            [git, "ls-remote", "--exit-code", COMFYUI_REPOSITORY, tag],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except subprocess.TimeoutExpired:
        return f"{COMFYUI_REPOSITORY} did not answer within 30 s"
    if done.returncode == 0:
        return ""
    return one_line(done.stderr) or f"{COMFYUI_REPOSITORY} has no release {COMFYUI_RELEASE}"


def _clone_with_comfy_cli(python: Path, work: Path) -> None:
    """Let comfy-cli clone ComfyUI into work/ComfyUI. Its requirements come later, into `.venv`.

    comfy-cli notes its latest workspace and its settings below the home folder; these belong to
    the user, so it is given a home of its own, and git the user's settings.
    """
    home = work / "home"
    for folder in (".config", "AppData/Local", "Library/Application Support"):
        (home / folder / "comfy-cli").mkdir(parents=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "VIRTUAL_ENV": str(python.parent.parent),  # else it makes one inside the workspace
        "DO_NOT_TRACK": "1",
        "PYTHONUTF8": "1",  # it draws boxes, which a Windows code page may not have
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
        "GIT_HTTP_LOW_SPEED_TIME": "30",
    }
    settings = [Path.home() / ".gitconfig", Path.home() / ".config" / "git" / "config"]
    existing = [path for path in settings if path.is_file()]
    if existing:
        environment.setdefault("GIT_CONFIG_GLOBAL", str(existing[0]))
    command = [str(python), "-m", "comfy_cli", "--skip-prompt", "--no-json"]
    command += ["--workspace", str(work / "ComfyUI"), "install", "--version", COMFYUI_RELEASE]
    # --cpu only answers its question for a GPU: with torch skipped, nothing depends on it.
    command += ["--cpu", "--skip-torch-or-directml", "--skip-requirement", "--skip-manager"]
    call(command, "comfy install", environment=environment, timeout=1200)
    if not finder.is_comfyui(work / "ComfyUI"):
        raise SetupError("comfy install ended without an error, but left no ComfyUI")


def check_comfyui_environment(clone: Clone, comfyui: Path) -> None:
    """Refuse a ComfyUI whose own environment lacks one of our dependencies; install nothing."""
    python = finder.find_python(comfyui)
    if python is None:
        return
    try:
        missing = finder.missing_requirements(python, clone.folder / "requirements.txt")
    except (OSError, subprocess.TimeoutExpired) as e:
        raise SetupError(f"ComfyUI's own Python environment can't be used. {one_line(e)}") from None
    if missing:
        raise SetupError(
            f"ComfyUI runs with its own Python, and that lacks {', '.join(missing)}. "
            f"This installs it:\n{finder.install_command(python, missing)}"
        )


def _remove_leavings(folder: Path) -> None:
    """Remove what an installation that was killed a day ago or earlier left behind."""
    for old in folder.glob("installing-*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > 86400:
                remove_tree(old)
