"""Loads 20 large values with room for 8 more open files, and says what is in them."""

from __future__ import annotations

import resource

import numpy as np
import psutil
import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main() -> None:
    with WorkflowContext(max_ram_gb=1) as context:
        for i in range(20):
            context.save(f"k{i}", np.full(100_000, i, np.uint8))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 8, hard))
        held = [context.load(f"k{i}") for i in range(20)]
        print([int(array[0]) for array in held])


if __name__ == "__main__":
    main()
