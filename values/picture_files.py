"""Pictures: a file to float32 in 0..1, `[batch, height, width, channels]`, as ComfyUI's IMAGE.

numpy does it: whoever wants a tensor has torch already.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_SEVERAL_PICTURES_OF_ONE = ("MPO",)  # of a camera: a preview and the like, no frames


def open_image_as_tensor(path: str | Path) -> torch.Tensor:
    """Read a picture; of an animated one the first frame.

    EXIF orientation is applied; transparency is dropped, like ComfyUI's LoadImage does; 16-bit and
    palette pictures become RGB.

    Returns:
        float32 tensor `[1, height, width, 3]` in 0..1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a picture that can be read.
    """
    import torch

    with _opened(path) as frames:
        return torch.from_numpy(_rgb(next(frames)))


def open_frames(path: str | Path) -> Any:
    """Read a picture, or all frames of an animated one that have the size of the first.

    Source: LoadImage in ComfyUI nodes.py (0.3.64; 0.33 for WEBP).

    Returns:
        A float32 array `[frames, height, width, 3]`.

    Raises: as `open_image_as_tensor`.
    """
    import numpy

    with _opened(path) as frames:
        found = [_rgb(frame) for frame in frames]
    return numpy.concatenate([frame for frame in found if frame.shape == found[0].shape])


def open_mask_as_tensor(path: str | Path) -> torch.Tensor:
    """Read what is transparent in a picture, turned as EXIF says.

    Source: LoadImage in ComfyUI nodes.py: a mask is 1 where the picture is transparent.

    Returns:
        float32 tensor `[1, height, width]` in 0..1; zeros for a picture without transparency.

    Raises: as `open_image_as_tensor`.
    """
    import numpy
    import torch

    with _opened(path) as frames:
        first = next(frames)
        if has_transparency(first):
            return torch.from_numpy(transparency(first))
        return torch.from_numpy(numpy.zeros((1, first.height, first.width), numpy.float32))


def open_drawn_mask(path: str | Path) -> Any:
    """Read a mask: what is transparent in a picture; of one without transparency, how light it is.

    Returns:
        A float32 array `[frames, height, width]`, of the frames that have the size of the first.

    Raises: as `open_image_as_tensor`.
    """
    import numpy

    with _opened(path) as frames:
        found = [
            transparency(f) if has_transparency(f) else _as_floats(_in_bytes(f).convert("L"))
            for f in frames
        ]
    return numpy.concatenate([frame for frame in found if frame.shape == found[0].shape])


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[Iterator[Image]]:
    """The frames of a file, turned as EXIF says. What fails later, while it is read, is a
    ValueError, too.
    """
    from PIL import Image, ImageOps, ImageSequence

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no picture {path}. Check the path.")
    try:
        with Image.open(path, formats=picture_formats()) as image:
            frames: Any = ImageSequence.Iterator(image)
            if image.format in _SEVERAL_PICTURES_OF_ONE:
                frames = iter((image,))
            yield map(ImageOps.exif_transpose, frames)
    except unreadable() as e:
        raise ValueError(f"{path} is not a picture that can be read: {e}") from e


def picture_formats() -> tuple[str, ...]:
    """What Pillow may take a file for, whatever its name ends with.

    Not for PostScript, which is a program: Pillow has Ghostscript run it, where that is installed.
    """
    from PIL import Image

    Image.init()
    return tuple(name for name in Image.ID if name != "EPS")


def unreadable() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that are damaged, no pictures, or larger than its limit."""
    from PIL import Image

    return (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def has_transparency(image: Image) -> bool:
    """Whether a picture says of any pixel how transparent it is."""
    return "A" in image.getbands() or "transparency" in image.info


def transparency(image: Image) -> Any:
    """How transparent a picture is: a float32 array `[1, height, width]`, 1 where it is wholly."""
    import numpy

    return numpy.float32(1.0) - _as_floats(image.convert("RGBA").getchannel("A"))


def _rgb(image: Image) -> Any:
    return _as_floats(_in_bytes(image).convert("RGB"))


def _in_bytes(image: Image) -> Image:
    """16 bit as 8 bit: in 0..65535 there (LoadImage in ComfyUI nodes.py)."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value * (1 / 255))
    return image


def _as_floats(image: Image) -> Any:
    import numpy

    return (numpy.asarray(image, dtype=numpy.float32) / numpy.float32(255.0))[None]
