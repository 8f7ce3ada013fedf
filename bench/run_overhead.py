"""What `run()` costs above ComfyUI itself. Everything is measured on one worker, in one process.

    python bench/run_overhead.py [--runs 200] [--iterations 20] [--memory 500]

1. Memory of master and worker over a long loop that carries a 1024 x 1024 picture.
2. One `run()` of a one-node workflow (a number in, a number out) against the floor: POST of an
   equal prompt, until the websocket says that it succeeded.
3. A loop that carries that picture against the usual way: upload a PNG, queue LoadImage, the same
   node and SaveImage, download the result from /view.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import _project  # noqa: F401
import aiohttp
import numpy
import psutil
import torch
import websocket
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.client.events import Queued
from PIL import Image

SCALAR = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "x"}},
    "2": {"class_type": "PrimitiveInt", "inputs": {"value": ["1", 0]}},
    "3": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "y", "input_data": ["2", 0]}},
}
PICTURE = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "picture"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {
        "class_type": "DiscomfortPort",
        "inputs": {"unique_id": "picture", "input_data": ["2", 0]},
    },
}
REFERENCE = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "x"}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["1", 0]}},
    "3": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "noise", "input_data": ["2", 0]}},
}


def bare_scalar(value: int) -> dict:
    return {
        "2": {"class_type": "PrimitiveInt", "inputs": {"value": value}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
    }


def bare_picture(name: str) -> dict:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": "bench"},
        },
    }


class Bare:
    """A client of the worker's HTTP API that does no more than it must."""

    def __init__(self, connector):
        self.url = connector.server_address
        self.headers = connector.auth_headers
        self.client_id = str(uuid.uuid4())
        address = connector.ws_address.split("?")[0] + f"?clientId={self.client_id}"
        self.socket = websocket.create_connection(
            address, header=[f"{k}: {v}" for k, v in self.headers.items()]
        )

    async def __aenter__(self):
        self.session = aiohttp.ClientSession(headers=self.headers)
        return self

    async def __aexit__(self, *_):
        await self.session.close()
        self.socket.close()

    async def run(self, prompt: dict) -> str:
        prompt_id = str(uuid.uuid4())
        body = {"prompt": prompt, "client_id": self.client_id, "prompt_id": prompt_id}
        async with self.session.post(f"{self.url}/prompt", json=body) as reply:
            assert reply.status == 200, await reply.text()
            await reply.read()
        self._wait_for(prompt_id)
        return prompt_id

    def _wait_for(self, prompt_id: str) -> None:
        while True:
            message = self.socket.recv()
            if not isinstance(message, str) or prompt_id not in message:
                continue
            kind = json.loads(message)["type"]
            assert kind != "execution_error", message
            if kind == "execution_success":
                return

    async def picture(self, data: bytes, name: str) -> bytes:
        """The usual way: PNG up, in place of the one before, run, PNG down."""
        form = aiohttp.FormData()
        form.add_field("image", data, filename=name, content_type="image/png")
        form.add_field("overwrite", "true")
        async with self.session.post(f"{self.url}/upload/image", data=form) as reply:
            assert (await reply.json())["name"] == name
        prompt_id = await self.run(bare_picture(name))
        while True:  # the history is written just after the success message
            async with self.session.get(f"{self.url}/history/{prompt_id}") as reply:
                history = await reply.json()
            if history:
                break
        saved = history[prompt_id]["outputs"]["3"]["images"][0]
        async with self.session.get(f"{self.url}/view", params=saved) as reply:
            return await reply.read()


