"""The values in which the rest of this package says what is missing; `missing/` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Place:
    """A node's input, or a node, that needs something.

    Attributes:
        where: the workflow, or the reference, that has the node.
        is_idle: no output needs the node, so that a run does without it.
    """

    node_id: str
    node_type: str
    title: str
    input_name: str = ""
    where: str = ""
    is_idle: bool = False

    def __str__(self) -> str:
        title = f" {self.title!r}" if self.title and self.title != self.node_type else ""
        name = f", {self.input_name}" if self.input_name else ""
        return f"node {self.node_id}{title} ({self.node_type}{name})"


class Kind(Enum):
    MODEL = "model"
    INPUT = "input"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What a workflow itself says of a model: where it is from, and where it belongs.

    All of it is whatever stands in the file, and may be a stranger's.
    """

    name: str
    url: str
    folder: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A value of one input that is none of those which the server has for it.

    Attributes:
        choices: those that it has.
        is_sure: ComfyUI refuses the value. Classes of node packs may have checks of their own.
    """

    kind: Kind
    name: str
    place: Place
    choices: tuple[str, ...] = ()
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A model, or an input file, that the server lacks.

    Attributes:
        folder: the kind of model, as ComfyUI calls its folders ("vae"); None: not known.
        nearest: the name most like it that the server has for this input, or ...
        nearest_folder: ... in the folder of another kind.
        source: what the workflow says of it.
    """

    name: str
    folder: str | None
    places: tuple[Place, ...]
    nearest: str | None = None
    nearest_folder: str | None = None
    source: ModelSource | None = None

    @property
    def is_idle(self) -> bool:
        """No output needs any of the nodes that name it."""
        return all(place.is_idle for place in self.places)


@dataclass(frozen=True, slots=True)
class OddChoice:
    """A value of a combo, of no file, that the server does not list."""

    value: str
    place: Place
    nearest: str | None
    is_sure: bool


@dataclass(frozen=True, slots=True)
class MissingPack:
    """A node pack whose classes a workflow has and the server lacks; `name` "" if it is not known.

    Attributes:
        repository: its address, where the workflow or the Manager's map says one.
        is_core: the classes are ComfyUI's own: of a newer one.
        classes: class -> the nodes of it.
        command: installs it; None where nothing is known that could be installed.
    """

    name: str
    version: str
    repository: str
    is_core: bool
    classes: tuple[tuple[str, tuple[Place, ...]], ...]
    command: str | None = None
