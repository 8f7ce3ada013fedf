"""The signature of a function, as `inspect.signature`, `help()` and `?` show it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

from ..graph.ports.port_types import ANY
from .shape import Parameter, Shape
from .words import is_file_list

_PYTHON_TYPES: dict[str, Any] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
    "COMBO": str,
    ANY: Any,
}
_LONGEST = 20  # choices that an annotation has


@dataclass(frozen=True, slots=True)
class PortType:
    """A type of ComfyUI's that is none of Python's; it shows as its name."""

    name: str

    def __repr__(self) -> str:
        return self.name


def signature_of(shape: Shape, returns: Any) -> inspect.Signature:
    """All inputs by keyword only; `...` is the default of what the file has as a link."""
    parameters = [
        inspect.Parameter(
            parameter.identifier,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(parameter),
            annotation=annotation_of(parameter),
        )
        for parameter in shape.parameters
    ]
    return inspect.Signature(parameters, return_annotation=returns)


def annotation_of(parameter: Parameter) -> Any:
    """Python's type where there is one; of few choices, these."""
    choices = parameter.limits.choices
    if (
        choices
        and len(choices) <= _LONGEST
        and not is_file_list(choices)
        and all(type(choice) in (str, int, bool) for choice in choices)
    ):
        return Literal[choices]
    return _PYTHON_TYPES.get(parameter.type) or PortType(parameter.type)


def _default(parameter: Parameter) -> Any:
    if not parameter.has_default:
        return inspect.Parameter.empty
    return ... if parameter.default is None else parameter.default
