"""ComfyUI's types of Python values, and which of them may stand where another is asked for.

What a value is can only be guessed from its shape; it serves to find, where an input is missing,
which stored values would do. What a literal is can be seen: some are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from .port_types import ANY

# What ComfyUI or a loader takes in place of a type (execution.py `validate_inputs`, 0.3.64 to 0.33:
# a literal is converted; a combo's option is text).
_STANDS_FOR = {"FLOAT": {"INT"}, "COMBO": {"STRING"}, "BOOLEAN": {"INT"}}
_CHANNELS = {1, 3, 4}
_OPENED = ("IMAGE", "MASK", "AUDIO", "VIDEO")  # a path given for these is opened


def kind_of(value: Any) -> str:
    """The ComfyUI type that a value most likely is; ANY when it has no shape that we know.

    Tensors are known by their shapes: `[batch, height, width, channels]` is an IMAGE,
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


def remedy_for(literal: Any, kind: str, is_object: bool) -> str | None:
    """What to do about a literal that can't be the value of a port; None: it can be.

    Refused is what ComfyUI would silently turn into something else (execution.py
    `validate_inputs`): None into the text "None", "false" into true, 1.5 into 1. What it refuses
    itself is left to it.

    Args:
        is_object: the type is one that no literal stands for, as a picture or a model.
    """
    if literal is None:
        none = 'Give a value; "" is no text.' if kind == "STRING" else "Give a value."
        return None if kind == ANY else none
    if is_object:
        is_path = kind in _OPENED and isinstance(literal, str)
        return "Give pathlib.Path(...) in inputs: the script opens the file." if is_path else ""
    if kind == "BOOLEAN" and not (isinstance(literal, (int, float)) and literal in (0, 1)):
        return "Write True or False."
    if kind == "INT" and isinstance(literal, float) and not literal.is_integer():
        return "Write a whole number; round() makes one."
    if kind == "FLOAT" and isinstance(literal, int) and abs(literal) > sys.float_info.max:
        return "Write a smaller number."
    return None
