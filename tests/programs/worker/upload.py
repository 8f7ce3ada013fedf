"""A script that uploads a file for as long as it lives, and says the file's path.

upload.py CONFIG end     and ends
upload.py CONFIG wait    and waits to be killed
"""

from __future__ import annotations

import asyncio
import sys

import support.package
from custom_nodes.discomfort.comfy_serverless import ComfyConnector


async def main(config: str, then: str) -> None:
    connector = await ComfyConnector.create(config)
    path = connector.upload_data(
        support.package.__file__, subfolder="made_by_a_test", is_ephemeral=True
    )
    print("ready", connector.pid)
    print(path)
    if then == "wait":
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
