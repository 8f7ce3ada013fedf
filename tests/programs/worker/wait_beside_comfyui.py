"""A script that does something of its own while a ComfyUI is there: says its pid, and waits.

wait_beside_comfyui.py CONFIG
"""

from __future__ import annotations

import asyncio
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.discomfort import Discomfort


async def main(config: str) -> None:
    async with await Discomfort.create(config) as discomfort:
        print("ready", discomfort.Worker.pid)
        await asyncio.sleep(60)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted")
