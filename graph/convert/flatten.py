"""A workflow flattened: the nodes that really run, and what really feeds each input.

Subgraphs are expanded ("57:8" is node 8 in instance 57); muted, bypassed and editor-only nodes
are gone, and links go through them as the front end resolves them. Works without /object_info
too: then the slots in the file count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ...errors import Problem, WorkflowError
from ..node_classes.core_nodes import REROUTES, VIRTUAL
from ..node_classes.input_specs import MISSING
from ..node_classes.object_info import ObjectInfo
from ..prompt import Source
from ..workflow.model import Graph, Link, Mode, Node, Workflow
from .bypass import bypass_slot, input_slots, output_type, type_name
from .editor_state import GraphState, NodeState, is_subgraph_input
from .group_nodes import expand_group_nodes, has_group_nodes
from .load_graphs import load_graphs

_INACTIVE = (Mode.MUTED, Mode.BYPASSED)


class Scope:
    """One place where a graph stands: the root, or a definition inside one of its instances."""

    __slots__ = ("children", "graph", "instance", "instances", "parent", "prefix")

    def __init__(self, graph: GraphState, instance: NodeState | None, parent: Scope | None):
        self.graph = graph
        self.instance = instance
        self.parent = parent
        self.children: dict[str, Scope] = {}
        self.prefix = ""
        self.instances: tuple[Node, ...] = ()
        if instance is not None and parent is not None:
            self.prefix = f"{parent.prefix}{instance.prompt_id}:"
            self.instances = (*parent.instances, instance.node)


@dataclass(slots=True)
class FlatNode:
    """A node that runs: its id in the prompt, and the instances around it, outermost first."""

    id: str
    node: Node
    scope: Scope
    state: NodeState

    @property
    def instances(self) -> tuple[Node, ...]:
        return self.scope.instances

    @property
    def graph(self) -> Graph:
        """The graph it lives in: the workflow, or a subgraph definition."""
        return self.scope.graph.graph

    def problem(self, reason: str) -> Problem:
        return Problem(reason, self.id, self.node.type, self.node.title)


class Promoted(NamedTuple):
    """An input that an instance's own widget feeds. `slot` is the instance's input."""

    value: Any
    scope: Scope
    instance: NodeState
    slot: int


class Cut(NamedTuple):
    """Where a drawn link ends: at a muted node, or at a bypassed one that passes nothing on."""

    node_id: str
    title: str
    is_muted: bool


class FlatGraph:
    """The result of `flatten`. `nodes` are exactly those of the prompt, in its order."""

    __slots__ = ("nodes", "root")

    def __init__(self, nodes: dict[str, FlatNode], root: Scope):
        self.nodes = nodes
        self.root = root

    def source(self, node_id: str, input_name: str) -> Source | None:
        """What feeds the input in the end. None: nothing does (not linked, or the source is muted).

        Raises:
            WorkflowError: a link that leads nowhere, or in a circle.
        """
        found = self.resolve(self.nodes[node_id], input_name)
        return found if isinstance(found, Source) else None

    def cut(self, node_id: str, input_name: str) -> Cut | None:
        """The node because of which nothing feeds an input, though a link is drawn to it."""
        found = self.resolve(self.nodes[node_id], input_name)
        return found if isinstance(found, Cut) else None

    def links(self) -> Iterator[tuple[Source, str, str]]:
        """`(source, node_id, input_name)` of every input that a node feeds."""
        for flat in self.nodes.values():
            for name in flat.state.links:
                found = self.resolve(flat, name)
                if isinstance(found, Source):
                    yield found, flat.id, name

    def input_type(self, node_id: str, input_name: str) -> str:
        """The type of an input, as the definition says, else as the file says."""
        flat = self.nodes[node_id]
        return _input_type(flat.scope.graph, flat.state, input_name)

    def output_type(self, node_id: str, slot: int) -> str:
        """The type of an output, as the definition says, else as the file says."""
        flat = self.nodes[node_id]
        return output_type(flat.state, slot, flat.scope.graph)

    def resolve(self, flat: FlatNode, input_name: str) -> Source | Promoted | Cut | None:
        """What the link of an input leads to: a promoted value and a cut included."""
        try:
            return _resolve(flat.scope, flat.state, input_name)
        except _DeadEnd as e:
            raise WorkflowError(
                "A link can't be followed:", [flat.problem(f"input {input_name!r}: {e}")]
            ) from e


class _DeadEnd(Exception):
    """A link that can't be followed; the message says where."""


def flatten(workflow: Workflow, info: ObjectInfo | None = None) -> FlatGraph:
    """Expand the subgraphs of a workflow and find the nodes that run.

    Args:
        workflow: is not changed.
        info: the indexed /object_info. Without it, inputs and types are those in the file.

    Raises:
        WorkflowError: a subgraph contains itself, nesting too deep, or two nodes with one id.
    """
    if has_group_nodes(workflow):
        workflow = expand_group_nodes(workflow, info)
    root = Scope(load_graphs(workflow, info), None, None)
    nodes: dict[str, FlatNode] = {}
    problems: list[Problem] = []
    stack: list[tuple[Scope, Iterator[NodeState]]] = [(root, iter(root.graph.nodes.values()))]
    while stack:
        scope, states = stack[-1]
        for state in states:
            node = state.node
            if state.definition is not None:
                # An inactive instance counts in the root only: inside subgraphs its nodes are sent
                # all the same.
                if node.mode in _INACTIVE and scope is root:
                    continue
                child = scope.children[str(node.id)] = Scope(state.definition, state, scope)
                stack.append((child, iter(state.definition.nodes.values())))
                break
            if node.mode in _INACTIVE or node.type in VIRTUAL:
                continue
            flat = FlatNode(scope.prefix + state.prompt_id, node, scope, state)
            if flat.id in nodes:
                problems.append(flat.problem("two nodes would have this id in the prompt"))
            nodes[flat.id] = flat
        else:
            stack.pop()
    if problems:
        raise WorkflowError("Node ids are not unique:", problems)
    return FlatGraph(nodes, root)


