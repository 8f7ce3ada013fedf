"""What is known of a workflow as a function: its parameters and results, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..inspection.model import Limits


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input.

    Attributes:
        name: the port's own, as `run` takes it.
        identifier: what it is called in Python; the same, where that can be.
        type: ComfyUI's: "INT", "INT,FLOAT", "ANY".
        default: what the file has, if `has_default`; None may stand for a link, or for nothing.
    """

    name: str
    identifier: str
    type: str
    has_default: bool = False
    default: Any = None
    limits: Limits = field(default_factory=Limits)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """An output; `identifier` is the attribute of the results that has it.

    Attributes:
        is_list: it is a Python list of such values.
    """

    name: str
    identifier: str
    type: str
    is_list: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A workflow, or several that run in turn, as a function.

    Attributes:
        title: the files' names.
        parameters: those that need a value first, then in the order of the workflow.
        notes: what is to be known about this: whose node classes it goes by.
        problems: why a workflow can't be run as it is; then some parameters may be unknown.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...] = ()
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if not p.has_default)
