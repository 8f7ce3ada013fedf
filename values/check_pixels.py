"""Whether a value can be a picture or a mask, by shapes and types; see `checks.py`."""

from __future__ import annotations

from os import PathLike
from typing import Any, NoReturn

from .what_it_is import describe, dtype_of, is_array, is_picture, is_tensor

_STORED_PATH = (
    "A path is opened only if this script itself gave it, in inputs or with save(): give it so, or "
    "what is in its file (discomfort.Tools.open_image_as_tensor(path) for a picture)."
)
# What numbers in 0..1 never are, and in 0..255 nearly always; tensors are ComfyUI's own, and may.
_LARGEST_FLOAT = 8.0
_NO_COLORS = ("LAB", "La", "RGBa")  # of Pillow's modes, those that it makes no RGB of
_INTEGERS = ("uint8", "uint16")


def refuse(unique_id: str, value: Any, expected: str, hint: str = "") -> NoReturn:
    text = f"The value of {unique_id!r} is {describe(value)}; expected {expected}."
    raise TypeError(f"{text} {hint}".rstrip())


def _check_pixels(unique_id: str, value: Any, expected: str) -> None:
    """A tensor or an array of numbers that have a range."""
    if not (is_tensor(value) or is_array(value)) or not is_numeric(value):
        refuse(unique_id, value, expected, hint_for_path(value))
    if is_integer(value) and dtype_of(value) not in _INTEGERS:
        raise TypeError(
            f"The value of {unique_id!r} is {describe(value)}: integers must be uint8 (0..255) or "
            f"uint16. Expected {expected} in 0..1."
        )


def hint_for_path(value: Any) -> str:
    """What to do about a path, or a text that may be meant for one."""
    item = value[0] if isinstance(value, list) and value else value
    return _STORED_PATH if isinstance(item, PathLike) else ""


def _check_floats(unique_id: str, value: Any) -> None:
    """An array of floats in 0..255 is no picture, and would become one that is white."""
    if is_array(value) and value.dtype.kind == "f" and value.size and value.max() > _LARGEST_FLOAT:
        raise ValueError(
            f"The value of {unique_id!r} is {describe(value)} with numbers up to "
            f"{float(value.max()):g}; floats are in 0..1. Divide them by 255, or give uint8. (A "
            "tensor is taken as it is.)"
        )


def _check_picture(unique_id: str, image: Any) -> None:
    """An image of Pillow: one that has pixels, and colours that are known."""
    if 0 in image.size or image.mode in _NO_COLORS:
        what = f"a picture of {image.width} x {image.height} in mode {image.mode}"
        raise ValueError(
            f"The value of {unique_id!r} is {what}; expected one with pixels, in a mode that "
            'becomes RGB: image.convert("RGB").'
        )
    if image.mode == "F" and image.getextrema()[1] > _LARGEST_FLOAT:
        raise ValueError(
            f"The value of {unique_id!r} is a picture in mode F with numbers up to "
            f"{image.getextrema()[1]:g}; floats are in 0..1. Divide them, or give image.convert"
            '("L").'
        )


def is_numeric(value: Any) -> bool:
    if is_array(value):
        return value.dtype.kind in "biuf"
    return dtype_of(value).startswith(("float", "bfloat", "int", "uint", "bool"))


def is_integer(value: Any) -> bool:
    if is_array(value):
        return value.dtype.kind in "iu"
    return dtype_of(value).startswith(("int", "uint"))


def check_image(unique_id: str, value: Any) -> None:
    if is_picture(value):
        return _check_picture(unique_id, value)
    _check_pixels(unique_id, value, "IMAGE: a float32 tensor [batch, height, width, channels]")
    shape = tuple(value.shape)
    if len(shape) == 2 or (len(shape) in (3, 4) and shape[-1] in (1, 3, 4)):
        return _check_floats(unique_id, value)
    hint = ""
    if len(shape) > 2 and shape[-3] in (3, 4):
        moved = "numpy.moveaxis(array, " if is_array(value) else "tensor.movedim("
        hint = f" The channels come first here: use {moved}-3, -1)."
    elif len(shape) == 4 and shape[1] == 1:
        hint = " A mask needs channels to be a picture: use mask[..., None]."
    raise ValueError(
        f"The value of {unique_id!r} is {describe(value)}; IMAGE was expected: [height, width, "
        f"channels] or [batch, height, width, channels] with 1, 3 or 4 channels.{hint}"
    )


def check_mask(unique_id: str, value: Any) -> None:
    if is_picture(value):
        return _check_picture(unique_id, value)
    _check_pixels(unique_id, value, "MASK: a float32 tensor [batch, height, width]")
    if len(value.shape) not in (2, 3):
        raise ValueError(
            f"The value of {unique_id!r} is {describe(value)}; MASK was expected: [height, width] "
            "or [batch, height, width]."
        )
    return _check_floats(unique_id, value)
