"""Ports: which DiscomfortPort nodes a workflow or prompt has, their mode and type.

Mode and type follow from what a port *really* connects to, so both are read off the flat graph, in
which reroutes, bypassed nodes and the borders of subgraphs are gone and muted nodes are absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

from ...errors import Problem, WorkflowError
from ..convert.flatten import FlatNode, flatten
from ..convert.follow_link import Cut
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt, PromptNode, Source
from ..workflow.model import PORT_TYPE, Workflow
from .connections import PORT_INPUT, Connections, PromptConnections, Use
from .port_types import ANY, more_specific, type_name

FROZEN = "discomfort_frozen"  # the node property with the value that a reference froze into a port


class PortMode(Enum):
    INPUT = "input"
    OUTPUT = "output"
    PASSTHRU = "passthru"


class Default(NamedTuple):
    """What an INPUT port has while nothing is given under its name: what the widgets in the file
    have that it feeds.

    `under`: each of these widgets with its value as the prompt has it. At another tool's marker it
    may be a link, or MISSING for an input that has nothing; `value` is None then.
    """

    value: Any
    under: Mapping[Use, Any]


@dataclass(frozen=True, slots=True)
class Port:
    """One port. `node_id` is its id in the prompt ("12", or "57:8" inside a subgraph).

    Attributes:
        cut: the muted or bypassed node because of which the link that is drawn to it counts as
            none.
        default: of an INPUT whose value may be left out.
        no_default: why there is none, as far as there is more to say than that none is looked for.
        place: the node that an address, or another tool's marker, names; None: a DiscomfortPort.
        is_for_call: it is there for one call alone: its value is not stored, and joins nothing.
    """

    unique_id: str
    node_id: str
    mode: PortMode
    tags: tuple[str, ...]
    input_type: str
    output_type: str
    source: Source | None
    uses: tuple[Use, ...]
    title: str
    frozen: Any = None
    cut: Cut | None = None
    default: Default | None = None
    no_default: str = ""
    place: Problem | None = None
    is_for_call: bool = False

    @property
    def type(self) -> str:
        """The more specific of the two types."""
        return more_specific(self.input_type, self.output_type)

    def problem(self, reason: str) -> Problem:
        if self.place is not None:
            return replace(self.place, reason=reason)
        return Problem(reason, self.node_id, PORT_TYPE, self.title)


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of a workflow by unique_id. INPUT ports that share one get the same value."""

    inputs: dict[str, tuple[Port, ...]]
    outputs: dict[str, Port]
    passthrus: dict[str, tuple[Port, ...]]
    frozen: tuple[Port, ...] = ()  # INPUT ports of a reference, which carry their value themselves

    def all(self) -> Iterator[Port]:
        for group in self.inputs.values():
            yield from group
        yield from self.outputs.values()
        for group in self.passthrus.values():
            yield from group
        yield from self.frozen

    @property
    def stored(self) -> dict[str, Port]:
        """The OUTPUTs whose values are stored under their names."""
        return {uid: port for uid, port in self.outputs.items() if not port.is_for_call}

    def default(self, unique_id: str) -> Default | None:
        """What an INPUT has while it is given nothing; None: it must be given a value."""
        return self.inputs[unique_id][0].default

    def input_type(self, unique_id: str) -> str:
        kind = ANY
        for port in self.inputs[unique_id]:
            kind = more_specific(kind, port.type)
        return kind


class _PortNode(NamedTuple):
    unique_id: Any
    tags: Any
    title: str
    frozen: Any


def find_ports(workflow: Workflow, info: ObjectInfo | None = None) -> Ports:
    """All ports of a workflow, also those inside subgraphs.

    Raises:
        WorkflowError: a port without unique_id, or one unique_id at two outputs; names the nodes.
    """
    flat = flatten(workflow, info)
    nodes = {
        node_id: _read_node(item)
        for node_id, item in flat.nodes.items()
        if item.node.type == PORT_TYPE
    }
    return _sort_ports(nodes, flat)


def find_ports_in_prompt(prompt: Prompt, info: ObjectInfo) -> Ports:
    """All ports of an API prompt; the types come from /object_info alone."""
    nodes = {
        node_id: _read_prompt_node(node)
        for node_id, node in prompt.items()
        if node["class_type"] == PORT_TYPE
    }
    return _sort_ports(nodes, PromptConnections(prompt, info))


def _read_node(flat: FlatNode) -> _PortNode:
    node = flat.node
    values = node.widgets_values
    if isinstance(values, Mapping):
        unique_id, tags = values.get("unique_id", ""), values.get("tags", "")
    else:
        padded = [*values, "", ""] if isinstance(values, list) else ["", ""]
        unique_id, tags = padded[0], padded[1]
    return _PortNode(unique_id, tags, node.title, node.properties.get(FROZEN))