# The input that asks for a value: its type decides what a bypassed node passes on. A bare tuple,
# since one is made for every link.
_Input: TypeAlias = "tuple[GraphState, NodeState, str]"


class _Cursor(NamedTuple):
    """A link on the way from an input back to its origin.

    `link_id`: None where the way ends. `cut`: the last bypassed node on the way so far.
    """

    scope: Scope
    link_id: Any
    asking: _Input
    cut: Cut | None


_End: TypeAlias = "Source | Promoted | Cut | None"


def _resolve(scope: Scope, state: NodeState, input_name: str) -> _End:
    """Follow the link of an input, against its direction, to a node that runs."""
    asking = scope.graph, state, input_name
    found = _step(scope, state.links.get(input_name), asking, None)
    if type(found) is not _Cursor:  # most links lead to a node at once
        return found
    seen: set[tuple[int, Any]] = set()
    while isinstance(found, _Cursor):
        at = (id(found.scope), found.link_id)
        if at in seen:
            name = found.scope.graph.name()
            raise _DeadEnd(f"link {found.link_id!r} of the {name} leads in a circle")
        seen.add(at)
        found = _step(*found)
    return found


def _step(scope: Scope, link_id: Any, asking: _Input, cut: Cut | None) -> _Cursor | _End:
    """Follow one link back: to the end of the way, or to the next link."""
    if link_id is None:
        return cut
    graph = scope.graph
    link = graph.links.get(link_id)
    if link is None:
        raise _DeadEnd(f"link {link_id!r} is not in the links of the {graph.name()}")
    if (
        is_subgraph_input(link.origin_id)
        and scope.instance is not None
        and scope.parent is not None
    ):
        return _leave(scope, scope.parent, scope.instance, link, cut)
    origin = graph.origin(link)
    if origin is None:
        raise _DeadEnd(f"link {link_id!r} comes from node {link.origin_id}, which does not exist")
    mode, kind = origin.node.mode, origin.node.type
    if mode == Mode.MUTED:
        return _cut(scope, origin)
    if mode == Mode.BYPASSED:
        return _pass_bypassed(scope, origin, link.origin_slot, asking)
    if origin.definition is not None:
        inside = scope.children[str(origin.node.id)]
        return _Cursor(inside, _output_link(inside.graph, link.origin_slot), asking, cut)
    if kind in REROUTES:
        return _Cursor(scope, next(iter(origin.links.values()), None), asking, cut)
    if kind in VIRTUAL:
        return None
    return Source(scope.prefix + origin.prompt_id, link.origin_slot)


def _leave(
    scope: Scope, outside: Scope, instance: NodeState, link: Link, cut: Cut | None
) -> _Cursor | Promoted | None:
    """Leave a subgraph: go on at its instance's input, or end at the value promoted there."""
    slot = link.origin_slot
    if not 0 <= slot < len(scope.graph.inputs):
        raise _DeadEnd(
            f"link {link.id!r} comes from input {slot} of the {scope.graph.name()}, which has none"
        )
    name = scope.graph.inputs[slot].name
    link_id = instance.links.get(name)
    if link_id is None:
        return _promoted(outside, instance, slot)
    return _Cursor(outside, link_id, (outside.graph, instance, name), cut)


def _pass_bypassed(scope: Scope, origin: NodeState, slot: int, asking: _Input) -> _Cursor | Cut:
    cut = _cut(scope, origin)
    name = _bypassed_input(scope.graph, origin, slot, _input_type(*asking))
    if name is None:
        return cut
    return _Cursor(scope, origin.links.get(name), (scope.graph, origin, name), cut)


def _cut(scope: Scope, origin: NodeState) -> Cut:
    node = origin.node
    return Cut(scope.prefix + origin.prompt_id, node.title, node.mode == Mode.MUTED)


def _promoted(scope: Scope, instance: NodeState, slot: int) -> Promoted | None:
    value = instance.promoted_value(slot)
    assert instance.definition is not None
    if not instance.definition.inputs[slot].has_widget or value is MISSING:
        return None
    return Promoted(value, scope, instance, slot)


def _bypassed_input(graph: GraphState, origin: NodeState, slot: int, wanted: str) -> str | None:
    slots = input_slots(origin, graph)
    found = bypass_slot([t for _, t in slots], output_type(origin, slot, graph), wanted, slot)
    return None if found is None else slots[found][0]


def _output_link(graph: GraphState, slot: int) -> Any:
    """The link inside a subgraph that feeds its output: the first that exists."""
    if not 0 <= slot < len(graph.outputs):
        raise _DeadEnd(f"the {graph.name()} has no output {slot}")
    ids = graph.outputs[slot].get("linkIds")
    if isinstance(ids, list):
        for link_id in ids:
            if isinstance(link_id, (int, str)) and link_id in graph.links:
                return link_id
    return None


def _input_type(graph: GraphState, state: NodeState, name: str) -> str:
    if state.definition is None and state.spec is not None:
        known = state.spec.inputs.get(name)
        if known is not None and not known[0].startswith("COMFY_"):
            return known[0]
    for slot, kind in input_slots(state, graph):
        if slot == name:
            return kind
    return type_name(None)
