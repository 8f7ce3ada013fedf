"""The user's ComfyUI and the nested one share a GPU."""

from __future__ import annotations

import sys

import pytest
from custom_nodes.discomfort.worker.launch.find_comfyui import find_python
from support.checkpoint import CHECKPOINT, write_models
from support.gpu import needs_gpu, used_bytes

from .outer import client_of, runner, show, started

MB = 1 << 20


@needs_gpu
@pytest.mark.timeout(600)
async def test_the_user_s_comfyui_lets_go_of_its_models_when_asked(comfyui, tmp_path):
    """`free_models` of a runner node: the outer ComfyUI's models, before the nested one works."""
    write_models(tmp_path / "models", comfyui.path, find_python(comfyui.path) or sys.executable)
    sample = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a cat"}},
        "3": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 256, "height": 256, "batch_size": 1},
        },
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
                "seed": 1,
                "steps": 1,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "5": {"class_type": "SaveLatent", "inputs": {"samples": ["4", 0], "filename_prefix": "x"}},
    }
    held: list[int] = []
    with started(comfyui, tmp_path, on_cpu=False) as outer:
        async with client_of(outer) as client:
            await client.execute(sample, timeout=180)
            for free in (False, True):
                # With the loader, which ComfyUI would else let go of by itself.
                node = runner("loop_text.json", values=f"text = {free}", free_models=free)
                prompt = {**sample, "6": node, "7": show(["6", 0])}
                await client.execute(prompt, timeout=180)
                held.append(used_bytes())
    assert held[0] - held[1] > 1000 * MB, held  # the nested one has loaded nothing
