"""A script whose nodes save a file, which outlives its worker.

    save_and_stay.py CONFIG

It says "ready PID", where the file is, and "down" after `shutdown`; ends when it gets a line; at
"fork" a child of it ends first.
"""

from __future__ import annotations

import asyncio
import os
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.discomfort import Discomfort

SAVE = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine/p"}},
}


async def main(config: str) -> None:
    async with await Discomfort.create(config) as discomfort:
        print("ready", discomfort.Worker.pid)
        results = await discomfort.run(SAVE)
        print(*results.files["SaveImage"])
    print("down")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    if sys.stdin.readline().strip() == "fork":
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print("still there")
            sys.stdin.readline()
