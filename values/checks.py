"""Whether a value can be what a type asks for: by the script before anything is queued, and by the
loader for what no script has seen. Shapes and types only: nothing is copied or converted.

Each check takes (unique_id, value) and raises TypeError or ValueError, with the name of the port,
the value, and what was expected.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, NoReturn

from ..graph.ports.plain_values import is_plain_type, plain_value
from ..graph.ports.value_types import remedy_for
from .video import is_plain_video
from .what_it_is import describe, dtype_of, is_array, is_picture, is_tensor

Check = Callable[[str, Any], None]

# More channels than any recording has: the array is samples first.
_MAX_CHANNELS = 64
_STORED_PATH = (
    "A path is opened only if this script itself gave it, in inputs or with save(); give "
    "discomfort.Tools.open_image_as_tensor(path)."
)
_INTEGERS = ("uint8", "uint16")
_SAMPLES = ("int16", "int32")


def check_fit(unique_id: str, value: Any, kind: str) -> None:
    """See that a value can be what a port of a type asks for; types that we don't know take all.

    Raises:
        TypeError, ValueError: names port, value and expectation.
    """
    if is_plain_type(kind):
        return _check_plain(unique_id, value, kind)
    check = _CHECKS.get(kind)
    if check is not None:
        check(unique_id, value)
    return None


def _refuse(unique_id: str, value: Any, expected: str, hint: str = "") -> NoReturn:
    text = f"The value of {unique_id!r} is {describe(value)}; expected {expected}."
    raise TypeError(f"{text} {hint}".rstrip())


def _check_plain(unique_id: str, value: Any, kind: str) -> None:
    """What ComfyUI would silently make something else of is refused, as for a literal."""
    plain = plain_value(value, kind)
    remedy = remedy_for(plain, kind, is_object=False)
    if remedy is not None:
        raise TypeError(
            f"The value of {unique_id!r} is {describe(plain)}, but {kind} is needed. {remedy}"
        )
    if kind == "STRING":
        _check_text(unique_id, plain)
    elif kind in ("INT", "FLOAT"):
        _check_number(unique_id, plain, kind)
    elif is_tensor(plain) or is_array(plain) or is_picture(plain):
        _refuse(unique_id, plain, kind)


def _check_text(unique_id: str, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, numbers.Number)) for item in items):
        hint = "" if is_picture(value) else "If its text is what you want, give str(value)."
        what = "STRING: text, a number, True or False, or a list of them"
        _refuse(unique_id, value, what, hint)


def _check_number(unique_id: str, value: Any, kind: str) -> None:
    if _is_complex(value):
        _refuse(unique_id, value, f"{kind}: a number without an imaginary part")
    try:
        number = int(value) if kind == "INT" else float(value)
        if kind == "FLOAT" and math.isinf(number) and value != number:
            raise OverflowError("it is too large")
    except (TypeError, ValueError, OverflowError, RuntimeError) as e:  # a tensor without data
        error = TypeError if isinstance(e, TypeError) else ValueError
        raise error(
            f"The value of {unique_id!r} is {describe(value)}, which can't be made {kind}: {e}."
        ) from e


def _is_complex(value: Any) -> bool:
    """numpy's complex numbers become real ones without a word but a warning."""
    return isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real)


def _check_pixels(unique_id: str, value: Any, expected: str) -> None:
    """A tensor or an array of numbers that have a range."""
    if not (is_tensor(value) or is_array(value)) or not _is_numeric(value):
        is_path = isinstance(value, PathLike)
        _refuse(unique_id, value, expected, _STORED_PATH if is_path else "")
    if _is_integer(value) and dtype_of(value) not in _INTEGERS:
        raise TypeError(
            f"The value of {unique_id!r} is {describe(value)}: integers must be uint8 (0..255) or "
            f"uint16. Expected {expected} in 0..1."
        )


def _is_numeric(value: Any) -> bool:
    if is_array(value):
        return value.dtype.kind in "biuf"
    return dtype_of(value).startswith(("float", "bfloat", "int", "uint", "bool"))


def _is_integer(value: Any) -> bool:
    if is_array(value):
        return value.dtype.kind in "iu"
    return dtype_of(value).startswith(("int", "uint"))


def _check_image(unique_id: str, value: Any) -> None:
    if is_picture(value):
        return
    _check_pixels(unique_id, value, "IMAGE: a float32 tensor [batch, height, width, channels]")
    shape = tuple(value.shape)
    if len(shape) == 2 or (len(shape) in (3, 4) and shape[-1] in (1, 3, 4)):
        return
    hint = ""
    if len(shape) == 4 and shape[1] in (3, 4):
        hint = " The channels come first here: use tensor.movedim(-3, -1)."
    elif len(shape) == 4 and shape[1] == 1:
        hint = " A mask needs channels to be a picture: use mask[..., None]."
    raise ValueError(
        f"The value of {unique_id!r} is {describe(value)}; IMAGE was expected: [height, width, "
        f"channels] or [batch, height, width, channels] with 1, 3 or 4 channels.{hint}"
    )


def _check_mask(unique_id: str, value: Any) -> None:
    if is_picture(value):
        return
    _check_pixels(unique_id, value, "MASK: a float32 tensor [batch, height, width]")
    if len(value.shape) not in (2, 3):
        raise ValueError(
            f"The value of {unique_id!r} is {describe(value)}; MASK was expected: [height, width] "
            "or [batch, height, width]."
        )


