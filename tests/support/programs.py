"""The programs of tests/programs, started as processes of their own: to be killed, to run short of
something, to be many. Also users' scripts, which know nothing of the tests.

A program is a file with a `main`, started as a module from the folder of the tests, so that it
finds `support`; `import support.package` makes the project known as `custom_nodes.discomfort`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from .package import TESTS

PROGRAMS = TESTS / "programs"
DEADLINE_S = 240


class Program:
    """A program that was started; it speaks in lines.

    Args:
        name: its file below tests/programs, without the suffix: "store/hammer".
        before: shell commands to run first, in a name space for mounts of their own.
        environment: further variables.
    """

    def __init__(self, name: str, *arguments: object, before: str = "", **environment: str):
        # -u: what it says is heard at once. No PYTHONPATH: a worker would inherit it.
        module = "programs." + name.replace("/", ".")
        command = [sys.executable, "-u", "-m", module, *map(str, arguments)]
        if before:
            command = ["unshare", "-m", "sh", "-c", f"{before} && exec {shlex.join(command)}"]
        self.name = name
        self.process = subprocess.Popen(
            command,
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment},
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def line(self) -> str:
        """The next line that it says."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr
            raise AssertionError(f"{self.name} ended early:\n{self.process.stderr.read()}")
        return line.strip()

    def worker_pid(self) -> int:
        """Wait until it says that its worker runs: "ready PID"."""
        while not (line := self.line()).startswith("ready"):
            pass
        return int(line.split()[1])

    def say(self, text: str) -> None:
        """Give it a line."""
        assert self.process.stdin
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def wait(self) -> tuple[str, str]:
        """Wait for its end, of whatever kind; the rest of both its outputs."""
        return self.process.communicate(timeout=DEADLINE_S)

    def end(self) -> str:
        """Wait for its end, which must be a good one; the rest of its output."""
        out, error = self.wait()
        assert self.process.returncode == 0, error
        return out.strip()

    def kill(self) -> None:
        self.process.kill()
        self.wait()


def run_script(
    script: Path, *arguments: object, cwd: Path, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """A user's script, run to its end, with nothing of the tests in it; it must end well.

    Args:
        environment: variables to set, or (None) to take out.
    """
    changed = {"PYTHONDONTWRITEBYTECODE": None, **environment}
    kept = {k: v for k, v in os.environ.items() if k not in changed}
    done = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env={**kept, **{k: v for k, v in changed.items() if v is not None}},
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done
