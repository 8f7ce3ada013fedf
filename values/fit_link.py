"""What comes out of an INPUT port fits what the link behind it expects.

ComfyUI converts and checks constants only (execution.py `validate_inputs`, 0.3.64 and 0.33): what
arrives through a link, as a stored value does, is taken as it is. So the loader does both, and
names the port when it fails.
"""

from __future__ import annotations

import numbers
import os
import sys
from collections.abc import Callable
from typing import Any

_MAPPED = ("IMAGE", "MASK", "LATENT")  # a Python list of these is a ComfyUI list
_MAX_OPTIONS_SHOWN = 20


def for_link(unique_id: str, value: Any, is_list: bool, wanted: dict[str, Any]) -> list[Any]:
    """The items that the loader puts out (its output is a ComfyUI list).

    Args:
        is_list: the value is a ComfyUI list, as a saver recorded it.
        wanted: what the links expect: "type", "min", "max", "options", "multiselect", all optional.

    Raises:
        TypeError, ValueError: the value can't be what is expected; names port, value and
            expectation.
    """
    kind = wanted.get("type")
    if isinstance(kind, (list, tuple)):  # the old spelling of a combo: its options are its type
        wanted = {**wanted, "type": "COMBO", "options": list(kind)}
        kind = "COMBO"
    convert = _CONVERTERS.get(kind) if isinstance(kind, str) else None
    if convert is None:
        return list(value) if is_list else [value]
    is_items = is_list or (kind in _MAPPED and isinstance(value, (list, tuple)))
    items = list(value) if is_items else [value]
    return [_checked(unique_id, convert(unique_id, item), wanted) for item in items]


def _checked(unique_id: str, value: Any, wanted: dict[str, Any]) -> Any:
    kind = wanted["type"]
    if kind in ("INT", "FLOAT"):
        low, high = wanted.get("min"), wanted.get("max")
        if low is not None and value < low:
            raise ValueError(
                f"The value of {unique_id!r} is {value!r}, smaller than the minimum {low}."
            )
        if high is not None and value > high:
            raise ValueError(
                f"The value of {unique_id!r} is {value!r}, larger than the maximum {high}."
            )
    options = wanted.get("options")
    if kind == "COMBO" and options is not None:
        chosen = value if wanted.get("multiselect") and isinstance(value, list) else [value]
        bad = [v for v in chosen if v not in options]
        if bad:
            shown = ", ".join(map(repr, options[:_MAX_OPTIONS_SHOWN]))
            more = f", ... ({len(options)} in all)" if len(options) > _MAX_OPTIONS_SHOWN else ""
            raise ValueError(
                f"The value of {unique_id!r} is {bad[0]!r}, which is none of: "
                f"{shown or 'no options'}{more}."
            )
    return value


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_array(value: Any) -> bool:
    np = sys.modules.get("numpy")
    return np is not None and isinstance(value, (np.ndarray, np.generic))


def _is_image(value: Any) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def _show(value: Any) -> str:
    if _is_tensor(value) or _is_array(value):
        kind = "tensor" if _is_tensor(value) else "array"
        return f"a {kind} of shape {list(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return f"{type(value).__name__} {text[:80]}{'...' if len(text) > 80 else ''}"


def _bare(unique_id: str, value: Any, wanted: str) -> Any:
    """The Python scalar in a numpy scalar or a tensor of one element; other values as they are."""
    if _is_tensor(value) or _is_array(value):
        if value.ndim == 0 or tuple(value.shape) == (1,):
            return value.item()
        raise TypeError(f"The value of {unique_id!r} is {_show(value)}; {wanted} was expected.")
    return value


def _number(kind: Callable[[Any], Any], name: str) -> Callable[[str, Any], Any]:
    def convert(unique_id: str, value: Any) -> Any:
        bare = _bare(unique_id, value, name)
        try:
            return kind(bare)
        except (TypeError, ValueError, OverflowError) as e:
            error = TypeError if isinstance(e, TypeError) else ValueError
            raise error(
                f"The value of {unique_id!r} is {_show(bare)}, which can't be made {name}: {e}."
            ) from e

    return convert


def _string(unique_id: str, value: Any) -> str:
    bare = _bare(unique_id, value, "STRING")
    if _is_image(bare):
        raise TypeError(f"The value of {unique_id!r} is a picture; STRING was expected.")
    if not all(map(_has_text, bare if isinstance(bare, list) else [bare])):
        raise TypeError(
            f"The value of {unique_id!r} is {_show(bare)}; STRING was expected: text, a number, "
            "True or False, or a list of them. If its text is what you want, give str(value)."
        )
    return str(bare)


