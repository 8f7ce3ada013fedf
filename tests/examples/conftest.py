"""What the tests of the examples need beyond the common fixtures."""

from __future__ import annotations

import os

import pytest
from custom_nodes.discomfort.worker.find_comfyui import find_comfyui


@pytest.fixture(scope="session")
def comfyui():
    """The folder of the ComfyUI that a script started here would find."""
    folder = find_comfyui()
    if folder is None:
        reason = "needs a real ComfyUI: set COMFYUI_PATH, or run `python bootstrap.py demo` once"
        if os.environ.get("DISCOMFORT_REQUIRE_COMFYUI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
