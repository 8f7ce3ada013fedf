"""The facade on every server: one worker for a module's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort


@pytest.fixture(scope="module")
def discomfort(shared: ComfyConnector) -> Iterator[Discomfort]:
    made = Discomfort(shared)
    yield made
    made._engine.contexts.close()  # the worker is shared with other modules


@pytest.fixture(scope="session")
def workflows() -> Path:
    """The folder of workflows as the editor saves them."""
    return Path(__file__).resolve().parents[2] / "test_workflows"
