"""What ports are read off: which output feeds which input, and the types of both.

A flat graph answers it with the types of the file, a prompt with those of /object_info.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from ..convert.follow_link import Cut
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt, Source, links_of
from .port_types import ANY

PORT_INPUT = "input_data"


class Use(NamedTuple):
    """One input that a port feeds."""

    node_id: str
    input_name: str


class Connections(Protocol):
    """What `find_ports` asks of a graph; a FlatGraph answers it, and so does a prompt."""

    def source(self, node_id: str, input_name: str) -> Source | None: ...
    def cut(self, node_id: str, input_name: str) -> Cut | None: ...
    def links(self) -> Iterator[tuple[Source, str, str]]: ...
    def input_type(self, node_id: str, input_name: str) -> Any: ...
    def output_type(self, node_id: str, slot: int) -> Any: ...


class PromptConnections:
    """A prompt and /object_info as `Connections`."""

    def __init__(self, prompt: Prompt, info: ObjectInfo):
        self._prompt, self._info = prompt, info

    def source(self, node_id: str, input_name: str) -> Source | None:
        return dict(links_of(self._prompt[node_id])).get(input_name)

    def cut(self, node_id: str, input_name: str) -> Cut | None:
        return None  # a prompt has the nodes that run, and no others

    def links(self) -> Iterator[tuple[Source, str, str]]:
        for node_id, node in self._prompt.items():
            for name, source in links_of(node):
                yield source, node_id, name

    def input_type(self, node_id: str, input_name: str) -> Any:
        spec = self._info.input_spec(self._prompt[node_id]["class_type"], input_name)
        return spec[0] if spec else ANY

    def output_type(self, node_id: str, slot: int) -> Any:
        node = self._prompt.get(node_id)  # a link may come from a node that is not there
        class_type = node["class_type"] if node is not None else ""
        types = self._info.output_types(class_type) if class_type in self._info else ()
        return types[slot] if 0 <= slot < len(types) else ANY
