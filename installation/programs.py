"""Runs other programs for `bootstrap.py`, and removes what they left."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path


class SetupError(Exception):
    """The setup can't go on; the message says why and what to do."""


def say(line: str) -> None:
    """Tell the user, ahead of what the programs that follow print."""
    print(f"bootstrap: {line}", flush=True)


def call(
    command: list[str],
    what: str,
    environment: dict[str, str] | None = None,
    timeout: float | None = None,
) -> None:
    """Run a program whose output goes to the terminal; SetupError when it fails."""
    try:
        code = subprocess.run(
            command, env=environment, timeout=timeout, stdin=subprocess.DEVNULL
        ).returncode
    except subprocess.TimeoutExpired:
        raise SetupError(f"{what} took longer than {timeout} s.") from None
    except OSError as e:
        raise SetupError(f"{what} failed: {e}.") from None
    if code:
        raise SetupError(f"{what} failed with exit code {code}; its output is above.")


def run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> int:
    """Run a program to its end, whose exit code is returned.

    Ctrl-C reaches it as well. It then has a worker to stop, and is given the time for that.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def one_line(error: object) -> str:
    """An error's last line that says something; git and others explain themselves at length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or [""])[-1]


def remove_tree(folder: Path) -> None:
    """Remove a folder, also git's read-only files, which Windows refuses to delete."""

    def make_writable(function, path, _):
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IWRITE)
            function(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=make_writable)
