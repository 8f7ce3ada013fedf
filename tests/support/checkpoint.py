"""Model files of the shape of Stable Diffusion 1.5, with random weights.

    python tests/support/checkpoint.py COMFYUI_FOLDER CHECKPOINT.safetensors [--small]

The names and shapes come from the classes of the ComfyUI that will load the file, asked in a
process of its own. The full file is 2.1 GB; the small one has one of four levels of the denoiser,
and a whole text encoder and VAE (0.4 GB): ComfyUI knows it as SD 1.5 all the same. No value is
ever NaN: each layer keeps about the scale of what it is given.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

SEED = 15
# What load_model.json and sample_latent.json of test_workflows/ ask for.
CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
LORA = "style.safetensors"
# What ComfyUI finds for Stable Diffusion 1.5 (comfy/model_detection.py, 0.33).
UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 320,
    "use_spatial_transformer": True, "context_dim": 768, "num_heads": 8, "legacy": False,
    "transformer_depth_middle": 1, "use_linear_in_transformer": False,
}  # fmt: skip
LEVELS = {
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1] * 6 + [0] * 2,
    "transformer_depth_output": [1] * 9 + [0] * 3,
}
ONE_LEVEL = {
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
}
VAE = {
    "double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128,
    "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0,
}  # fmt: skip
# For a LoRA: a part of every layer that both sizes have.
LORA_TARGETS = ("attn1.to_q", "attn1.to_v", "attn2.to_q", "attn2.to_v")
LORA_BLOCK = "input_blocks.1.1.transformer_blocks.0"

Shapes = dict[str, list[int]]


def read_shapes(comfyui: Path, python: str | Path, small: bool = False) -> Shapes:
    """`name -> shape` of a checkpoint, as that ComfyUI's own classes have them."""
    command = [str(python), str(Path(__file__).resolve()), "--shapes"]
    done = subprocess.run(
        [*command, *(["--small"] if small else [])],
        cwd=comfyui,
        env={**os.environ, "PYTHONPATH": str(comfyui.resolve())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"The ComfyUI in {comfyui} gave no shapes:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def shapes_here(small: bool) -> Shapes:
    """`read_shapes` within ComfyUI's folder and with its Python."""
    sys.argv = ["main.py", "--cpu"]
    import comfy.options  # type: ignore[import-not-found]

    comfy.options.enable_args_parsing()
    import comfy.ops  # type: ignore[import-not-found]
    import torch
    from comfy.clip_model import CLIPTextModel  # type: ignore[import-not-found]
    from comfy.ldm.models.autoencoder import AutoencoderKL  # type: ignore[import-not-found]
    from comfy.ldm.modules.diffusionmodules import openaimodel  # type: ignore[import-not-found]

    operations = comfy.ops.disable_weight_init
    options: dict[str, Any] = {"dtype": torch.float16, "device": "meta", "operations": operations}
    config = json.loads(Path("comfy/sd1_clip_config.json").read_text())
    levels = ONE_LEVEL if small else LEVELS
    with torch.device("meta"):
        parts = {
            "model.diffusion_model.": openaimodel.UNetModel(**UNET, **levels, **options),
            "cond_stage_model.transformer.": CLIPTextModel(config, **options),
            "first_stage_model.": AutoencoderKL(ddconfig=VAE, embed_dim=4),
        }
    return {
        prefix + name: list(value.shape)
        for prefix, part in parts.items()
        for name, value in part.state_dict().items()
        if "text_projection" not in name  # no checkpoint of SD 1.5 has one
    }


def write_checkpoint(path: Path, shapes: Shapes) -> int:
    """Write random float16 weights, one tensor after the other; the file's size in bytes."""
    import torch

    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = torch.Generator().manual_seed(SEED)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            values = torch.empty(shape, dtype=torch.float16)
            mean, scale = _mean_and_scale(name, shape)
            values.normal_(mean, scale, generator=generator)
            file.write(values.numpy().data)
    return 8 + len(text) + end


def _mean_and_scale(name: str, shape: list[int]) -> tuple[float, float]:
    if "embedding" in name:
        return 0.0, 0.02
    if len(shape) < 2:  # norms multiply by about one; biases add next to nothing
        return (1.0 if name.endswith("weight") else 0.0), 0.02
    return 0.0, 1 / math.sqrt(math.prod(shape[1:]))


def write_lora(path: Path, rank: int = 4, width: int = 320, context: int = 768) -> None:
    """A LoRA over one attention block of the denoiser, strong enough to be seen."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(SEED + 1)
    weights: dict[str, Any] = {}
    for target in LORA_TARGETS:
        name = "lora_unet_" + f"{LORA_BLOCK}.{target}".replace(".", "_")
        n_in = context if target == "attn2.to_v" else width
        weights[f"{name}.lora_down.weight"] = torch.randn(rank, n_in, generator=generator) * 0.2
        weights[f"{name}.lora_up.weight"] = torch.randn(width, rank, generator=generator) * 0.2
        weights[f"{name}.alpha"] = torch.tensor(float(rank))
    save_file(weights, path)


def write_models(folder: Path, comfyui: Path, python: str | Path, small: bool = False) -> int:
    """Make `checkpoints/` with a checkpoint and `loras/` with a LoRA; the checkpoint's bytes."""
    for name in ("checkpoints", "loras"):
        (folder / name).mkdir(parents=True)
    write_lora(folder / "loras" / LORA)
    shapes = read_shapes(comfyui, python, small)
    return write_checkpoint(folder / "checkpoints" / CHECKPOINT, shapes)


def show_models(folder: Path, paths: Path) -> list[str]:
    """The arguments that let a ComfyUI see these folders, and the file `paths` for them."""
    folders = {"base_path": str(folder), "checkpoints": "checkpoints", "loras": "loras"}
    paths.write_text(json.dumps({"test": folders}))  # JSON is YAML
    return ["--extra-model-paths-config", str(paths)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("comfyui", type=Path, nargs="?")
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--shapes", action="store_true", help="within ComfyUI's folder: print them")
    args = parser.parse_args()
    if args.shapes:
        print(json.dumps(shapes_here(args.small)))
        return
    if args.comfyui is None or args.path is None:
        parser.error("the folder of a ComfyUI and the file to write are needed")
    shapes = read_shapes(args.comfyui, sys.executable, args.small)
    size = write_checkpoint(args.path, shapes)
    print(f"{args.path}: {len(shapes)} tensors, {size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
