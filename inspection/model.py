"""What an `Inspection` is made of: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROMPT_TEXT, SEED, SIZE, PICTURE = "prompt text", "seed", "size", "picture"
KINDS = (PROMPT_TEXT, SEED, SIZE, PICTURE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a value may be, as far as it is known. `choices`: of a dropdown; None: no dropdown."""

    minimum: Any = None
    maximum: Any = None
    step: Any = None
    choices: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class InspectedPort:
    """A port, or another tool's marker that is one.

    Attributes:
        mode: "input", "output" or "passthru".
        default: what an input has while nothing is given, if `has_default`; None may stand for a
            link, or for nothing.
        source: "DiscomfortPort", "App mode", "ComfyKit", or whose marker it is.
        node_ids, titles: the nodes that are it.
        needs_value: whether a run without it is refused.
        kind: "prompt text", "seed", "size", "picture", or "".
        is_list: of an output: it gives a Python list of such values.
    """

    name: str
    mode: str
    type: str
    source: str
    node_ids: tuple[str, ...]
    titles: tuple[str, ...]
    default: Any = None
    has_default: bool = False
    needs_value: bool = False
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    kind: str = ""
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class NoPort:
    """Something that looks like a port or marker and is none, and why."""

    name: str
    mode: str
    source: str
    node_id: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddressedInput:
    """An input that can be given by its address.

    Attributes:
        address: what `inputs` takes; also possible: the node's id in place of its title.
        value: in the file; None where something is linked to it, or it has none.
        is_linked: a link feeds it, which a value takes the place of.
        is_widget: a value can be typed in.
    """

    address: str
    node_id: str
    title: str
    class_type: str
    name: str
    type: str
    value: Any = None
    is_linked: bool = False
    is_widget: bool = False
    limits: Limits = Limits()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class AddressedOutput:
    """An output that `outputs=` can ask for."""

    address: str
    node_id: str
    title: str
    class_type: str
    type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What an output node shows or saves: the results of a workflow without OUTPUT ports."""

    name: str
    node_id: str
    type: str
    is_list: bool = False
