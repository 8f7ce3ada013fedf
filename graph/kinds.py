"""ComfyUI's types of Python values, and which of them may stand where another is asked for.

What a value is can only be guessed from its shape; it serves to tell, where an input is missing,
which stored values would do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ports import ANY

# What ComfyUI or a loader takes in place of a type (execution.py `validate_inputs`, 0.3.64 to 0.33:
# a literal is converted; a combo's option is text).
_STANDS_FOR = {"FLOAT": {"INT"}, "COMBO": {"STRING"}, "BOOLEAN": {"INT"}}
_CHANNELS = {1, 3, 4}


def kind_of(value: Any) -> str:
    """The ComfyUI type that a value most likely is; ANY when nothing tells.

    Tensors are told by their shapes: `[batch, height, width, channels]` is an IMAGE,
    `[batch, height, width]` a MASK.
    """
    for kind, python_type in (("BOOLEAN", bool), ("INT", int), ("FLOAT", float), ("STRING", str)):
        if isinstance(value, python_type):
            return kind
    if isinstance(value, Mapping):
        if "samples" in value:
            return "LATENT"
        return "AUDIO" if "waveform" in value else "DICT"
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) == 4 and shape[-1] in _CHANNELS:
        return "IMAGE"
    if len(shape) == 3:
        return "MASK"
    return ANY


def fits(kind: str, wanted: str) -> bool:
    """Whether a value of one type may be given where another is asked for.

    A type may be several, as "INT,FLOAT". What is of no known type fits nothing but ANY.
    """
    if wanted == ANY:
        return True
    kinds, asked = set(kind.split(",")), set(wanted.split(","))
    return any(k in asked or any(k in _STANDS_FOR.get(a, ()) for a in asked) for k in kinds)
