"""Many runs at once, each with a value of its own.

    run_many_at_once.py CONFIG COUNT DESCRIPTORS

It says whether each result was its own, then how often the server was asked for its classes.
"""

from __future__ import annotations

import asyncio
import resource
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.client.http import Transport

ROUND = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value"}},
    "2": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "made", "input_data": ["1", 0]}},
}


async def main(config: str, count: int, descriptors: int) -> None:
    async with await Discomfort.create(config) as discomfort:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        runs = [discomfort.run(ROUND, {"value": {"number": i}}) for i in range(count)]
        results = await asyncio.gather(*runs)
        print([r["made"] for r in results] == [{"number": i} for i in range(count)])
        assert discomfort.Worker.server_address
        http = Transport(discomfort.Worker.server_address, discomfort.Worker.auth_headers)
        print((await http.get("/fake/requests")).json().get("/object_info"))
        await http.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