def _has_text(value: Any) -> bool:
    """Whether a value's text is what one would type in, and no "<object at 0x7f...>"."""
    if _is_array(value):
        return value.ndim == 0
    return isinstance(value, (str, numbers.Number, os.PathLike))


def _boolean(unique_id: str, value: Any) -> bool:
    bare = _bare(unique_id, value, "BOOLEAN")
    if not isinstance(bare, (str, numbers.Number)):
        raise TypeError(
            f"The value of {unique_id!r} is {_show(bare)}; BOOLEAN was expected: True or False."
        )
    return bool(bare)


def _option(unique_id: str, value: Any) -> Any:
    return _bare(unique_id, value, "one of the options")


def _image(unique_id: str, value: Any) -> Any:
    if _is_image(value):
        value = _pixels(value)
    t = _float_tensor(unique_id, value, "IMAGE: a float32 tensor [batch, height, width, channels]")
    if t.ndim == 2:
        t = t[:, :, None]
    if t.ndim == 3:
        t = t[None]
    if t.ndim != 4 or t.shape[-1] not in (1, 3, 4):
        hint = ""
        if t.ndim == 4 and t.shape[1] in (3, 4):
            hint = " The channels come first here: use tensor.movedim(-3, -1)."
        elif t.ndim == 4 and t.shape[1] == 1:
            hint = " A mask needs channels to be a picture: use mask[..., None]."
        raise ValueError(
            f"The value of {unique_id!r} is {_show(value)}; IMAGE was expected: [height, width, "
            "channels] or "
            f"[batch, height, width, channels] with 1, 3 or 4 channels.{hint}"
        )
    # Grey becomes RGB as in MaskToImage (comfy_extras/nodes_mask.py): a view, nothing is copied.
    return t.expand(-1, -1, -1, 3) if t.shape[-1] == 1 else t


def _mask(unique_id: str, value: Any) -> Any:
    if _is_image(value):
        value = _pixels(value, grey=True)
    t = _float_tensor(unique_id, value, "MASK: a float32 tensor [batch, height, width]")
    if t.ndim == 2:
        t = t[None]
    if t.ndim != 3:
        raise ValueError(
            f"The value of {unique_id!r} is {_show(value)}; MASK was expected: [height, width] or "
            "[batch, height, width]."
        )
    return t


def _latent(unique_id: str, value: Any) -> Any:
    if _is_tensor(value) or (_is_array(value) and value.ndim):
        value = {"samples": value}
    if not isinstance(value, dict) or "samples" not in value:
        raise TypeError(
            f"The value of {unique_id!r} is {_show(value)}; LATENT was expected: a dict with "
            '"samples".'
        )
    if _is_array(value["samples"]):
        import torch

        return {**value, "samples": torch.from_numpy(_native(value["samples"]))}
    return value


def _pixels(image: Any, grey: bool = False) -> Any:
    """A picture's pixels, as ComfyUI's LoadImage reads them: turned by EXIF, RGB, 16 bit kept."""
    import numpy as np
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # more than 8 bits: convert() would clip them
        pixels = np.asarray(image)
        if pixels.dtype.kind == "f":
            return pixels
        return pixels.astype(np.float32) / 65535.0
    return np.asarray(image.convert("L" if grey else "RGB"))


def _native(array: Any) -> Any:
    """An array that torch takes: native byte order, no negative strides. Copies only where it
    must."""
    import numpy as np

    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if any(s < 0 for s in array.strides) or not array.flags.writeable:
        array = np.array(array)
    return array


def _float_tensor(unique_id: str, value: Any, wanted: str) -> Any:
    """float32; integers from their full range to 0..1. A tensor that is float32 already is not
    copied."""
    import torch

    if _is_array(value) and value.dtype.kind in "biuf":
        value = torch.from_numpy(_native(value))
    if not _is_tensor(value) or value.is_complex():
        raise TypeError(f"The value of {unique_id!r} is {_show(value)}; expected {wanted}.")
    if value.is_floating_point() or value.dtype is torch.bool:
        return value.to(torch.float32)
    if value.dtype not in (torch.uint8, torch.uint16):
        raise TypeError(
            f"The value of {unique_id!r} is {_show(value)}: integers must be uint8 (0..255) or "
            f"uint16. Expected {wanted} in 0..1."
        )
    return value.to(torch.float32) / torch.iinfo(value.dtype).max


_CONVERTERS: dict[str, Callable[[str, Any], Any]] = {
    "INT": _number(int, "INT"),
    "FLOAT": _number(float, "FLOAT"),
    "BOOLEAN": _boolean,
    "STRING": _string,
    "COMBO": _option,
    "IMAGE": _image,
    "MASK": _mask,
    "LATENT": _latent,
}
