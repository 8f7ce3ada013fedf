"""What a value is, without importing torch, numpy or Pillow: for checks, and for errors."""

from __future__ import annotations

import sys
from typing import Any

from ..errors import UnopenedValueError

_SHOWN_CHARS = 80
_LISTED, _DEPTH = 5, 3


def check_opened(value: Any) -> None:
    """Raises UnopenedValueError for what stands for a value that can't be opened here, with why.

    Such a one raises it whatever it is asked, and as an AttributeError: to `hasattr` it is an
    object that has nothing.
    """
    try:
        _ = value.shape
    except UnopenedValueError:
        raise
    except Exception:
        return


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    """An array or a scalar of numpy."""
    np = sys.modules.get("numpy")
    return np is not None and isinstance(value, (np.ndarray, np.generic))


def is_picture(value: Any) -> bool:
    """An image of Pillow."""
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(value, image.Image)


def dtype_of(value: Any) -> str:
    """Of a tensor or an array, as "float32", "uint8"."""
    return getattr(value.dtype, "name", None) or str(value.dtype).removeprefix("torch.")


def describe(value: Any) -> str:
    """A value in an error: type and content, as much as fits; of a tensor its shape and dtype."""
    if is_tensor(value) or is_array(value):
        kind = "a tensor" if is_tensor(value) else "an array"
        return f"{kind} of shape {list(value.shape)} and dtype {value.dtype}"
    try:
        text = repr(value)
    except Exception as e:  # too deep, too many digits, or its own class raises
        return f"{type(value).__name__} that can't be shown ({type(e).__name__})"
    more = "..." if len(text) > _SHOWN_CHARS else ""
    return f"{type(value).__name__} {text[:_SHOWN_CHARS]}{more}"


def summary(value: Any, depth: int = _DEPTH) -> str:
    """A value in a listing: of a tensor or an array its shape and dtype, never its numbers."""
    if is_tensor(value) or is_array(value):
        return f"{'tensor' if is_tensor(value) else 'array'}{list(value.shape)} {dtype_of(value)}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if not isinstance(value, (dict, list, tuple)):
        return _cut(value)
    if isinstance(value, dict) and isinstance(value.get("nodes"), list):
        return f"a workflow of {len(value['nodes'])} nodes"
    if not depth:
        return f"{type(value).__name__} of {len(value)}"
    items = list(value.items() if isinstance(value, dict) else value)
    if isinstance(value, dict):
        shown = [f"{key!r}: {summary(item, depth - 1)}" for key, item in items[:_LISTED]]
    else:
        shown = [summary(item, depth - 1) for item in items[:_LISTED]]
    if len(items) > _LISTED:
        shown.append(f"... {len(items)} in all")
    begin, end = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else "()"
    return f"{begin}{', '.join(shown)}{end}"


def _cut(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # too many digits, or its own class raises
        return type(value).__name__
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."
