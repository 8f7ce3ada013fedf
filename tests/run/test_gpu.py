"""What only a GPU shows: where values live, what is let go of, and models that don't fit together.

Skipped where torch sees none: no other test depends on one.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ConfigError, NodeFailed
from custom_nodes.discomfort.worker.client.events import NodeStarted
from custom_nodes.discomfort.worker.launch.find_comfyui import find_python
from support.checkpoint import CHECKPOINT, show_models, write_models
from support.gpu import needs_gpu, used_bytes
from support.prompts import port
from support.servers import Server, wait_for

pytestmark = [
    needs_gpu,
    pytest.mark.usefixtures("leaves_nothing"),
    pytest.mark.timeout(600),
]

CHECKPOINTS = (CHECKPOINT, "b.safetensors")
STEPS = ("encode", "sample_latent", "decode")
MB = 1 << 20
VALUES = {"positive_text": "a lighthouse", "seed": 1, "lora_strength": 0.5, "steps": 2, "size": 256}


@pytest.fixture(scope="module")
def models(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two checkpoints of the size of Stable Diffusion 1.5 and a LoRA; gone after the tests."""
    if server.is_fake:
        pytest.skip("the fake server computes nothing")
    folder = tmp_path_factory.mktemp("models")
    write_models(folder, server.path, find_python(server.path) or sys.executable)
    first, second = (folder / "checkpoints" / name for name in CHECKPOINTS)
    os.link(first, second)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def make(server: Server, models: Path, make_connector: Any, tmp_path: Path) -> Iterator[Any]:
    """`await make(*arguments, **of create)`: a facade whose worker sees the models."""
    shown = show_models(models, tmp_path / "paths.yaml")
    made: list[Discomfort] = []

    async def make_one(*arguments: str, **options: Any) -> Discomfort:
        given = [*shown, *arguments]
        made.append(Discomfort(await make_connector(server.path, extra_args=given, **options)))
        return made[-1]

    yield make_one
    for discomfort in made:
        discomfort._engine.contexts.close()


@pytest.fixture
def hog() -> Iterator[Any]:
    """`hog(left)` takes the GPU's memory until so many bytes are free."""
    taken: list[torch.Tensor] = []

    def take(left: int) -> None:
        free, _ = torch.cuda.mem_get_info()
        taken.append(torch.empty(free - left, dtype=torch.uint8, device="cuda"))

    yield take
    taken.clear()
    torch.cuda.empty_cache()


def load(unique_id: str, checkpoint: str) -> dict[str, Any]:
    """The three models of a checkpoint, one port each."""
    loader = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}}
    names = ("model", "clip", "vae")
    ports = {name: port(f"{name}{unique_id}", ["1", slot]) for slot, name in enumerate(names)}
    return {"1": loader, **ports}


async def picture(discomfort: Discomfort, workflows: Path, context: Any, **options: Any) -> Any:
    steps = [workflows / f"{name}.json" for name in STEPS]
    results = await discomfort.run(steps, VALUES, context=context, **options)
    made = results["picture"]
    assert made.shape == (1, 256, 256, 3) and made.isfinite().all() and made.std() > 0
    return made.clone()


async def test_values_of_a_gpu_come_and_go_exactly(make):
    discomfort = await make()
    given = torch.rand(1, 8, 8, 3)
    to_gpu = {
        "1": port("picture"),
        "2": {"class_type": "StubToGpu", "inputs": {"image": ["1", 0]}},
        "3": port("moved", ["2", 0]),
        "4": port("latent", ["2", 1]),
    }
    invert = {
        "1": port("moved"),
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": port("inverted", ["2", 0]),
    }
    with discomfort.Context() as context:
        results = await discomfort.run(to_gpu, {"picture": given}, context=context)
        assert results["moved"].is_cuda and results["latent"]["samples"].is_cuda
        assert torch.equal(results["moved"].cpu(), given)
        assert results["latent"]["samples"].dtype == torch.bfloat16
        assert torch.equal(results["latent"]["samples"].cpu(), given.movedim(-1, 1).bfloat16())
        results = await discomfort.run(invert, context=context)
        assert torch.equal(results["inverted"].cpu(), 1 - given)
        context.save("moved", given.cuda())  # by the script, which has the GPU as well
        results = await discomfort.run(invert, context=context)
        assert torch.equal(results["inverted"].cpu(), 1 - given)


