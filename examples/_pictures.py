"""What the examples share: measures of a picture, and the contact sheet that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# A measure that reaches its goal counts as 100 %. The brightness of a pixel lies in 0..1.
CONTRAST_GOAL = 0.75  # between the 2 % darkest and the 2 % brightest pixels
DETAIL_GOAL = 0.22  # step from pixel to pixel that 1 % of the pixels exceed
NOISE_LIMIT = 0.0035  # part of the contrast that is noise


@dataclass(frozen=True)
class Measures:
    """How good a picture is. All but `brightness` are parts of their goals, 0..1."""

    brightness: float
    contrast: float
    detail: float
    smooth: float

    @property
    def score(self) -> float:
        return (self.contrast + self.detail + self.smooth) / 3


@dataclass(frozen=True)
class Step:
    """One picture of the loop: what made it, and what it is worth."""

    name: str
    settings: str
    picture: Any
    measures: Measures


def measure(picture: Any) -> Measures:
    """Measure the first picture of a batch `[batch, height, width, 3]` in 0..1."""
    light = np.asarray(picture[0, ..., :3]) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    dark, bright = np.percentile(light, [2, 98])
    down, right = np.gradient(light)
    detail = np.percentile(np.hypot(down, right), 99)
    # Noise after J. Immerkaer (1996): this mask is blind to flat areas, slopes and straight edges.
    twice = light[:, :-2] - 2 * light[:, 1:-1] + light[:, 2:]
    mask = twice[:-2] - 2 * twice[1:-1] + twice[2:]
    noise = float(np.sqrt(np.pi / 2) * np.abs(mask).mean() / 6)
    contrast = float(bright - dark)
    return Measures(
        brightness=float(light.mean()),
        contrast=min(1.0, contrast / CONTRAST_GOAL),
        detail=min(1.0, float(detail) / DETAIL_GOAL),
        smooth=min(1.0, NOISE_LIMIT * max(contrast, 0.05) / max(noise, 1e-6)),
    )


def draw_picture(size: int = 512) -> Any:
    """A pale, grainy landscape as a tensor `[1, size, size, 3]`, when there is no other picture."""
    import torch

    y, x = np.mgrid[0:size, 0:size] / size
    picture = np.stack([0.55 + 0.2 * y, 0.6 + 0.1 * y, 0.75 - 0.1 * y], axis=-1)
    picture[(x - 0.68) ** 2 + (y - 0.3) ** 2 < 0.02] = (0.9, 0.8, 0.6)
    picture[y > 0.62 + 0.07 * np.sin(8 * x)] = (0.5, 0.6, 0.5)
    picture[y > 0.75 + 0.05 * np.sin(13 * x + 2)] = (0.35, 0.45, 0.4)
    picture += np.random.default_rng(1).normal(0, 0.02, picture.shape)
    return torch.from_numpy(picture.clip(0, 1).astype(np.float32))[None]


# --- the contact sheet

BACKGROUND, CARD, TEXT, DIM = "#16181d", "#22262e", "#f2f4f8", "#9aa3b2"
GOOD, BAR, EMPTY = "#5ad19a", "#6ea8fe", "#363c48"
THUMB, PAD, CAPTION = 330, 16, 142


def contact_sheet(
    steps: Sequence[Step], best: int, title: str, path: Path, first_number: int = 0
) -> None:
    """Draw all steps with their measures on one PNG; the best, `steps[best]`, has a green frame."""
    columns = min(len(steps), 4)
    height, width = steps[0].picture.shape[1:3]
    thumb_h = max(120, min(THUMB, round(THUMB * height / width)))
    cell_w, cell_h = THUMB + PAD, thumb_h + CAPTION + PAD
    rows = -(-len(steps) // columns)
    sheet = Image.new("RGB", (columns * cell_w + PAD, rows * cell_h + PAD + 64), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((PAD, 20), title, TEXT, _font(28))
    spot = _liveliest_spot(steps[0].picture)
    for i, step in enumerate(steps):
        x, y = PAD + i % columns * cell_w, 64 + PAD + i // columns * cell_h
        edge = GOOD if i == best else CARD
        box = (x - 3, y - 3, x + THUMB + 2, y + thumb_h + CAPTION + 2)
        draw.rounded_rectangle(box, 6, CARD, edge, 3)
        sheet.paste(_thumbnail(step.picture, spot, (THUMB, thumb_h)), (x, y))
        name = f"{first_number + i}  {step.name}"
        _draw_caption(draw, (x + 12, y + thumb_h + 10), name, step, i == best)
    sheet.save(path)


def _draw_caption(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], name: str, step: Step, best: bool
) -> None:
    x, y = at
    right = x + THUMB - 24
    draw.text((x, y), name, TEXT, _font(20))
    score = f"{step.measures.score:.0%}"
    draw.text((right, y), score, GOOD if best else TEXT, _font(20), anchor="ra")
    draw.text((x, y + 29), step.settings, DIM, _font(14))
    for k, measure_name in enumerate(("contrast", "detail", "smooth")):
        value, line = getattr(step.measures, measure_name), y + 56 + 24 * k
        draw.text((x, line), measure_name, DIM, _font(14))
        draw.rounded_rectangle((x + 72, line + 5, right - 46, line + 13), 4, EMPTY)
        if value > 0.03:
            end = x + 72 + round((right - 46 - x - 72) * value)
            draw.rounded_rectangle((x + 72, line + 5, end, line + 13), 4, BAR)
        draw.text((right, line), f"{value:.0%}", DIM, _font(14), anchor="ra")


def _thumbnail(picture: Any, spot: tuple[int, int, int], size: tuple[int, int]) -> Image.Image:
    """The whole picture, and its liveliest spot enlarged in a corner."""
    image = _to_image(picture)
    fitted = Image.new("RGB", size, CARD)
    scale = min(size[0] / image.width, size[1] / image.height)
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    small = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), method
    )
    fitted.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    left, top, side = spot
    if side:
        zoom = image.crop((left, top, left + side, top + side))
        zoom = zoom.resize((96, 96), Image.Resampling.NEAREST)
        fitted.paste("#ffffff", (size[0] - 106, size[1] - 106, size[0] - 6, size[1] - 6))
        fitted.paste(zoom, (size[0] - 104, size[1] - 104))
    return fitted


def _liveliest_spot(picture: Any, side: int = 32) -> tuple[int, int, int]:
    """(left, top, side) of the square with the most contrast; side 0: too small to have one."""
    light = np.asarray(picture[0, ..., :3]).mean(axis=-1)
    rows, columns = light.shape[0] // side, light.shape[1] // side
    if min(rows, columns) < 4:
        return 0, 0, 0
    tiles = light[: rows * side, : columns * side].reshape(rows, side, columns, side)
    row, column = np.unravel_index(tiles.std(axis=(1, 3)).argmax(), (rows, columns))
    return int(column) * side, int(row) * side, side


def _to_image(picture: Any) -> Image.Image:
    pixels = np.asarray(picture[0, ..., :3])
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
