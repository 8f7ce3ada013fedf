"""The command line in front of a ComfyUI that runs already, and on a machine without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.servers import FAKE, Server, plain_server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A ComfyUI of the user's, and the data folder that its scripts have, too."""
    base = tmp_path_factory.mktemp("users")
    with plain_server(Server("fake", FAKE), base, with_extension=True) as (address, _):
        yield address, base / "data"


@pytest.fixture
def there(running: tuple[str, Path], tmp_path: Path) -> CommandLine:
    """The command line, with that ComfyUI."""
    address, data = running
    environment: dict[str, str | None] = {
        "XDG_DATA_HOME": str(data),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),  # node classes are kept there
        "COMFYUI_PATH": str(FAKE),
    }
    return CommandLine(tmp_path / "cli", environment, ("--url", address))


@pytest.fixture
def bare(tmp_path: Path) -> CommandLine:
    """The command line on a machine without a ComfyUI."""
    nowhere = tmp_path / "nowhere"
    return CommandLine(
        tmp_path / "alone",
        {"COMFYUI_PATH": str(nowhere), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
