"""The editor's workflow JSON as values: Workflow, Subgraph, Node, Link.

`parse_workflow` checks the shape and raises `WorkflowError` with all problems; everything behind
it may trust the types. Nodes keep a reference to their own JSON object in `data`, which nobody
changes: a function that makes another workflow builds new objects and calls `dump`-style code of
its own (`Workflow.to_json`). Unknown keys survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias, TypeGuard, cast

from ..errors import Problem, WorkflowError

NodeId: TypeAlias = "int | str"

SUBGRAPH_INPUT = -10  # the ids that the front end gives to the two edges of a subgraph
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


def parse_workflow(data: Any) -> Workflow:
    """Read the editor's JSON.

    Raises:
        WorkflowError: with every problem of shape that was found, each with its place.
    """
    problems: list[Problem] = []
    if not isinstance(data, dict):
        raise WorkflowError(f"A workflow must be a JSON object, not {_kind(data)}.")
    if not isinstance(data.get("nodes"), list):
        raise WorkflowError('This is not a workflow: it has no list "nodes".')
    nodes, links = _parse_graph(data, "workflow", problems)
    subgraphs: dict[str, Subgraph] = {}
    for definition in _definitions(data, problems):
        subgraph = _parse_subgraph(definition, problems)
        if subgraph is not None:
            subgraphs[subgraph.id] = subgraph
    if problems:
        raise WorkflowError("The workflow is malformed:", problems)
    return Workflow(nodes, links, data, subgraphs)


def _definitions(data: dict[str, Any], problems: list[Problem]) -> list[Any]:
    definitions = data.get("definitions")
    if definitions is None:
        return []
    if not isinstance(definitions, dict):
        problems.append(Problem(f'"definitions" must be an object, not {_kind(definitions)}'))
        return []
    subgraphs = definitions.get("subgraphs") or []
    if not isinstance(subgraphs, list):
        problems.append(Problem(f'"definitions.subgraphs" must be a list, not {_kind(subgraphs)}'))
        return []
    return subgraphs


def _parse_subgraph(data: Any, problems: list[Problem]) -> Subgraph | None:
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        problems.append(Problem("a subgraph definition must be an object with a string id"))
        return None
    name = data.get("name")
    name = name if isinstance(name, str) else ""
    where = f"subgraph {name or data['id']!r}"
    nodes, links = _parse_graph(data, where, problems)
    slots = []
    for side in ("inputs", "outputs"):
        found = _list(data, side, where, problems)
        for i, slot in enumerate(found):
            if not isinstance(slot, dict) or not isinstance(slot.get("name"), str):
                problems.append(Problem(f"{where}: {side}[{i}] must be an object with a name"))
        slots.append(found)
    return Subgraph(nodes, links, data, data["id"], name, *slots)


def _parse_graph(
    data: dict[str, Any], where: str, problems: list[Problem]
) -> tuple[list[Node], dict[NodeId, Link]]:
    nodes = []
    seen: set[str] = set()  # the prompt's ids are text: 1 and "1" are the same there
    for i, item in enumerate(_list(data, "nodes", where, problems)):
        node = _parse_node(item, where, i, problems)
        if node is None:
            continue
        shown = str(node.id)
        if shown in seen:
            problems.append(node.problem(f"{where}: two nodes have this id"))
        seen.add(shown)
        nodes.append(node)
    links: dict[NodeId, Link] = {}
    for i, item in enumerate(_list(data, "links", where, problems)):
        link = _quick_link(item) or _parse_link(item, f"{where}: links[{i}]", problems)
        if link is not None:
            links[link.id] = link
    return nodes, links


def _list(data: dict[str, Any], key: str, where: str, problems: list[Problem]) -> list[Any]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        problems.append(Problem(f"{where}: {key!r} must be a list, not {_kind(value)}"))
        return []
    return value


def _parse_node(item: Any, graph: str, index: int, problems: list[Problem]) -> Node | None:
    if not isinstance(item, dict):
        problems.append(Problem(f"{graph}: nodes[{index}] must be an object, not {_kind(item)}"))
        return None
    node_id, kind, mode = item.get("id"), item.get("type"), item.get("mode")
    wrong: list[str] = []
    if not _is_id(node_id):
        wrong.append(f"the id must be a number or text, not {_show(node_id)}")
    if not isinstance(kind, str):
        wrong.append(f"the type must be text, not {_show(kind)}")
    if mode is not None and type(mode) is not int:
        wrong.append(f"the mode must be a number, not {_show(mode)}")
    inputs = _slots(item, "inputs", wrong)
    outputs = _slots(item, "outputs", wrong)
    properties = item.get("properties")
    if wrong:
        shown = str(node_id) if _is_id(node_id) else None
        problems.extend(Problem(f"{graph}: nodes[{index}]: {w}", shown) for w in wrong)
        return None
    return Node(
        cast(NodeId, node_id),
        cast(str, kind),
        mode or 0,
        inputs,
        outputs,
        item.get("widgets_values"),
        properties if isinstance(properties, dict) else {},
        item,
    )


def _slots(item: dict[str, Any], side: str, wrong: list[str]) -> list[dict[str, Any]]:
    slots = item.get(side)
    if slots is None:
        return []
    if not isinstance(slots, list):
        wrong.append(f"{side!r} must be a list, not {_kind(slots)}")
        return []
    for i, slot in enumerate(slots):
        if not isinstance(slot, dict):
            wrong.append(f"{side}[{i}] must be an object, not {_kind(slot)}")
            continue
        name, link = slot.get("name"), slot.get("link")
        if name is not None and not isinstance(name, str):
            wrong.append(f"{side}[{i}].name must be text, not {_show(name)}")
        if link is not None and side == "inputs" and not _is_id(link):
            wrong.append(f"{side}[{i}].link must be a link id, not {_show(link)}")
    return slots


def _quick_link(item: Any) -> Link | None:
    """A link in the form that nearly all of them have; None: look closer."""
    if type(item) is list and len(item) == 6:
        link = Link(*item)
        if type(link.id) is type(link.origin_id) is type(link.target_id) is int:
            slot = link.origin_slot
            if type(slot) is int and slot >= 0:
                return link
    return None


def _parse_link(item: Any, where: str, problems: list[Problem]) -> Link | None:
    """Both forms: `[id, origin_id, origin_slot, target_id, target_slot, type]` and the object."""
    if isinstance(item, list) and len(item) >= 5:
        link = Link(item[0], item[1], item[2], item[3], item[4], item[5] if len(item) > 5 else "*")
    elif isinstance(item, dict):
        missing = [k for k in Link._fields[:5] if k not in item]
        if missing:
            problems.append(Problem(f"{where} has no {', '.join(map(repr, missing))}"))
            return None
        link = Link(
            item["id"],
            item["origin_id"],
            item["origin_slot"],
            item["target_id"],
            item["target_slot"],
            item.get("type", "*"),
        )
    elif item is None:
        return None  # the editor leaves holes in old files
    else:
        problems.append(
            Problem(f"{where} must have the form [id, origin, slot, target, slot, type]")
        )
        return None
    if not (_is_id(link.id) and _is_id(link.origin_id) and _is_id(link.target_id)):
        shown = ", ".join(map(_show, link[:5]))
        problems.append(Problem(f"{where}: ids must be numbers or text, not [{shown}]"))
        return None
    if type(link.origin_slot) is not int or link.origin_slot < 0:
        problems.append(
            Problem(
                f"{where}: the origin slot must be a number from 0, not {_show(link.origin_slot)}"
            )
        )
        return None
    return link


def _is_id(value: Any) -> TypeGuard[NodeId]:
    return type(value) is int or isinstance(value, str)


def _show(value: Any) -> str:
    """A wrong value for a message; of what may be large or deep only the kind."""
    if value is None or isinstance(value, (dict, list, bool)):
        return _kind(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
