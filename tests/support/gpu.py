"""For tests on a machine with a GPU."""

from __future__ import annotations

import pytest
import torch
from custom_nodes.discomfort.worker.client import Client

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no GPU on this machine"
)


async def vram_of(client: Client) -> int:
    """Bytes of GPU memory that torch holds in a ComfyUI."""
    (device,) = (await client.http.get("/system_stats")).json()["devices"]
    assert device["type"] == "cuda", "it runs on the CPU"
    return device["torch_vram_total"]
