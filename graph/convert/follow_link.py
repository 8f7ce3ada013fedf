"""Following the link of an input, against its direction, to what really feeds it.

The way leads through bypassed nodes and reroutes, into and out of subgraphs, as the front end
resolves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from ..node_classes.core_nodes import REROUTES, VIRTUAL
from ..node_classes.input_specs import MISSING
from ..prompt import Source
from ..workflow.model import Link, Mode, Node
from .bypass import bypass_slot, input_slots, output_type, type_name
from .editor_state import GraphState, NodeState, is_subgraph_input


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


class DeadEnd(Exception):
    """A link that can't be followed; the message says where."""


# The input that asks for a value: its type decides what a bypassed node passes on. A bare tuple,
# since one is made for every link.
_Input: TypeAlias = "tuple[GraphState, NodeState, str]"


class _Cursor(NamedTuple):
    """A link on the way from an input back to its origin.

    `link_id`: None where the way ends. `cut`: the last bypassed node on the way so far.
    `slot`: the instance's input, where the link has just left a subgraph.
    """

    scope: Scope
    link_id: Any
    asking: _Input
    cut: Cut | None
    slot: int | None = None


class Passed(NamedTuple):
    """An input that a link leads through: the node's own, or an instance's around it."""

    scope: Scope
    state: NodeState
    name: str


# Where a way ends: at a node that runs, a promoted value, a cut, or at nothing.
Origin: TypeAlias = "Source | Promoted | Cut | None"


def follow_link(scope: Scope, state: NodeState, input_name: str) -> Origin:
    """Follow the link of an input, against its direction, to a node that runs.

    Raises:
        DeadEnd: the link can't be followed.
    """
    asking = scope.graph, state, input_name
    found = _step(scope, state.links.get(input_name), asking, None)
    if not isinstance(found, _Cursor):  # most links lead to a node at once
        return found
    for step in _way(found):
        found = step
    assert not isinstance(found, _Cursor)
    return found


def inputs_on_way(scope: Scope, state: NodeState, input_name: str) -> Iterator[Passed]:
    """The inputs that the link of an input leads through, its own first, then those of instances
    around it; also where nothing is linked to the last of them.

    Raises:
        DeadEnd: the link can't be followed.
    """
    yield Passed(scope, state, input_name)
    asking = scope.graph, state, input_name
    found = _step(scope, state.links.get(input_name), asking, None)
    for step in (found, *(_way(found) if isinstance(found, _Cursor) else ())):
        if isinstance(step, _Cursor) and step.slot is not None:
            yield Passed(step.scope, step.asking[1], step.asking[2])


def follow_output(scope: Scope, instance: NodeState, slot: int) -> Origin:
    """What really gives an output of an instance, which stands in that scope.

    Raises:
        DeadEnd: the link inside can't be followed.
    """
    inside = scope.children[str(instance.node.id)]
    asking = inside.graph, instance, ""
    found: _Cursor | Origin = _Cursor(inside, _output_link(inside.graph, slot), asking, None)
    for step in _way(found):
        found = step
    assert not isinstance(found, _Cursor)
    return found


def _way(found: _Cursor) -> Iterator[_Cursor | Origin]:
    """All steps behind a first one, to the end of the way."""
    seen: set[tuple[int, Any]] = set()
    step: _Cursor | Origin = found
    while isinstance(step, _Cursor):
        at = (id(step.scope), step.link_id)
        if at in seen:
            name = step.scope.graph.name()
            raise DeadEnd(f"link {step.link_id!r} of the {name} leads in a circle")
        seen.add(at)
        step = _step(*step)
        yield step


def _step(
    scope: Scope, link_id: Any, asking: _Input, cut: Cut | None, left_by: int | None = None
) -> _Cursor | Origin:
    """Follow one link back: to the end of the way, or to the next link."""
    if link_id is None:
        return cut if left_by is None else _promoted(scope, asking[1], left_by)
    graph = scope.graph
    link = graph.links.get(link_id)
    if link is None:
        if "ue_properties" in asking[1].node.properties:
            return cut  # Use Everywhere drew it for a run, and left its number behind
        raise DeadEnd(f"link {link_id!r} is not in the links of the {graph.name()}")
    if (
        is_subgraph_input(link.origin_id)
        and scope.instance is not None
        and scope.parent is not None
    ):
        return _leave(scope, scope.parent, scope.instance, link, cut)
    origin = graph.origin(link)
    if origin is None:
        raise DeadEnd(f"link {link_id!r} comes from node {link.origin_id}, which does not exist")
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
) -> _Cursor:
    """Leave a subgraph: go on at its instance's input; without a link its promoted value counts."""
    slot = link.origin_slot
    if not 0 <= slot < len(scope.graph.inputs):
        raise DeadEnd(
            f"link {link.id!r} comes from input {slot} of the {scope.graph.name()}, which has none"
        )
    name = scope.graph.inputs[slot].name
    return _Cursor(outside, instance.links.get(name), (outside.graph, instance, name), cut, slot)


def _pass_bypassed(scope: Scope, origin: NodeState, slot: int, asking: _Input) -> _Cursor | Cut:
    cut = _cut(scope, origin)
    name = _bypassed_input(scope.graph, origin, slot, input_type(*asking))
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
        raise DeadEnd(f"the {graph.name()} has no output {slot}")
    ids = graph.outputs[slot].get("linkIds")
    if isinstance(ids, list):
        for link_id in ids:
            if isinstance(link_id, (int, str)) and link_id in graph.links:
                return link_id
    return None


def input_type(graph: GraphState, state: NodeState, name: str) -> str:
    if state.definition is None and state.spec is not None:
        known = state.spec.inputs.get(name)
        if known is not None and not known[0].startswith("COMFY_"):
            return known[0]
    for slot, kind in input_slots(state, graph):
        if slot == name:
            return kind
    return type_name(None)
