"""What a block says of its arrays, tensors and images, looked at before any memory is made of it.

Used by `rebuild.py`. A shape that is none, or that needs more bytes than there are, would be read
from memory that is not the value's, or fill all that there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from .data_limits import too_much

# More than a tensor of a stranger's may seem to have by strides that repeat its bytes.
MOST_REPEATED_BYTES = 1 << 30
_MOST_WITHOUT_BYTES = 1 << 20  # elements of a dtype that takes none
_DEVICE = re.compile(r"[a-z]{1,20}(:\d{1,4})?")
_PIXEL_BYTES = {
    **dict.fromkeys(("L", "P"), 1),
    **dict.fromkeys(("LA", "La", "PA", "I;16", "I;16L", "I;16B", "I;16N"), 2),
    **dict.fromkeys(("RGB", "YCbCr", "LAB", "HSV"), 3),
    **dict.fromkeys(("RGBA", "RGBa", "RGBX", "CMYK", "I", "F"), 4),
}
# Beside floats and complex; "quint8" and its kin have a scale that is nowhere in the bytes.
_WHOLE_TORCH = re.compile(r"bool|u?int\d+|bits\d+(x\d+)?")


def check_shape(shape: Any) -> int:
    """How many elements there are.

    Raises:
        ValueError: it is no shape.
    """
    if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"{type(shape).__name__} is no shape")
    count = math.prod(shape)
    if len(shape) > 64 or max(count, *shape, 0) >= 1 << 62:
        raise ValueError("no array has such a shape")
    return count


def check_array(shape: Any, itemsize: int, size_bytes: int) -> None:
    """See that raw bytes do for an array."""
    count = check_shape(shape)
    if count * itemsize > size_bytes:
        raise ValueError(f"{size_bytes} bytes are too few for an array of {count} elements")
    if not itemsize and count > _MOST_WITHOUT_BYTES:
        too_much("millions of elements without any bytes")


def check_strides(
    shape: tuple, stride: Any, start: int, size_bytes: int, itemsize: int, is_bounded: bool
) -> None:
    """See that all elements of a tensor lie within a buffer.

    Args:
        start: the byte of the buffer where it begins.
        is_bounded: it may not seem to be much more than there is.
    """
    count = check_shape(shape)
    check_shape(stride)
    if len(stride) != len(shape) or start < 0 or start % itemsize:
        raise ValueError("its strides do not fit its shape")
    last = sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if count else -1
    if start + (last + 1) * itemsize > size_bytes:
        raise ValueError("a tensor leads out of its buffer")
    if is_bounded and count * itemsize > max(MOST_REPEATED_BYTES, size_bytes):
        too_much("a tensor that repeats its bytes more often than any value does")


def check_parts(torch: Any, tensors: Iterable[Any]) -> None:
    """See that other tensors can be made of these: of bytes that are there, each once."""
    for t in tensors:
        is_plain = isinstance(t, torch.Tensor) and t.layout is torch.strided and not t.is_nested
        if not is_plain or not t.is_contiguous():
            raise ValueError("a tensor is made of tensors that are no plain ones")


def find_torch_dtype(torch: Any, name: Any) -> Any:
    """The dtype of that name."""
    kind = getattr(torch, name, None) if isinstance(name, str) else None
    if not isinstance(kind, torch.dtype):
        raise KeyError(f"torch {torch.__version__} has no dtype {name!r:.40}")
    return kind


def check_torch_dtype(torch: Any, name: Any) -> Any:
    """The dtype of that name: numbers only. Of what is quantised raw bytes are not all there is."""
    kind = find_torch_dtype(torch, name)
    if not (kind.is_floating_point or kind.is_complex or _WHOLE_TORCH.fullmatch(name)):
        raise ValueError(f"torch.{name} is no dtype of raw bytes")
    return kind


def check_device(name: Any) -> str:
    if not isinstance(name, str) or not _DEVICE.fullmatch(name):
        raise ValueError("this is no name of a device")
    return name


def check_image(mode: Any, size: Any, size_bytes: int, is_bounded: bool) -> None:
    """See that the bytes of an image are those of its size: Pillow makes room before it looks."""
    check_shape(size)
    if len(size) != 2 or not isinstance(mode, str):
        raise ValueError("an image has a mode and two sides")
    width, height = size
    per_pixel = _PIXEL_BYTES.get(mode)
    if mode == "1":
        expected = -(-width // 8) * height
    elif per_pixel is not None:
        expected = width * height * per_pixel
    elif is_bounded:
        raise ValueError(f"the mode {mode!r:.20} is not known")
    else:
        return
    if expected != size_bytes:
        raise ValueError(f"{size_bytes} bytes are no image of {width} x {height}, {mode}")
