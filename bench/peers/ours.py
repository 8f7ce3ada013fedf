import asyncio
import sys

from discomfort import Discomfort

workflow, server, out, text, seed = sys.argv[1:]


# The job.
async def main():
    async with await Discomfort.create(url=server) as discomfort:
        results = await discomfort.run(workflow, {text: "a fox", seed: 7})
        discomfort.Tools.save_comfy_image_to_disk(results["Save Image"], f"{out}/fox.png")


asyncio.run(main())
