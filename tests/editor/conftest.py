"""The user's ComfyUI that the tests of this folder share, one for each version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.client.client import Client
from support.servers import Server, real_servers, require

from .outer import Outer, client_of, started
from .vision_server import VisionServer, serving

MISSING = Server("real", Path("no ComfyUI found"))


@pytest.fixture(scope="session", params=real_servers() or [MISSING], ids=lambda server: server.name)
def comfyui(request: pytest.FixtureRequest) -> Server:
    """Every real ComfyUI in turn."""
    return require(request.param)


@pytest.fixture(scope="session")
def outer(comfyui: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outer]:
    """One for all tests that leave it as it is."""
    base = tmp_path_factory.mktemp("outer")
    with started(comfyui, base) as made:
        yield made


@pytest.fixture
async def client(outer: Outer) -> AsyncIterator[Client]:
    """Queues prompts in the user's ComfyUI, as the editor does."""
    async with client_of(outer) as made:
        yield made


@pytest.fixture(scope="session")
def vision_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisionServer]:
    """A server that describes pictures."""
    with serving(tmp_path_factory.mktemp("vision") / "log") as made:
        yield made
