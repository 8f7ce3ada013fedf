"""A user's script, started in the folder of a ComfyUI that has the clone in custom_nodes.

    users_script.py WORKFLOW

Nothing of the tests is in it.
"""

from __future__ import annotations

import asyncio
import sys

from custom_nodes.discomfort.discomfort import Discomfort


async def main(workflow: str) -> None:
    async with await Discomfort.create() as discomfort:
        print(await discomfort.run(workflow, {"number": 3}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
