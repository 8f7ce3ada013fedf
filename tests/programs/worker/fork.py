"""A script that forks: the child owns no worker, and its exit handlers must end none.

fork.py CONFIG
"""

from __future__ import annotations

import asyncio
import os
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from support.servers import STUB_NODES, one_node


def fork() -> None:
    """Fork a child that ends, and wait for that."""
    if os.fork() == 0:
        sys.exit(0)  # runs the exit handlers
    os.wait()


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    print("ready", connector.pid)
    fork()
    result = await connector.execute(one_node(5))
    print("still", result.outputs["2"]["text"][0])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
