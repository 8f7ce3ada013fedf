"""Carries a picture through 500 runs of a worker that is this process, too.

It says, between the 60th and the last, how much its own memory, its shared memory and its open
files grew; how much shared memory there is in the end; and the last value.
"""

from __future__ import annotations

import gc
import json
import os
from typing import Any

import psutil
import support.package  # noqa: F401
import torch
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.store.save_order import SaveOrder
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.stores import open_handles


def main() -> None:
    with WorkflowContext(max_ram_gb=1) as context:
        context.save("img", torch.zeros(1, 1024, 1024, 3))
        cached: list[Any] = []  # ComfyUI's cache holds the last input

        def one_run() -> None:
            loan = context.internal.lend(["img"])
            cached[:] = [worker_side.load(loan.run_dir, loan.versions["img"]).value]
            order = SaveOrder.from_json(json.loads(json.dumps(loan.save_order.to_json())))
            worker_side.save(order, "img", cached[0] + 1, False)
            context.internal.collect(loan)

        def figures() -> tuple[int, int, int]:
            gc.collect()
            token = context.internal.store.book.token
            names = [n for n in os.listdir(base.SHM_DIR) if token in n]
            shm = sum(os.stat(base.SHM_DIR / n).st_blocks * 512 for n in names)
            return psutil.Process().memory_full_info().uss, shm, open_handles()

        for _ in range(60):
            one_run()
        before = figures()
        for _ in range(440):
            one_run()
        after = figures()
        print(*(b - a for a, b in zip(before, after, strict=True)))
        print(after[1])
        print(int(context.load("img")[0, 5, 5, 0]))


if __name__ == "__main__":
    main()
