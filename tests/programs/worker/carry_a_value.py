"""A script that carries a large value from run to run until it is killed.

    carry_a_value.py CONFIG

It says the pid of its worker, then the token and the folder of its context.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.discomfort import Discomfort

ROUND = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value"}},
    "2": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value", "input_data": ["1", 0]}},
}


def token_of(folder: Path) -> str:
    return json.loads((folder / "receipts.json").read_text(encoding="utf-8"))["token"]


async def main(config: str) -> None:
    discomfort = await Discomfort.create(config)
    context = discomfort.Context()
    print("ready", discomfort.Worker.pid)
    print(token_of(context.folder))
    print(context.folder)
    await discomfort.run(
        ROUND,
        {"value": np.zeros(200_000)},
        iterations=None,
        until=lambda context: False,
        context=context,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
