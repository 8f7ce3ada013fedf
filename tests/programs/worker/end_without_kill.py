"""A script that leaves the end of its worker to its own.

end_without_kill.py CONFIG
"""

from __future__ import annotations

import asyncio
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from support.servers import STUB_NODES, one_node


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    print("ready", connector.pid)
    await connector.execute(one_node(1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
