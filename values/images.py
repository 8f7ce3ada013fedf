"""Pictures: a tensor `[batch, height, width, channels]`, float32 in 0..1, as ComfyUI's IMAGE, to
PIL images and to files. `picture_files.py` is the way back.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..system.files import write_file
from .what_it_is import check_opened, is_picture

if TYPE_CHECKING:
    from PIL.Image import Image

# Ending -> what Pillow calls the format, and how it is written.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}


def encode_jpeg(tensor: Any, max_side: int) -> list[bytes]:
    """Each picture of a batch as a JPEG file, made smaller where a side is longer than `max_side`.

    Args:
        tensor: as `save_comfy_image_to_disk` takes it.
    """
    files = []
    for array in as_batch(tensor):
        picture = _to_pil(array).convert("RGB")
        picture.thumbnail((max_side, max_side))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


def save_comfy_image_to_disk(tensor: Any, path: str | Path) -> list[Path]:
    """Write a picture, or a batch as numbered files (`name_0001.png` ...). The folder is made.

    Args:
        tensor: `[height, width, channels]` or `[batch, height, width, channels]`, 0..1, with 1
            (grey), 3 (RGB) or 4 (RGBA) channels; a mask `[height, width]`. Torch or numpy. Also
            uint8 in 0..255 and uint16 in 0..65535.
        path: its ending names the format: .png, .jpg, .jpeg, .webp, .tif or .tiff. JPEG has no
            transparency: it is dropped. A file that is there is replaced.

    Returns:
        The files that were written.

    Raises:
        ValueError: a shape or a type that is no picture, or an ending that is not known.
        UnopenedValueError: what a run gave in place of a picture; says why.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: the ending must be one of {', '.join(FORMATS)}.")
    pictures = as_pictures(tensor)
    path.parent.mkdir(parents=True, exist_ok=True)
    targets = numbered(path, len(pictures))
    for picture, target in zip(pictures, targets, strict=True):
        write_file(target, picture_writer(picture, path.suffix))
    return targets


def numbered(path: Path, count: int) -> list[Path]:
    """The files that several values of one name go to: `name_0001.png` ...; of one, the name."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}_{i:04d}{path.suffix}") for i in range(1, count + 1)]


def picture_writer(picture: Image, ending: str) -> Callable[[IO[bytes]], None]:
    """What writes a picture in the format of an ending; JPEG drops transparency."""
    kind, options = FORMATS[ending.lower()]
    if kind == "JPEG" and picture.mode == "RGBA":
        picture = picture.convert("RGB")
    return lambda file: picture.save(file, kind, **options)


def as_pictures(tensor: Any) -> list[Image]:
    """A tensor as PIL pictures, one for each of the batch; shapes as `save_comfy_image_to_disk`
    takes them. A PIL picture is itself.

    Raises:
        ValueError: a shape or a type that is no picture.
    """
    if is_picture(tensor):
        return [tensor]
    return [_to_pil(array) for array in as_batch(tensor)]


def as_batch(tensor: Any) -> list[Any]:
    """A list of uint8 arrays `[height, width]` or `[height, width, channels]`."""
    import numpy

    check_opened(tensor)
    array = numpy.asarray(as_array(tensor))
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] not in (1, 3, 4)):
        array = array.reshape(-1, *array.shape[-2:], 1)  # a mask, or a batch of masks
    elif array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"A picture has the shape [height, width, channels] or [batch, height, width, "
            f"channels] with 1, 3 or 4 channels, not {list(array.shape)}."
        )
    return list(_as_bytes(array))


def as_array(tensor: Any) -> Any:
    """A tensor as what numpy takes; anything else as it is."""
    if not hasattr(tensor, "detach"):
        return tensor
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def _as_bytes(array: Any) -> Any:
    """0..1, or whole numbers over their own range, as uint8: the types that `run()` takes."""
    import numpy

    if array.dtype == numpy.uint8:
        return array
    if array.dtype.name == "uint16":  # in any order of its bytes
        array = array / 65535.0
    elif array.dtype.kind not in "bf":
        raise ValueError(
            f"A picture has floats in 0..1, uint8 (0..255) or uint16 (0..65535), not {array.dtype}."
        )
    return numpy.clip(numpy.nan_to_num(array) * 255.0, 0, 255).round().astype(numpy.uint8)


def _to_pil(array: Any) -> Any:
    from PIL import Image

    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
