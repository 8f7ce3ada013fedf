"""Small pictures of stored values, for tables."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from ..values.images import as_pictures

SIDE = 256  # pixels: sharp at 128 on a screen with two pixels a point
_QUALITY = 80


class Thumbnail(NamedTuple):
    """A JPEG, and what it was made of: size in pixels, shape of the tensor, pictures in all."""

    data: bytes
    width: int
    height: int
    shape: list[int]
    total: int

    def about(self) -> dict[str, Any]:
        """All but the picture itself, as a record keeps it."""
        size = {"width": self.width, "height": self.height}
        return {**size, "shape": self.shape, "count": self.total}


def make_thumbnail(value: Any) -> Thumbnail | None:
    """The first picture of an IMAGE or MASK, or of a list of these, made small.

    None for what is no picture. Only every n-th pixel of a large one is read: the memory that a
    value is mapped from is not touched as a whole.
    """
    from PIL import Image

    values = value if isinstance(value, (list, tuple)) else [value]
    if not values or not all(_is_picture(v) for v in values):
        return None
    first = values[0]
    while len(first.shape) > (3 if first.shape[-1] in (1, 3, 4) else 2):
        first = first[0]
    height, width = int(first.shape[0]), int(first.shape[1])
    step = max(1, max(height, width) * 4 // (5 * SIDE))
    picture = as_pictures(first[::step, ::step])[0].convert("RGB")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    shape = [int(n) for n in values[0].shape]
    return Thumbnail(buffer.getvalue(), width, height, shape, sum(map(_count, values)))


def _is_picture(value: Any) -> bool:
    """Whether its shape is one of `save_comfy_image_to_disk`."""
    shape = getattr(value, "shape", None)
    if shape is None or not hasattr(value, "dtype") or 0 in shape:
        return False
    return len(shape) in (2, 3) or (len(shape) == 4 and shape[-1] in (1, 3, 4))


def _count(value: Any) -> int:
    is_batch = len(value.shape) == 4 or (len(value.shape) == 3 and value.shape[-1] not in (1, 3, 4))
    return int(value.shape[0]) if is_batch else 1
