"""Model files with random weights, small, of architectures that ComfyUI's own loaders know."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file


def write_esrgan(path: Path, width: int = 8, growth: int = 32) -> None:
    """An ESRGAN upscaler, four times larger, of one block, with the names of the first release."""
    generator = torch.Generator().manual_seed(1)
    weights: dict[str, torch.Tensor] = {}

    def conv(name: str, n_in: int, n_out: int) -> None:
        weights[f"{name}.weight"] = torch.randn(n_out, n_in, 3, 3, generator=generator) * 0.05
        weights[f"{name}.bias"] = torch.zeros(n_out)

    conv("model.0", 3, width)
    for dense in (1, 2, 3):
        for i in range(5):
            n_out = growth if i < 4 else width
            conv(f"model.1.sub.0.RDB{dense}.conv{i + 1}.0", width + i * growth, n_out)
    conv("model.1.sub.1", width, width)
    conv("model.3", width, width)
    conv("model.6", width, width)
    conv("model.8", width, width)
    conv("model.10", width, 3)
    save_file(weights, path)


def write_taesd(folder: Path) -> None:
    """Encoder and decoder of TAESD: 64 channels everywhere, and 4 in the latent."""
    generator = torch.Generator().manual_seed(2)

    def conv(weights: dict, name: str, n_in: int, n_out: int, bias: bool = True) -> None:
        weights[f"{name}.weight"] = torch.randn(n_out, n_in, 3, 3, generator=generator) * 0.05
        if bias:
            weights[f"{name}.bias"] = torch.zeros(n_out)

    def block(weights: dict, name: int) -> None:
        for i in (0, 2, 4):
            conv(weights, f"{name}.conv.{i}", 64, 64)

    encoder: dict[str, torch.Tensor] = {}
    conv(encoder, "0", 3, 64)
    for i in (1, 3, 4, 5, 7, 8, 9, 11, 12, 13):
        block(encoder, i)
    for i in (2, 6, 10):
        conv(encoder, str(i), 64, 64, bias=False)
    conv(encoder, "14", 64, 4)
    decoder: dict[str, torch.Tensor] = {}
    conv(decoder, "1", 4, 64)
    for i in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
        block(decoder, i)
    for i in (7, 12, 17):
        conv(decoder, str(i), 64, 64, bias=False)
    conv(decoder, "19", 64, 3)
    save_file(encoder, folder / "taesd_encoder.safetensors")
    save_file(decoder, folder / "taesd_decoder.safetensors")
