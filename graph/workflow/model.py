"""The editor's workflow JSON as values: Workflow, Subgraph, Node, Link.

`parse.py` makes them of a file, and checks it; everything behind it may trust the types. Nodes keep
their own JSON object in `data`, which is never changed: a function that makes another workflow
builds new objects, and `Workflow.to_json` writes them. Unknown keys survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from ...errors import Problem

NodeId: TypeAlias = "int | str"

SUBGRAPH_INPUT = -10  # the front end's ids of the input and output side of a subgraph
SUBGRAPH_OUTPUT = -20

PORT_TYPE = "DiscomfortPort"


class Mode(IntEnum):
    """What the editor calls a node's mode. 1 and 3 run like 0."""

    ALWAYS = 0
    ON_EVENT = 1
    MUTED = 2
    ON_TRIGGER = 3
    BYPASSED = 4


class Link(NamedTuple):
    id: NodeId
    origin_id: NodeId
    origin_slot: int
    target_id: NodeId
    target_slot: int
    type: Any


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the file has it. `inputs` and `outputs` are the slots' own JSON objects."""

    id: NodeId
    type: str
    mode: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    widgets_values: Any
    properties: dict[str, Any]
    data: dict[str, Any]

    @property
    def title(self) -> str:
        title = self.data.get("title")
        return title if isinstance(title, str) and title else self.type

    def problem(self, reason: str) -> Problem:
        return Problem(reason, str(self.id), self.type, self.title)


@dataclass(frozen=True, slots=True)
class Graph:
    """What the root of a workflow and a subgraph definition have in common."""

    nodes: list[Node]
    links: dict[NodeId, Link]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subgraph(Graph):
    """A definition. `inputs` and `outputs` are its slots' JSON (`name`, `type`, `linkIds`)."""

    id: str
    name: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Workflow(Graph):
    subgraphs: dict[str, Subgraph]

    def graphs(self) -> Iterable[Graph]:
        yield self
        yield from self.subgraphs.values()

    def to_json(self) -> dict[str, Any]:
        """The workflow as a JSON object again, with every unknown key of the file.

        The result shares no list of nodes or links with the input, but shares the nodes' own
        objects.
        """
        out = _graph_json(self)
        if self.subgraphs:
            definitions = dict(out.get("definitions") or {})
            definitions["subgraphs"] = [_graph_json(s) for s in self.subgraphs.values()]
            out["definitions"] = definitions
        return out


def node_json(node: Node) -> dict[str, Any]:
    """A node's JSON object, brought up to date with its fields."""
    out = dict(node.data)
    out.update(id=node.id, type=node.type, mode=node.mode)
    for key, value in (
        ("inputs", node.inputs),
        ("outputs", node.outputs),
        ("properties", node.properties),
    ):
        if value or key in out:
            out[key] = value
    if node.widgets_values is not None or "widgets_values" in out:
        out["widgets_values"] = node.widgets_values
    return out


def _graph_json(graph: Graph) -> dict[str, Any]:
    out = dict(graph.data)
    out["nodes"] = [node_json(n) for n in graph.nodes]
    if isinstance(graph, Subgraph) or out.get("version") == 1:
        out["links"] = [link._asdict() for link in graph.links.values()]
    else:
        out["links"] = [list(link) for link in graph.links.values()]
    if isinstance(graph, Subgraph):
        out.update(id=graph.id, name=graph.name, inputs=graph.inputs, outputs=graph.outputs)
    return out


def with_graph(workflow: Workflow, old: Graph, new: Graph) -> Workflow:
    """The workflow with one of its graphs (the root or a subgraph) exchanged."""
    if isinstance(new, Workflow):
        return new
    assert isinstance(old, Subgraph) and isinstance(new, Subgraph)
    subgraphs = {
        (new.id if k == old.id else k): (new if k == old.id else v)
        for k, v in workflow.subgraphs.items()
    }
    return replace(workflow, subgraphs=subgraphs)


def is_workflow(data: Any) -> bool:
    """Whether the JSON has the editor's form."""
    return isinstance(data, Mapping) and isinstance(data.get("nodes"), list)
