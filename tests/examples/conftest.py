"""The facade on every server, as in tests/run."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort


@pytest.fixture(scope="module")
def discomfort(shared: ComfyConnector) -> Discomfort:
    return Discomfort(shared)
