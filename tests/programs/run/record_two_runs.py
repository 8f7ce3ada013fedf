"""A recording script that is in its second run until it is killed.

record_two_runs.py CONFIG
"""

from __future__ import annotations

import asyncio
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from support.servers import STUB_NODES, stub

TEXT = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "x"}},
    "2": {"class_type": "PrimitiveInt", "inputs": {"value": ["1", 0]}},
    "3": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "y", "input_data": ["2", 0]}},
}


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    discomfort = Discomfort(connector, record=True)
    await discomfort.run(TEXT, {"x": 7})
    await discomfort.run(stub("StubSleep", seconds=60, nonce=1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
