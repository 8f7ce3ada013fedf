"""A script that runs prompts until it is killed.

    run_for_ever.py CONFIG [EXEC_CHILD]

EXEC_CHILD stands in for the file that becomes ComfyUI.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.worker.launch import spawn
from support.servers import STUB_NODES, stub


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    print("ready", connector.pid)
    number = 0
    while True:
        number += 1
        await connector.execute(stub("StubSleep", seconds=0.2, nonce=number))


if __name__ == "__main__":
    if sys.argv[2:]:
        spawn._EXEC_CHILD = Path(sys.argv[2])
    asyncio.run(main(sys.argv[1]))
