"""Ports: which DiscomfortPort nodes a workflow or prompt has, their mode and type.

Mode and type follow from what a port *really* connects to, so both are read off the flat graph, in
which reroutes, bypassed nodes and the edges of subgraphs are gone and muted nodes are absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from ...errors import Problem, WorkflowError
from ..convert.flatten import Cut, flatten
from ..node_classes.widgets import ObjectInfo
from ..prompt import Prompt, Source, links_of
from ..workflow.model import PORT_TYPE, Workflow

PORT_INPUT = "input_data"
FROZEN = "discomfort_frozen"  # the node property with the value that a reference froze into a port
ANY = "ANY"
# What tells nothing: LiteGraph writes "*", "" or 0, and a match type is a placeholder for another
# type.
_ANY_TYPES = {"*", "", "0", ANY, "COMFY_MATCHTYPE_V3"}


class PortMode(Enum):
    INPUT = "input"
    OUTPUT = "output"
    PASSTHRU = "passthru"


class Use(NamedTuple):
    """One input that a port feeds."""

    node_id: str
    input_name: str


@dataclass(frozen=True, slots=True)
class Port:
    """One port. `node_id` is its id in the prompt ("12", or "57:8" inside a subgraph).

    `cut`: the muted or bypassed node because of which the link that is drawn to it counts as none.
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

    @property
    def type(self) -> str:
        """The more specific of the two types."""
        return more_specific(self.input_type, self.output_type)

    def problem(self, reason: str) -> Problem:
        return Problem(reason, self.node_id, PORT_TYPE, self.title)


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of a workflow by unique_id. Several INPUT ports may share one: they get the same
    value.
    """

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

    def input_type(self, unique_id: str) -> str:
        kind = ANY
        for port in self.inputs[unique_id]:
            kind = more_specific(kind, port.type)
        return kind


class Connections(Protocol):
    """What `find_ports` asks of a graph; a FlatGraph answers it, and so does a prompt."""

    def source(self, node_id: str, input_name: str) -> Source | None: ...
    def cut(self, node_id: str, input_name: str) -> Cut | None: ...
    def links(self) -> Iterator[tuple[Source, str, str]]: ...
    def input_type(self, node_id: str, input_name: str) -> Any: ...
    def output_type(self, node_id: str, slot: int) -> Any: ...


class _PortNode(NamedTuple):
    unique_id: Any
    tags: Any
    title: str
    frozen: Any


class _PromptGraph:
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
        class_type = self._prompt[node_id]["class_type"]
        types = self._info.output_types(class_type) if class_type in self._info else ()
        return types[slot] if 0 <= slot < len(types) else ANY


def find_ports(workflow: Workflow, info: ObjectInfo | None = None) -> Ports:
    """All ports of a workflow, also those inside subgraphs.

    Raises:
        WorkflowError: a port without unique_id, or one unique_id at two outputs; names the nodes.
    """
    flat = flatten(workflow, info)
    nodes = {}
    for node_id, flat_node in flat.nodes.items():
        if flat_node.node.type == PORT_TYPE:
            node = flat_node.node
            values = node.widgets_values
            if isinstance(values, Mapping):
                unique_id, tags = values.get("unique_id", ""), values.get("tags", "")
            else:
                padded = [*values, "", ""] if isinstance(values, list) else ["", ""]
                unique_id, tags = padded[0], padded[1]
            nodes[node_id] = _PortNode(unique_id, tags, node.title, node.properties.get(FROZEN))
    return _sort_ports(nodes, flat)


def find_ports_in_prompt(prompt: Prompt, info: ObjectInfo) -> Ports:
    """All ports of an API prompt; the types come from /object_info alone."""
    nodes = {
        node_id: _PortNode(
            node["inputs"].get("unique_id", ""),
            node["inputs"].get("tags", ""),
            (node.get("_meta") or {}).get("title") or PORT_TYPE,
            None,
        )
        for node_id, node in prompt.items()
        if node["class_type"] == PORT_TYPE
    }
    return _sort_ports(nodes, _PromptGraph(prompt, info))


def _sort_ports(nodes: Mapping[str, _PortNode], graph: Connections) -> Ports:
    uses: dict[str, list[Use]] = {node_id: [] for node_id in nodes}
    for source, node_id, name in graph.links():
        if source.node_id in uses:
            uses[source.node_id].append(Use(node_id, name))
    types = _Types(nodes, graph, uses)
    inputs: dict[str, list[Port]] = {}
    outputs: dict[str, list[Port]] = {}
    passthrus: dict[str, list[Port]] = {}
    frozen: list[Port] = []
    problems = []
    for node_id, node in nodes.items():
        source = graph.source(node_id, PORT_INPUT)
        mode = port_mode(source is not None, bool(uses[node_id]))
        unique_id = node.unique_id.strip() if isinstance(node.unique_id, str) else ""
        port = Port(
            unique_id,
            node_id,
            mode,
            split_tags(node.tags),
            types.of_input(node_id),
            types.of_output(node_id),
            source,
            tuple(uses[node_id]),
            node.title,
            node.frozen,
            graph.cut(node_id, PORT_INPUT) if source is None else None,
        )
        if not unique_id:
            problems.append(port.problem(_no_name(node.unique_id)))
        if mode is PortMode.INPUT and node.frozen is not None:
            frozen.append(port)
            continue
        by_mode = {PortMode.INPUT: inputs, PortMode.OUTPUT: outputs, PortMode.PASSTHRU: passthrus}
        by_mode[mode].setdefault(unique_id, []).append(port)
    for unique_id, ports in outputs.items():
        if unique_id and len(ports) > 1:
            others = ", ".join(p.node_id for p in ports)
            problems += [
                p.problem(f"the outputs {others} have the same unique_id {unique_id!r}; rename one")
                for p in ports
            ]
    if problems:
        raise WorkflowError("The ports of this workflow can't be used:", problems)
    return Ports(
        {k: tuple(v) for k, v in inputs.items()},
        {k: v[0] for k, v in outputs.items()},
        {k: tuple(v) for k, v in passthrus.items()},
        tuple(frozen),
    )


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


def is_any(kind: str) -> bool:
    return kind in _ANY_TYPES


def type_name(kind: Any) -> str:
    """A slot's type as a name: a list of options is a COMBO, what tells nothing is ANY."""
    if isinstance(kind, (list, tuple)):
        return "COMBO"
    name = str(kind).upper()
    return ANY if is_any(name) else name


def more_specific(first: str, second: str) -> str:
    """Of two types the one that says more; the first, if both say as much ("INT" over
    "INT,FLOAT").
    """
    if first == ANY:
        return second
    if second == ANY:
        return first
    return second if second.count(",") < first.count(",") else first


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
            if source is None:  # an INPUT: what else it feeds tells its type
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
