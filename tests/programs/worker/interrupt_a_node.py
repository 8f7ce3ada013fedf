"""A script that runs a node for a while, and ends ComfyUI whatever happens.

    interrupt_a_node.py CONFIG

It says the pid of its worker when the node runs, then "idle", and "interrupted" if that is why.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.events import NodeStarted
from support.servers import STUB_NODES, stub


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])

    def on_event(event: Any) -> None:
        if isinstance(event, NodeStarted):
            print("ready", connector.pid)

    try:
        await connector.execute(stub("StubBlock", seconds=4.0, nonce=1), on_event=on_event)
    finally:
        print("idle")
        await connector.kill_api()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted")
