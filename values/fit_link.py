"""What comes out of an INPUT port fits what the link behind it expects.

ComfyUI converts and checks constants only (execution.py `validate_inputs`, 0.3.64 and 0.33): what
arrives through a link, as a stored value does, is taken as it is. So the loader does both, and
names the port when it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.ports.plain_values import is_plain_type, plain_value
from .checks import check_fit
from .picture_files import has_transparency, transparency
from .sound import is_sound_file, open_sound
from .video import is_frames_and_rate, is_plain_video
from .what_it_is import is_array, is_picture, is_tensor

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
    items = items_of(value, is_list, kind) if isinstance(kind, str) else None
    if items is None:
        return list(value) if is_list else [value]
    assert isinstance(kind, str)
    fitting = []
    for item in items:
        check_fit(unique_id, item, kind)
        fitting.append(_converted(unique_id, item, kind))
        check_range(unique_id, fitting[-1], wanted)
    return fitting


def _converted(unique_id: str, item: Any, kind: str) -> Any:
    try:
        return convert(item, kind)
    except ValueError as e:
        raise ValueError(f"The value of {unique_id!r} is no {kind}: {e}") from e


def is_list_for(value: Any, is_list: bool, wanted: dict[str, Any]) -> bool:
    """Whether what the loader puts out is a ComfyUI list, and not one value."""
    is_mapped = wanted.get("type") in _MAPPED and isinstance(value, (list, tuple))
    return is_list or is_mapped


def items_of(value: Any, is_list: bool, kind: str) -> list[Any] | None:
    """The values of a type in what was stored; None: any is taken as it is."""
    if not is_plain_type(kind) and kind not in _CONVERSIONS:
        return None
    if is_list or (kind in _MAPPED and isinstance(value, (list, tuple))):
        return list(value)
    return [value]


def convert(value: Any, kind: str) -> Any:
    """What a node gets that asks for a type, of a value that `check_fit` has taken."""
    if kind in _CONVERSIONS:
        return _CONVERSIONS[kind](value)
    plain = plain_value(value, kind)
    return _PLAIN[kind](plain) if kind in _PLAIN else plain


def check_range(unique_id: str, value: Any, wanted: dict[str, Any]) -> None:
    """See that a number is in its range, and a choice among the options."""
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


def _image(value: Any) -> Any:
    pixels = _float_tensor(_pixels(value) if is_picture(value) else value)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim == 3:
        pixels = pixels[None]
    # Grey becomes RGB as in MaskToImage (comfy_extras/nodes_mask.py): a view, nothing is copied.
    return pixels.expand(-1, -1, -1, 3) if pixels.shape[-1] == 1 else pixels


def _mask(value: Any) -> Any:
    pixels = _float_tensor(_drawn(value) if is_picture(value) else value)
    return pixels[None] if pixels.ndim == 2 else pixels


def _latent(value: Any) -> Any:
    if is_tensor(value) or is_array(value):
        value = {"samples": value}
    arrays = {k: _float32(v) for k, v in value.items() if k in _LATENT_ARRAYS and is_array(v)}
    return {**value, **arrays} if arrays else value


_LATENT_ARRAYS = ("samples", "noise_mask")


def _audio(value: Any) -> Any:
    """Source: LoadAudio in comfy_extras/nodes_audio.py: [batch, channels, samples], -1..1."""
    if is_sound_file(value):
        return open_sound(value["file"])
    if not isinstance(value, (tuple, list, dict)):
        return value
    parts = value if isinstance(value, dict) else dict(zip(_AUDIO_KEYS, value, strict=True))
    waveform = _tensor(parts["waveform"])
    if is_array(parts["waveform"]) and waveform.is_floating_point():
        waveform = _float32(waveform)
    if not waveform.is_floating_point():
        import torch

        waveform = waveform.to(torch.float32) / (torch.iinfo(waveform.dtype).max + 1)
    while waveform.ndim < 3:
        waveform = waveform[None]
    rate = int(plain_value(parts["sample_rate"], "INT"))
    return {**parts, "waveform": waveform, "sample_rate": rate}


_AUDIO_KEYS = ("waveform", "sample_rate")


def _video(value: Any) -> Any:
    if is_frames_and_rate(value):
        value = {"images": value[0], "frame_rate": value[1]}
    if not is_plain_video(value) or value.get("images") is None:
        return value
    sound = value.get("audio")
    audio = None if sound is None else _audio(sound)
    rate = plain_value(value["frame_rate"], "FLOAT")
    return {**value, "images": _frames(value["images"]), "audio": audio, "frame_rate": rate}


def _frames(pictures: Any) -> Any:
    if not isinstance(pictures, (list, tuple)):
        return _image(pictures)
    import torch

    frames = [_image(picture) for picture in pictures]
    shapes = sorted({tuple(frame.shape[1:]) for frame in frames})
    if len(shapes) != 1:
        raise ValueError(f"the pictures of a video have one size, not {len(shapes)}: {shapes[:5]}")
    return torch.cat(frames)


def _sigmas(value: Any) -> Any:
    import torch

    if isinstance(value, (list, tuple)):
        return torch.tensor([plain_value(item, "FLOAT") for item in value], dtype=torch.float32)
    is_right = is_tensor(value) and value.is_floating_point()
    return value if is_right else _float32(value)


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


def _drawn(image: Any) -> Any:
    """A mask: what is transparent in a picture; of one without transparency, how light it is."""
    from PIL import ImageOps

    if has_transparency(image):
        return transparency(ImageOps.exif_transpose(image))[0]
    return _pixels(image, grey=True)


def _tensor(value: Any) -> Any:
    """An array as a tensor, which takes native byte order and no negative strides. Copies only
    where it must.
    """
    if not is_array(value):
        return value
    import numpy as np
    import torch

    array = np.asarray(value)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # torch has no longer ones
        array = array.astype(np.float64)
    if any(s < 0 for s in array.strides) or not array.flags.writeable:
        array = np.array(array)
    return torch.from_numpy(array)


def _float32(value: Any) -> Any:
    """numpy's numbers are float64 where nobody said otherwise, which ComfyUI's never are."""
    import torch

    return _tensor(value).to(torch.float32)


def _float_tensor(value: Any) -> Any:
    """float32; integers from their full range to 0..1. A tensor that is float32 already is not
    copied.
    """
    import torch

    pixels = _tensor(value)
    if pixels.is_floating_point() or pixels.dtype is torch.bool:
        return pixels.to(torch.float32)
    return pixels.to(torch.float32) / torch.iinfo(pixels.dtype).max


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "INT": int,
    "FLOAT": float,
    "BOOLEAN": bool,
    "STRING": str,
}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "IMAGE": _image,
    "MASK": _mask,
    "LATENT": _latent,
    "AUDIO": _audio,
    "SIGMAS": _sigmas,
    "VIDEO": _video,
}