def _read_prompt_node(node: PromptNode) -> _PortNode:
    inputs = node["inputs"]
    title = (node.get("_meta") or {}).get("title") or PORT_TYPE
    return _PortNode(inputs.get("unique_id", ""), inputs.get("tags", ""), title, None)


def _sort_ports(nodes: Mapping[str, _PortNode], graph: Connections) -> Ports:
    """The ports by mode and unique_id.

    Raises:
        WorkflowError: names all ports that can't be used.
    """
    ports = _describe(nodes, graph)
    frozen: list[Port] = []
    groups: dict[PortMode, dict[str, list[Port]]] = {mode: {} for mode in PortMode}
    for port in ports:
        if port.mode is PortMode.INPUT and port.frozen is not None:
            frozen.append(port)
        else:
            groups[port.mode].setdefault(port.unique_id, []).append(port)
    outputs = groups[PortMode.OUTPUT]
    problems = [p.problem(_no_name(nodes[p.node_id].unique_id)) for p in ports if not p.unique_id]
    problems += _find_doubled(outputs)
    if problems:
        raise WorkflowError("The ports of this workflow can't be used:", problems)
    return Ports(
        inputs={uid: tuple(group) for uid, group in groups[PortMode.INPUT].items()},
        outputs={uid: group[0] for uid, group in outputs.items()},
        passthrus={uid: tuple(group) for uid, group in groups[PortMode.PASSTHRU].items()},
        frozen=tuple(frozen),
    )


def _describe(nodes: Mapping[str, _PortNode], graph: Connections) -> list[Port]:
    """What each port is, from what it is connected to; in the order of the nodes."""
    uses: dict[str, list[Use]] = {node_id: [] for node_id in nodes}
    for source, node_id, name in graph.links():
        if source.node_id in uses:
            uses[source.node_id].append(Use(node_id, name))
    types = _Types(nodes, graph, uses)
    ports = []
    for node_id, node in nodes.items():
        source = graph.source(node_id, PORT_INPUT)
        port = Port(
            unique_id=node.unique_id.strip() if isinstance(node.unique_id, str) else "",
            node_id=node_id,
            mode=port_mode(source is not None, bool(uses[node_id])),
            tags=split_tags(node.tags),
            input_type=types.of_input(node_id),
            output_type=types.of_output(node_id),
            source=source,
            uses=tuple(uses[node_id]),
            title=node.title,
            frozen=node.frozen,
            cut=graph.cut(node_id, PORT_INPUT) if source is None else None,
        )
        ports.append(port)
    return ports


def _find_doubled(outputs: Mapping[str, list[Port]]) -> list[Problem]:
    """A problem for each OUTPUT whose unique_id another one has too."""
    problems = []
    for unique_id, ports in outputs.items():
        if unique_id and len(ports) > 1:
            others = ", ".join(p.node_id for p in ports)
            reason = f"the outputs {others} have the same unique_id {unique_id!r}; rename one"
            problems += [port.problem(reason) for port in ports]
    return problems


def _no_name(given: Any) -> str:
    """Why what stands in a port's `unique_id` is none."""
    if given is None or isinstance(given, str):
        return "the port has no unique_id; type one in"
    return f"the unique_id of the port must be text, but {given!r} is none; type its name in again"


def port_mode(has_input: bool, has_output: bool) -> PortMode:
    """The table of the port's three modes. An unconnected port is an INPUT."""
    if not has_input:
        return PortMode.INPUT
    return PortMode.PASSTHRU if has_output else PortMode.OUTPUT


def split_tags(tags: Any) -> tuple[str, ...]:
    """`"a, b,,c"` -> `("a", "b", "c")`."""
    text = tags if isinstance(tags, str) else ""
    return tuple(tag.strip() for tag in text.split(",") if tag.strip())


class _Types:
    """Types of ports, followed through chains of ports (a port has no type of its own)."""

    def __init__(
        self, nodes: Mapping[str, _PortNode], graph: Connections, uses: Mapping[str, list[Use]]
    ):
        self._nodes, self._graph, self._uses = nodes, graph, uses

    def of_input(self, node_id: str) -> str:
        seen: set[str] = set()
        while node_id not in seen:
            seen.add(node_id)
            source = self._graph.source(node_id, PORT_INPUT)
            if source is None:  # an INPUT: what else it feeds says its type
                return self.of_output(node_id)
            if source.node_id not in self._nodes:
                return type_name(self._graph.output_type(*source))
            node_id = source.node_id
        return ANY  # a cycle, which the converter refuses with the nodes named

    def of_output(self, node_id: str) -> str:
        kind, seen, queue = ANY, {node_id}, [node_id]
        while queue:
            for use in self._uses[queue.pop(0)]:
                if use.node_id not in self._nodes:
                    kind = more_specific(kind, type_name(self._graph.input_type(*use)))
                elif use.node_id not in seen:
                    seen.add(use.node_id)
                    queue.append(use.node_id)
        return kind
