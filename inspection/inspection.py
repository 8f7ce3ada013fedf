"""What `discomfort.inspect` gives; it prints itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import printable
from .model import (
    PICTURE,
    PROMPT_TEXT,
    SEED,
    SIZE,
    AddressedInput,
    AddressedOutput,
    InspectedPort,
    NoPort,
    Shown,
)
from .words import describe, describe_html


@dataclass(frozen=True, slots=True, repr=False)
class Inspection:
    """All that is known of a workflow without running it. Print it, or let a notebook show it.

    Attributes:
        name: the file's, or what it was given as.
        notes: what is to be known about this answer: whose node classes it goes by.
        problems: why the workflow can't be converted; empty if it can. Then the rest is what could
            be found without the nodes that are named.
        ports: DiscomfortPorts and markers that are ports.
        no_ports: markers and ports that are none, and why.
        inputs: all inputs that can be given by an address.
        outputs: all outputs that can be asked for.
        shown: what output nodes show or save.
    """

    name: str
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    ports: tuple[InspectedPort, ...] = ()
    no_ports: tuple[NoPort, ...] = ()
    inputs: tuple[AddressedInput, ...] = ()
    outputs: tuple[AddressedOutput, ...] = ()
    shown: tuple[Shown, ...] = ()

    @property
    def prompt_texts(self) -> tuple[AddressedInput, ...]:
        """The inputs that are prompt texts."""
        return self.of_kind(PROMPT_TEXT)

    @property
    def seeds(self) -> tuple[AddressedInput, ...]:
        """The inputs that are seeds."""
        return self.of_kind(SEED)

    @property
    def sizes(self) -> tuple[AddressedInput, ...]:
        """The inputs that are widths, heights, or sizes in another form."""
        return self.of_kind(SIZE)

    @property
    def pictures(self) -> tuple[AddressedInput, ...]:
        """The inputs that are pictures, or files with one."""
        return self.of_kind(PICTURE)

    def of_kind(self, kind: str) -> tuple[AddressedInput, ...]:
        """The inputs of a kind: "prompt text", "seed", "size" or "picture"."""
        return tuple(i for i in self.inputs if i.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """All of it as builtins, for `json.dumps`."""
        return asdict(self)

    def __repr__(self) -> str:
        return printable(
            f"<Inspection of {self.name}: {len(self.ports)} ports, {len(self.inputs)} inputs, "
            f"{len(self.problems)} problems; print() shows all>"
        )

    def __str__(self) -> str:
        return printable(describe(self))

    def _repr_html_(self) -> str:
        return printable(describe_html(self))
