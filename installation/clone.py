"""The places in one clone of the project that `bootstrap.py` reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .programs import SetupError


@dataclass(frozen=True, slots=True)
class Clone:
    """A folder with the project in it."""

    folder: Path

    @property
    def environment(self) -> Path:
        return self.folder / ".venv"

    @property
    def stamp(self) -> Path:
        """Says what was installed for the demo and the tests."""
        return self.environment / "discomfort-stamp.txt"

    @property
    def check_stamp(self) -> Path:
        """The same for the check, which shares `.venv`."""
        return self.environment / "discomfort-check-stamp.txt"

    @property
    def fake_comfyui(self) -> Path:
        return self.folder / "tests" / "fakes"

    def require(self, command: str, *names: str) -> None:
        """Raises SetupError when this copy of the project lacks what the command works with."""
        missing = [name for name in names if not (self.folder / name).exists()]
        if missing:
            raise SetupError(
                f"this copy of Discomfort has no {missing[0]} (ComfyUI's registry and pip leave "
                "out what only developers need): clone the project's repository and run "
                f"`python bootstrap.py {command}` there."
            )
