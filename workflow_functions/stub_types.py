"""ComfyUI's types as the names that stubs write. All are single names: no formatter breaks them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .shape import Parameter, Result
from .words import is_file_list

# Names of values/input_types.py, and what a default of theirs may be.
_INPUTS: dict[str, tuple[str, tuple[type, ...]]] = {
    "INT": ("IntInput", (int,)),
    "FLOAT": ("FloatInput", (int, float)),
    "NUMBER": ("NumberInput", (int, float)),
    "STRING": ("TextInput", (str,)),
    "BOOLEAN": ("BoolInput", (bool,)),
    "IMAGE": ("ImageInput", ()),
    "MASK": ("MaskInput", ()),
    "LATENT": ("LatentInput", ()),
    "AUDIO": ("AudioInput", ()),
    "VIDEO": ("VideoInput", ()),
    "SIGMAS": ("SigmasInput", ()),
}
_RESULTS: dict[str, tuple[str, str]] = {  # one, a list of them
    "INT": ("Int", "ValueList"),
    "FLOAT": ("Float", "ValueList"),
    "STRING": ("Text", "ValueList"),
    "COMBO": ("Text", "ValueList"),
    "BOOLEAN": ("Bool", "ValueList"),
    "IMAGE": ("Tensor", "Tensors"),
    "MASK": ("Tensor", "Tensors"),
    "SIGMAS": ("Tensor", "Tensors"),
    "LATENT": ("ValueDict", "ValueDicts"),
    "AUDIO": ("ValueDict", "ValueDicts"),
    "VIDEO": ("ValueDict", "ValueDicts"),
}
_MOST_CHOICES = 200


def input_type(parameter: Parameter, references: Collection[str]) -> tuple[str, tuple[type, ...]]:
    """The name of what a parameter takes ("" for anything), and the types of its default.

    Args:
        references: the types that go by reference.
    """
    kind = parameter.type
    if references and set(kind.split(",")) <= set(references):
        return "ReferenceInput", ()
    if kind == "COMBO":
        choices = parameter.limits.choices or ()
        is_text = all(isinstance(choice, str) for choice in choices)
        return ("TextInput", (str,)) if is_text else ("", (str, int, float, bool))
    kind = "NUMBER" if set(kind.split(",")) == {"INT", "FLOAT"} else kind
    return _INPUTS.get(kind, ("", (str, int, float, bool)))


def literal_choices(parameter: Parameter) -> tuple[str | int | bool, ...]:
    """The choices that a type can be made of: two to two hundred, and no files; else ()."""
    choices = parameter.limits.choices or ()
    found = list(dict.fromkeys((type(choice), choice) for choice in choices if _is_plain(choice)))
    is_whole = all(map(_is_plain, choices)) and 1 < len(found) <= _MOST_CHOICES
    return tuple(choice for _, choice in found) if is_whole and not is_file_list(choices) else ()


def result_type(result: Result, references: Collection[str]) -> str:
    """The name of what a result is; "" for anything."""
    if result.type in references:
        return "ValueDicts" if result.is_list else "ValueDict"
    one, several = _RESULTS.get(result.type, ("", "ValueList"))
    return several if result.is_list else one


def _is_plain(choice: Any) -> bool:
    return type(choice) in (str, int, bool)