def _check_latent(unique_id: str, value: Any) -> None:
    expected = 'LATENT: a dict with "samples", a tensor [batch, channels, height, width]'
    samples = value
    if isinstance(value, Mapping):
        if "samples" not in value:
            _refuse(unique_id, value, expected)
        _check_beside_samples(unique_id, value)
        samples = value["samples"]
        if getattr(samples, "is_nested", False):
            return  # several in one (comfy/nested_tensor.py of 0.33)
    if not (is_tensor(samples) or is_array(samples)) or not _is_numeric(samples):
        _refuse(unique_id, value, expected)
    # Of sound it has three, of video five (comfy_extras/nodes_audio.py, nodes_hunyuan.py).
    if len(samples.shape) < 3:
        raise ValueError(
            f"The samples of {unique_id!r} are {describe(samples)}; expected {expected}."
        )


def _check_beside_samples(unique_id: str, latent: Mapping[str, Any]) -> None:
    """Source: SetLatentNoiseMask, LatentFromBatch and RepeatLatentBatch in ComfyUI's nodes.py."""
    mask, index = latent.get("noise_mask"), latent.get("batch_index")
    has_pixels = is_tensor(mask) or is_array(mask)
    is_right = mask is None or getattr(mask, "is_nested", False)
    if not is_right and not (has_pixels and _is_numeric(mask)):
        what = f"The noise_mask of {unique_id!r} is {describe(mask)}"
        raise TypeError(f"{what}; expected a tensor [batch, height, width].")
    if isinstance(index, (str, bytes, numbers.Number, Mapping)):
        what = f"The batch_index of {unique_id!r} is {describe(index)}"
        raise TypeError(f"{what}; expected a list of whole numbers.")


def _check_audio(unique_id: str, value: Any) -> None:
    expected = (
        'AUDIO: {"waveform": tensor [batch, channels, samples], "sample_rate": 44100}, or '
        "(waveform, sample_rate)"
    )
    if isinstance(value, Mapping):
        if type(value) is not dict and {"waveform", "sample_rate"} <= set(value):
            return  # one that decodes when it is asked for
        waveform, rate = value.get("waveform"), value.get("sample_rate")
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        waveform, rate = value
    else:
        _refuse(unique_id, value, expected)
    is_sound = is_tensor(waveform) or is_array(waveform)
    if not is_sound and (is_tensor(rate) or is_array(rate)):
        _refuse(unique_id, value, expected, "The rate comes first here.")
    if not is_sound or not _is_numeric(waveform):
        _refuse(unique_id, value, expected)
    _check_waveform(unique_id, waveform, expected)
    plain = plain_value(rate, "INT")
    if type(plain) not in (int, float) or not (0 < plain < math.inf) or plain != int(plain):
        raise ValueError(
            f"The sample rate of {unique_id!r} is {describe(rate)}; expected {expected}."
        )


def _check_waveform(unique_id: str, waveform: Any, expected: str) -> None:
    shape = tuple(waveform.shape)
    if len(shape) not in (1, 2, 3) or (
        _is_integer(waveform) and dtype_of(waveform) not in _SAMPLES
    ):
        raise ValueError(
            f"The waveform of {unique_id!r} is {describe(waveform)}; expected {expected}. Integers "
            "must be int16 or int32."
        )
    if len(shape) > 1 and shape[-2] > _MAX_CHANNELS:
        raise ValueError(
            f"The waveform of {unique_id!r} is {describe(waveform)}; expected {expected}. The "
            "samples come before the channels here: use waveform.T."
        )


def _check_sigmas(unique_id: str, value: Any) -> None:
    expected = "SIGMAS: a float32 tensor [steps + 1], or a list of numbers"
    if isinstance(value, (list, tuple)):
        items = [plain_value(item, "FLOAT") for item in value]
        if not all(isinstance(i, (int, float)) and not isinstance(i, bool) for i in items):
            _refuse(unique_id, value, expected)
    elif not (is_tensor(value) or is_array(value)) or not _is_numeric(value):
        _refuse(unique_id, value, expected)
    elif len(value.shape) != 1:
        raise ValueError(f"The value of {unique_id!r} is {describe(value)}; expected {expected}.")


def _check_video(unique_id: str, value: Any) -> None:
    plain = (str, bytes, numbers.Number, list, tuple, dict, PathLike, type(None))
    if is_plain_video(value):
        if value.get("images") is not None:
            _check_image(unique_id, value["images"])
        if value.get("audio") is not None:
            _check_audio(unique_id, value["audio"])
        return
    if is_tensor(value) or is_array(value) or is_picture(value):
        hint = "Give the pictures to an INPUT port of a CreateVideo node, which wants their rate."
    elif isinstance(value, plain):
        hint = 'A LoadVideo node opens a file; {"file": the bytes of one} is a video too.'
    else:
        return
    expected = "VIDEO: a dict of images and frame_rate, or an object of ComfyUI's"
    _refuse(unique_id, value, expected, hint)


_CHECKS: dict[str, Check] = {
    "IMAGE": _check_image,
    "MASK": _check_mask,
    "LATENT": _check_latent,
    "AUDIO": _check_audio,
    "SIGMAS": _check_sigmas,
    "VIDEO": _check_video,
}
