"""Fills both places of a store, as a master and as a worker, until each says that it is full.

    fill_small_memory.py RUN_ID

To be run where /dev/shm has 8 MiB and the temporary folder 24 MiB. It says where the values are,
what was raised, and what it loads in the end.
"""

from __future__ import annotations

import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.errors import StoreFullError
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.workflow_context import WorkflowContext


def place_of(context: WorkflowContext, key: str) -> str:
    info = context.get_storage_info(key)
    assert info
    return info["storage_type"]


def main(run_id: str) -> None:
    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        stored = {}
        for i in range(8):
            context.save(f"k{i}", np.full(3 << 20, i, np.uint8))
            stored[f"k{i}"] = i
        save_order = context.internal.lend([]).save_order
        worker_side.save(save_order, "fromworker", np.full(3 << 20, 99, np.uint8), False)
        print(sorted({place_of(context, key) for key in stored}))
        try:
            for i in range(8, 20):
                context.save(f"k{i % 8}", np.full(4 << 20, i, np.uint8))
                stored[f"k{i % 8}"] = i
        except StoreFullError as e:
            print(f"StoreFullError: {e}")
        for key, number in stored.items():
            assert (context.load(key) == number).all(), key
        try:
            worker_side.save(save_order, "big", np.ones(20 << 20, np.uint8), False)
        except StoreFullError as e:
            print(f"StoreFullError: {e}")
        context.save("k0", "small")
        print(context.load("k0"))


if __name__ == "__main__":
    main(sys.argv[1])
