"""References to models that ComfyUI's own loaders read: small files with random weights."""

from __future__ import annotations

import json

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.client.events import NodeStarted
from support.prompts import port
from support.small_weights import write_esrgan, write_taesd


def load(kind: str, unique_id: str, **inputs) -> dict:
    return {"1": {"class_type": kind, "inputs": inputs}, "2": port(unique_id, ["1", 0])}


UPSCALE = {
    "1": port("upscaler"),
    "2": port("picture"),
    "3": {
        "class_type": "ImageUpscaleWithModel",
        "inputs": {"upscale_model": ["1", 0], "image": ["2", 0]},
    },
    "4": port("large", ["3", 0]),
}
ENCODE = {
    "1": port("vae"),
    "2": port("picture"),
    "3": {"class_type": "VAEEncode", "inputs": {"vae": ["1", 0], "pixels": ["2", 0]}},
    "4": port("latent", ["3", 0]),
}
DECODE = {
    "1": port("vae"),
    "2": port("latent"),
    "3": {"class_type": "VAEDecode", "inputs": {"vae": ["1", 0], "samples": ["2", 0]}},
    "4": port("decoded", ["3", 0]),
}


@pytest.fixture
async def small(leaves_nothing, make_connector, server, tmp_path):
    """A worker with a folder of small models."""
    if server.is_fake:
        yield None
        return
    for name in ("upscale_models", "vae_approx"):
        (tmp_path / name).mkdir()
    write_esrgan(tmp_path / "upscale_models" / "tiny.safetensors")
    write_taesd(tmp_path / "vae_approx")
    paths = tmp_path / "paths.yaml"
    folders = {"upscale_models": "upscale_models", "vae_approx": "vae_approx"}
    paths.write_text(json.dumps({"test": {"base_path": str(tmp_path), **folders}}))
    arguments = ["--extra-model-paths-config", str(paths)]
    discomfort = Discomfort(await make_connector(server.path, extra_args=arguments))
    yield discomfort
    discomfort._engine.contexts.close()


async def test_an_upscaler_and_a_vae_that_take_turns_are_loaded_once(small, tmp_path):
    if small is None:
        return  # a server of ours has no models
    loaded: list = []

    def listen(event) -> None:
        if isinstance(event, NodeStarted) and str(event.node_id).startswith("ref-"):
            loaded.append(event.node_id)

    with small.Context() as context:
        loaders = [
            load("UpscaleModelLoader", "upscaler", model_name="tiny.safetensors"),
            load("VAELoader", "vae", vae_name="taesd"),
        ]
        made = await small.run(loaders, context=context, on_event=listen)
        assert not loaded and set(made) == {"upscaler", "vae"}
        for level in (0.1, 0.5, 0.9):
            picture = {"picture": torch.full((1, 32, 32, 3), level)}
            steps = [UPSCALE, ENCODE, DECODE]
            results = await small.run(steps, picture, context=context, on_event=listen)
            assert results["large"].shape == (1, 128, 128, 3)
            assert results["latent"]["samples"].shape == (1, 4, 4, 4)
            assert results["decoded"].shape == (1, 32, 32, 3)
        assert len(loaded) == len(set(loaded)) == 2
        context.export_reference("vae", tmp_path / "vae.json")
        await small.free()
        again = await small.run([tmp_path / "vae.json", ENCODE, DECODE], picture, on_event=listen)
        assert len(loaded) == 3
        assert torch.equal(again["decoded"], results["decoded"])
