"""What has to be found out before the key of a step can be made: the questions to its facts."""

from __future__ import annotations

from dataclasses import dataclass

from ..node_classes.object_info import ObjectInfo
from ..plan.internal_nodes import INTERNAL, LOADER
from ..plan.swap_ports import Swapped
from ..prompt import Prompt
from .facts import NamedFile
from .named_files import find_named_files


@dataclass(frozen=True, slots=True)
class Questions:
    """Which facts the key of one step needs, beside those that are there for every step.

    Attributes:
        nodes: the ids of the nodes that are asked whether they have changed, if their classes can
            be asked.
        classes: their classes.
        files: what may be files.
        values: the keys of the values that loaders read.
    """

    nodes: tuple[str, ...]
    classes: frozenset[str]
    files: frozenset[NamedFile]
    values: frozenset[str]


def ask(swapped: Swapped, info: ObjectInfo) -> Questions:
    """The questions of one step. Our own nodes answer none: all that counts is in their inputs."""
    part = needed_part(swapped)
    asked = tuple(n for n, node in part.items() if node["class_type"] not in INTERNAL)
    loaders = [node["inputs"] for node in part.values() if node["class_type"] == LOADER]
    return Questions(
        asked,
        frozenset(part[n]["class_type"] for n in asked),
        find_named_files(part, info),
        frozenset(i["unique_id"] for i in loaders if i.get("unique_id")),
    )


def needed_part(swapped: Swapped) -> Prompt:
    """What would run: the nodes that the outputs need, without those that are only kept."""
    return {n: node for n, node in swapped.prompt.items() if n in swapped.needed}
