"""Whether a value can be what a type asks for: by the script before anything is queued, and by the
loader for what no script has seen. Shapes and types only: nothing is copied or converted.

Each check takes (unique_id, value) and raises TypeError or ValueError, with the name of the port,
the value, and what was expected.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

from ..graph.ports.plain_values import is_plain_type, plain_value
from ..graph.ports.value_types import remedy_for
from .check_media import check_audio, check_video
from .check_pixels import check_image, check_mask, is_numeric, refuse
from .what_it_is import describe, is_array, is_picture, is_tensor

Check = Callable[[str, Any], None]


def check_fit(unique_id: str, value: Any, kind: str) -> None:
    """See that a value can be what a port of a type asks for; types that we don't know take all.

    Raises:
        TypeError, ValueError: names port, value and expectation.
    """
    if is_plain_type(kind):
        return _check_plain(unique_id, value, kind)
    _check_data(unique_id, value)
    check = _CHECKS.get(kind)
    if check is not None:
        check(unique_id, value)
    return None


def _check_data(unique_id: str, value: Any) -> None:
    """Tensors on the device "meta" have a shape and no numbers."""
    items = value.values() if isinstance(value, dict) else (value,)
    for item in items:
        if is_tensor(item) and item.is_meta:
            raise TypeError(
                f"The value of {unique_id!r} is {describe(item)} on the device meta, which holds "
                "no numbers. Give a tensor with data."
            )


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
        refuse(unique_id, plain, kind)


def _check_text(unique_id: str, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, numbers.Number)) for item in items):
        hint = "" if is_picture(value) else "If its text is what you want, give str(value)."
        what = "STRING: text, a number, True or False, or a list of them"
        refuse(unique_id, value, what, hint)


def _check_number(unique_id: str, value: Any, kind: str) -> None:
    if _is_complex(value):
        refuse(unique_id, value, f"{kind}: a number without an imaginary part")
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


def _check_latent(unique_id: str, value: Any) -> None:
    expected = 'LATENT: a dict with "samples", a tensor [batch, channels, height, width]'
    samples = value
    if isinstance(value, Mapping):
        if "samples" not in value:
            refuse(unique_id, value, expected)
        _check_beside_samples(unique_id, value)
        samples = value["samples"]
        if getattr(samples, "is_nested", False):
            return  # several in one (comfy/nested_tensor.py of 0.33)
    if not (is_tensor(samples) or is_array(samples)) or not is_numeric(samples):
        refuse(unique_id, value, expected)
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
    if not is_right and not (has_pixels and is_numeric(mask)):
        what = f"The noise_mask of {unique_id!r} is {describe(mask)}"
        raise TypeError(f"{what}; expected a tensor [batch, height, width].")
    if isinstance(index, (str, bytes, numbers.Number, Mapping)):
        what = f"The batch_index of {unique_id!r} is {describe(index)}"
        raise TypeError(f"{what}; expected a list of whole numbers.")


def _check_sigmas(unique_id: str, value: Any) -> None:
    expected = "SIGMAS: a float32 tensor [steps + 1], or a list of numbers"
    if isinstance(value, (list, tuple)):
        items = [plain_value(item, "FLOAT") for item in value]
        if not all(isinstance(i, (int, float)) and not isinstance(i, bool) for i in items):
            refuse(unique_id, value, expected)
    elif not (is_tensor(value) or is_array(value)) or not is_numeric(value):
        refuse(unique_id, value, expected)
    elif len(value.shape) != 1:
        raise ValueError(f"The value of {unique_id!r} is {describe(value)}; expected {expected}.")


_CHECKS: dict[str, Check] = {
    "IMAGE": check_image,
    "MASK": check_mask,
    "LATENT": _check_latent,
    "AUDIO": check_audio,
    "SIGMAS": _check_sigmas,
    "VIDEO": check_video,
}
