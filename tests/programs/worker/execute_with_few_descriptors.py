"""Forty prompts at once while no descriptor is free; some are, after a while.

    execute_with_few_descriptors.py CONFIG

It says whether each prompt had its own result.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from support.servers import STUB_NODES, one_node

TAKEN = 6


async def main(config: str) -> None:
    connector = await ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    await connector.execute(one_node(0))
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + TAKEN, 4096))
    taken = [os.dup(0) for _ in range(TAKEN)]

    async def give_back() -> None:
        await asyncio.sleep(2)  # until then every connection fails
        for fd in taken[:4]:
            os.close(fd)

    runs = [connector.execute(one_node(i)) for i in range(1, 41)]
    *results, _ = await asyncio.gather(*runs, give_back())
    print([r.outputs["2"]["text"][0] for r in results if r] == [str(i) for i in range(1, 41)])
    for fd in taken[4:]:
        os.close(fd)
    await connector.kill_api()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
