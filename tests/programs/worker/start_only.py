"""A script that says the pid of its worker while that one still starts.

start_only.py CONFIG
"""

from __future__ import annotations

import asyncio
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.worker.launch import process
from support.servers import wait_for


async def main(config: str) -> None:
    creating = asyncio.ensure_future(ComfyConnector.create(config))
    await wait_for(lambda: any(w.pid for w in process._living), "a process of the worker")
    print("ready", *[w.pid for w in process._living])
    await creating
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
