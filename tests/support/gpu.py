"""For tests on a machine with a GPU."""

from __future__ import annotations

import pytest
import torch

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no GPU on this machine"
)


def used_bytes() -> int:
    """What all programs together hold of the GPU's memory: ComfyUI 0.33 manages a part of its own
    beside torch.
    """
    free, total = torch.cuda.mem_get_info()
    return total - free