def reserve_upload(connector, picture: bytes) -> str:
    """The name of an upload that goes with the worker, also after an error."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"bench-{uuid.uuid4()}.png")
        source.write_bytes(picture)
        return Path(connector.upload_data(source, is_ephemeral=True)).name


def to_png(picture: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    array = (picture[0].numpy() * 255).astype(numpy.uint8)
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def from_png(data: bytes) -> torch.Tensor:
    array = numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=numpy.float32) / 255
    return torch.from_numpy(array)[None]


def row(name: str, seconds: list[float]) -> float:
    median = statistics.median(seconds) * 1e3
    p95 = sorted(seconds)[int(len(seconds) * 0.95)] * 1e3
    print(f"{name:<46} median {median:8.2f} ms   p95 {p95:8.2f} ms")
    return median


async def measure_scalar(discomfort, bare: Bare, runs: int) -> None:
    context = discomfort.Context()
    ours, own_context, floor = [], [], []
    for i in range(-10, runs):  # ten to warm up; the three alternate, to see the same machine
        start = time.perf_counter()
        await bare.run(bare_scalar(i + 1_000_000))
        middle = time.perf_counter()
        result = await discomfort.run(SCALAR, {"x": i}, context=context, progress=False)
        end = time.perf_counter()
        await discomfort.run(SCALAR, {"x": i}, progress=False)
        last = time.perf_counter()
        assert result == {"y": i}
        if i >= 0:
            floor.append(middle - start)
            ours.append(end - middle)
            own_context.append(last - end)
    context.shutdown()
    base = row("floor: POST to success", floor)
    ratio = row("run(), one context for all", ours) / base
    other = row("run(), a temporary context each", own_context) / base
    print(f"run() / floor = {ratio:.2f} (temporary context: {other:.2f}); target under 3\n")


async def measure_reference(discomfort, runs: int) -> None:
    """A workflow that only makes a reference, another in every run: nothing is queued."""
    seconds, prompts = [], []
    with discomfort.Context() as context:
        for i in range(-10, runs):
            start = time.perf_counter()
            result = await discomfort.run(
                REFERENCE, {"x": i + 10}, context=context, progress=False, on_event=prompts.append
            )
            if i >= 0:
                seconds.append(time.perf_counter() - start)
            assert set(result) == {"noise"}
    assert not any(isinstance(event, Queued) for event in prompts)
    row("run() that only makes a reference", seconds)
    print()


async def measure_picture(discomfort, bare: Bare, iterations: int) -> None:
    picture = torch.rand(1, 1024, 1024, 3)
    ours, usual = [], []
    upload = reserve_upload(discomfort.Worker, to_png(picture))
    with discomfort.Context() as context:
        context.save("picture", picture)
        for _ in range(iterations):
            start = time.perf_counter()
            result = await discomfort.run(PICTURE, context=context, progress=False)
            float(result["picture"].mean())
            middle = time.perf_counter()
            picture = from_png(await bare.picture(to_png(picture), upload))
            float(picture.mean())
            usual.append(time.perf_counter() - middle)
            ours.append(middle - start)
    base = row("usual way: upload, SaveImage, /view", usual)
    mine = row("run() with the picture in the context", ours)
    print(f"usual way / run() = {base / mine:.1f}; target at least 10\n")


def memory_of(pid: int) -> int:
    """Bytes that are the process's own: mapped blocks count once for each who touches them."""
    info = psutil.Process(pid).memory_full_info()
    return getattr(info, "uss", info.rss)


async def measure_memory(discomfort, iterations: int) -> None:
    worker_pid = psutil.Process().children()[0].pid
    samples = []
    with discomfort.Context() as context:
        context.save("picture", torch.rand(1, 1024, 1024, 3))

        def sample(ctx) -> bool:
            samples.append((memory_of(psutil.Process().pid), memory_of(worker_pid)))
            return False

        await discomfort.run(
            PICTURE, context=context, iterations=iterations, until=sample, progress=False
        )
    tenth = max(1, iterations // 10)
    for i, name in enumerate(("master", "worker")):
        early = statistics.median(s[i] for s in samples[tenth : 2 * tenth])
        late = statistics.median(s[i] for s in samples[-tenth:])
        growth = 100 * (late / early - 1)
        print(
            f"{name}: {early / 2**20:7.1f} MiB after {tenth} iterations, "
            f"{late / 2**20:7.1f} MiB after {iterations}: {growth:+.1f} %; target within 5 %"
        )
    print()


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--memory", type=int, default=500)
    args = parser.parse_args()
    async with await Discomfort.create() as discomfort:
        await measure_memory(discomfort, args.memory)  # first: on a worker that did nothing yet
        async with Bare(discomfort.Worker) as bare:
            await measure_scalar(discomfort, bare, args.runs)
            await measure_reference(discomfort, args.runs)
            await measure_picture(discomfort, bare, args.iterations)


if __name__ == "__main__":
    asyncio.run(main())
