"""The command line `discomfort` as a user has it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .package import ROOT
from .servers import STUB_NODES, write_config

DEADLINE_S = 240


@dataclass
class CommandLine:
    """`discomfort`, run in a folder.

    Attributes:
        environment: variables to set, or (None) to take out.
        options: what is added to each call that has a worker, as ("--url", address).
    """

    folder: Path
    environment: dict[str, str | None] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        packages = self.folder / "packages"
        packages.mkdir(parents=True, exist_ok=True)
        (packages / "discomfort").symlink_to(ROOT, target_is_directory=True)
        (self.folder / "here").mkdir()

    @property
    def here(self) -> Path:
        """Where it is typed."""
        return self.folder / "here"

    def variables(self, **more: str | None) -> dict[str, str]:
        path = str(self.folder / "packages")
        changed: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPATH": path}
        changed |= {**self.environment, **more}
        kept = {k: v for k, v in os.environ.items() if k not in changed}
        return {**kept, **{k: v for k, v in changed.items() if v is not None}}

    @staticmethod
    def command(*words: object) -> list[str]:
        return [sys.executable, "-m", "discomfort", *map(str, words)]

    def run(
        self, *words: object, stdin: bytes = b"", **environment: str | None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end."""
        return subprocess.run(
            self.command(*words, *self.options),
            input=stdin,
            cwd=self.here,
            capture_output=True,
            timeout=DEADLINE_S,
            env=self.variables(**environment),
            check=False,
        )

    def shell(self, line: str, **environment: str | None) -> subprocess.CompletedProcess[bytes]:
        """Run a line of bash, in which $discomfort is the program."""
        program = f'"{sys.executable}" -m discomfort'
        return subprocess.run(
            ["bash", "-c", f'discomfort() {{ {program} "$@"; }}\n{line}'],
            cwd=self.here,
            capture_output=True,
            timeout=DEADLINE_S,
            env=self.variables(**environment),
            check=False,
        )

    def json(self, *words: object, **options: Any) -> dict[str, Any]:
        """What it prints with --json: one object, and nothing else."""
        done = self.run(*words, "--json", **options)
        lines = done.stdout.splitlines()
        assert len(lines) == 1, (lines, done.stderr)
        return {**json.loads(lines[0]), "exit": done.returncode}

    def start(self, *words: object, **environment: str | None) -> subprocess.Popen[bytes]:
        """Run it beside the test."""
        return subprocess.Popen(
            self.command(*words, *self.options),
            cwd=self.here,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.variables(**environment),
        )

    def write(self, name: str, data: Any) -> str:
        """A file where it is typed; its name."""
        (self.here / name).write_text(json.dumps(data), encoding="utf-8")
        return name


def config_with_stub_nodes(folder: Path, comfyui: Path) -> Path:
    """A comfy_serverless.json whose worker has the stub nodes, too."""
    packs = folder / "packs"
    packs.mkdir()
    (packs / "stub_nodes").symlink_to(STUB_NODES, target_is_directory=True)
    paths = folder / "paths.yaml"
    text = json.dumps({"stubs": {"base_path": str(folder), "custom_nodes": "packs"}})
    paths.write_text(text, encoding="utf-8")
    arguments = ["--extra-model-paths-config", str(paths)]
    return write_config(folder, comfyui, EXTRA_ARGS=arguments)
