"""Markers: what other tools wrote into a workflow to say what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...errors import Problem
from ..addresses.call_ports import CallPorts
from ..ports.connections import Use
from ..prompt import Source

APP_MODE = "App mode"
COMFYKIT = "ComfyKit"


@dataclass(frozen=True, slots=True)
class Details:
    """What a marker says of its value, beside its name. None: nothing."""

    minimum: Any = None
    maximum: Any = None
    step: Any = None
    choices: tuple[Any, ...] | None = None
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker.

    Attributes:
        tool: whose it is.
        place: the node that carries it.
        uses: the inputs that a value is for; of an output, the input that shows it.
        source: the output that gives the value; None of an input.
        value: what the marker itself says the value is; None: nothing.
        reason: why it is no port; "" where it is one.
    """

    name: str
    tool: str
    is_input: bool
    place: Problem
    uses: tuple[Use, ...] = ()
    source: Source | None = None
    details: Details = Details()
    value: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers of one workflow, each name once, and those that are no ports."""

    ports: tuple[Marker, ...] = ()
    refused: tuple[Marker, ...] = ()
    call: CallPorts = field(default_factory=CallPorts)
