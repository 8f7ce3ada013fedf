"""A checkpoint of the shape of Stable Diffusion 1.5, cut into four workflows as people draw them.

The weights are random: what is shown is that ComfyUI loads such a file once, and that each picture
is made of the inputs that it was asked for.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import UnopenedValueError
from custom_nodes.discomfort.worker.client.events import NodeStarted
from custom_nodes.discomfort.worker.launch.find_comfyui import find_python
from support.checkpoint import show_models, write_models
from support.servers import real_servers, worker_for_many

STEPS = ("encode", "sample_latent", "decode")
SIDE = 64  # pixels: 8 x 8 in the latent, which a processor without an accelerator can do


SIZES = ["small", pytest.param("full", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SIZES)
def size(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def make_models(tmp_path_factory) -> Iterator[Callable[[str], Path]]:
    """Makes a folder of models with one checkpoint and one LoRA, of a size: once for all servers,
    to which such a file is the same.
    """
    made: dict[str, Path] = {}

    def make(size: str) -> Path:
        if size not in made:
            made[size] = tmp_path_factory.mktemp("models")
            comfyui = real_servers()[0].path
            python = find_python(comfyui) or sys.executable
            write_models(made[size], comfyui, python, small=size == "small")
        return made[size]

    yield make
    for folder in made.values():
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def worker(size, server, make_models, tmp_path_factory) -> Iterator[ComfyConnector | None]:
    """A worker that sees these models; a server of ours has none."""
    if server.is_fake:
        yield None
        return
    folder = tmp_path_factory.mktemp("worker")
    arguments = show_models(make_models(size), folder / "paths.yaml")
    with worker_for_many(server, folder, arguments) as connector:
        yield connector


@pytest.fixture
async def discomfort(worker, leaves_nothing):
    """Begins with nothing loaded."""
    if worker is None:
        yield None
        return
    made = Discomfort(worker)
    yield made
    await made.free()
    made._engine.contexts.close()


def values(i: int) -> dict:
    return {
        "positive_text": f"picture {i} of a lighthouse",
        "seed": i,
        "lora_strength": i / 4,
        "steps": 1,
        "size": SIDE,
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "kinds",
    [
        "MODEL CLIP VAE CONDITIONING",
        pytest.param("MODEL", marks=pytest.mark.slow),
        pytest.param("CLIP VAE", marks=pytest.mark.slow),
    ],
)
@pytest.mark.one_version
async def test_models_by_value_make_the_same_picture(discomfort, workflows, size, kinds):
    """By value costs the memory of a copy; but who has set a type to val gets what he asked for."""
    if discomfort is None or size == "full":
        return  # what holds does not depend on the size
    steps = [workflows / f"{name}.json" for name in STEPS]
    made = await discomfort.run([workflows / "load_model.json", *steps], values(3))
    by_value = Discomfort(discomfort.Worker)
    by_value.Tools.pass_by_rules = discomfort.Tools.pass_by_rules | dict.fromkeys(
        kinds.split(), "val"
    )
    with discomfort.Context() as context:
        loaded = await by_value.run(workflows / "load_model.json", context=context)
        for unique_id in loaded:
            is_value = unique_id.upper() in kinds.split()
            info = context.get_storage_info(unique_id)
            assert info["pass_by"] == ("val" if is_value else "ref"), unique_id
            assert info["size"] > 50 << 20 or not is_value, unique_id
        results = await by_value.run(steps, values(3), context=context)
        assert torch.equal(results["picture"], made["picture"])
    if "MODEL" in kinds.split():  # this process has no ComfyUI: the model is to be handed on
        with pytest.raises(UnopenedValueError, match=r"comfy\.model_patcher.*pass_by_rules\.json"):
            loaded["model"].clone()
        results = await by_value.run(steps, values(3) | loaded)
        assert torch.equal(results["picture"], made["picture"])


@pytest.mark.timeout(1200)
@pytest.mark.one_version
async def test_pictures_of_four_workflows_load_one_checkpoint(discomfort, workflows, size):
    if discomfort is None:
        return
    started: Counter[str] = Counter()

    def listen(event) -> None:
        if isinstance(event, NodeStarted):
            started[event.node_type] += 1

    steps = [workflows / f"{name}.json" for name in STEPS]

    async def picture(context, **inputs) -> torch.Tensor:
        results = await discomfort.run(steps, inputs, context=context, on_event=listen)
        assert set(results) == {"positive", "negative", "latent", "picture"}
        return results["picture"].clone()

    base = values(0)
    asked = [values(i) for i in range(10)] if size == "full" else [base]
    # Then one input changed at a time.
    changed = {"positive_text": "a cat", "seed": 77, "lora_strength": 1.0}
    asked += [{**base, name: value} for name, value in changed.items()]
    with discomfort.Context() as context:
        made = await discomfort.run(workflows / "load_model.json", context=context)
        assert set(made) == {"model", "clip", "vae"} and not started
        pictures = [await picture(context, **inputs) for inputs in asked]
        assert torch.equal(await picture(context, **base), pictures[0])
    assert started["CheckpointLoaderSimple"] == 1
    assert started["KSampler"] >= len(asked)
    for i, one in enumerate(pictures):
        assert one.shape == (1, SIDE, SIDE, 3) and one.isfinite().all() and one.std() > 0
        assert not any(torch.equal(one, other) for other in pictures[:i]), asked[i]
