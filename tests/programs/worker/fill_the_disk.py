"""A script whose worker has no room for a picture, nor for a value, and then has room again.

    fill_the_disk.py CONFIG ballast    a file takes the rest of the temporary folder's disk
    fill_the_disk.py CONFIG limit      the worker's files may not grow

It says what each run came to.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import support.package  # noqa: F401
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed
from custom_nodes.discomfort.workflow_context import WorkflowContext

BALLAST = Path(tempfile.gettempdir(), "ballast")


def empty(color: int) -> dict[str, Any]:
    size = {"width": 2048, "height": 2048, "batch_size": 1}
    return {"class_type": "EmptyImage", "inputs": {**size, "color": color}}


def save(color: int) -> dict[str, Any]:
    inputs = {"images": ["1", 0], "filename_prefix": "p"}
    return {"1": empty(color), "2": {"class_type": "SaveImage", "inputs": inputs}}


def keep(color: int) -> dict[str, Any]:
    port = {"unique_id": "picture", "input_data": ["1", 0]}
    return {"1": empty(color), "2": {"class_type": "DiscomfortPort", "inputs": port}}


def fill_disk() -> None:
    room = os.statvfs(BALLAST.parent)
    BALLAST.write_bytes(bytes(room.f_bavail * room.f_frsize - 8192))


def empty_disk() -> None:
    BALLAST.unlink(missing_ok=True)


async def run_all(discomfort: Discomfort, context: WorkflowContext, how: str) -> None:
    worker = psutil.Process(discomfort.Worker.pid)
    unlimited = worker.rlimit(psutil.RLIMIT_FSIZE)
    context.save("before", "kept")
    if how == "limit":
        worker.rlimit(psutil.RLIMIT_FSIZE, (4096, unlimited[1]))
    else:
        fill_disk()
    for prompt in (save(1), keep(2)):
        try:
            await discomfort.run(prompt, context=context)
            print("it worked")
        except NodeFailed as e:
            print(e.node_type, "OUTPUT_DIRECTORY" in str(e) and "TMPDIR" in str(e))
    empty_disk()
    worker.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    await discomfort.run(save(3), context=context)
    results = await discomfort.run(keep(4), context=context)
    print(tuple(results["picture"].shape), context.load("before"), worker.is_running())


async def main(config: str, how: str) -> None:
    async with await Discomfort.create(config) as discomfort:
        with discomfort.Context() as context:
            await run_all(discomfort, context, how)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