async def test_a_worker_that_keeps_all_on_the_gpu_makes_the_same_picture(make, workflows):
    """With --gpu-only, latents and conditionings between the files are on the GPU."""
    pictures = []
    for arguments in ((), ("--gpu-only",)):
        discomfort = await make(*arguments)
        with discomfort.Context() as context:
            await discomfort.run(workflows / "load_model.json", context=context)
            pictures.append(await picture(discomfort, workflows, context))
        await discomfort.shutdown()
    assert torch.allclose(pictures[0].cpu(), pictures[1].cpu(), atol=0.02)


async def test_free_and_the_worker_s_end_give_the_memory_back(make, workflows):
    at_first = used_bytes()
    discomfort = await make(cuda_device=0)
    with discomfort.Context() as context:
        await discomfort.run(workflows / "load_model.json", context=context)
        await picture(discomfort, workflows, context)
        loaded = used_bytes()
        assert loaded - at_first > 2000 * MB
        await discomfort.free()
        assert loaded - used_bytes() > 1500 * MB
        await picture(discomfort, workflows, context)  # and it can be loaded again
        os.kill(discomfort.Worker.pid, signal.SIGKILL)
        await wait_for(lambda: used_bytes() - at_first < 100 * MB, "the GPU's memory back")


async def test_two_checkpoints_that_do_not_fit_together_take_turns(make, workflows, hog):
    discomfort = await make()
    loads: Counter[str] = Counter()

    def listen(event: Any) -> None:
        if isinstance(event, NodeStarted):
            loads[event.node_type] += 1

    hog(3500 * MB)
    with discomfort.Context() as context:
        pictures = []
        for i in range(6):
            await discomfort.run(load("", CHECKPOINTS[i % 2]), context=context, on_event=listen)
            pictures.append(await picture(discomfort, workflows, context, on_event=listen))
        for one in pictures[1:]:
            assert torch.allclose(one, pictures[0], atol=0.02)  # the files are the same
    assert loads["CheckpointLoaderSimple"] == 2  # what leaves the GPU stays in the machine's memory


async def test_a_loader_without_room_on_the_gpu_gets_that_of_others(make, hog):
    discomfort = await make()
    hog(3000 * MB)

    def large(name: str, size_mb: int = 2000) -> dict[str, Any]:
        inputs = {"name": name, "size_mb": size_mb, "device": "cuda"}
        return {
            "1": {"class_type": "StubLoadLargeModel", "inputs": inputs},
            "2": port(name, ["1", 0]),
        }

    def use(name: str, seed: int) -> dict[str, Any]:
        return {
            "1": port(name),
            "2": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": seed}},
            "3": port("loads", ["2", 1]),
        }

    with discomfort.Context() as context:
        await discomfort.run([large("a"), large("b")], context=context)
        loads = [
            (await discomfort.run(use(name, i), context=context))["loads"]
            for i, name in enumerate("abba")
        ]
        # A load that fails for want of room counts as well as the one that follows.
        assert loads == [1, 2, 2, 3]
        with pytest.raises(NodeFailed, match="(?i)memory"):
            await discomfort.run([large("x", 4000), use("x", 9)], context=context)
        results = await discomfort.run(use("a", 10), context=context)
        assert results["loads"] == 4


async def test_a_device_that_is_not_there_is_told(server, make):
    with pytest.raises(ConfigError, match="cuda_device=99"):
        await make(cuda_device=99)
