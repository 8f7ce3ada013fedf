"""Freezing: what INPUT ports gave becomes a part of the workflow, which needs no input any more.

A value goes into the widgets that the port feeds, if it feeds nothing else; then the port goes.
Otherwise the port stays and carries the value in `properties["discomfort_frozen"]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...errors import WorkflowError
from ..convert.flatten import flatten
from ..convert.plain_workflow import plain_workflow
from ..convert.set_get import join_set_get
from ..node_classes.core_nodes import REROUTES, VIRTUAL
from ..node_classes.object_info import ObjectInfo
from ..node_classes.set_widget import with_widget_value
from ..plan.run_plan import Frozen
from ..ports.connections import PORT_INPUT
from ..ports.find_ports import FROZEN, PortMode, find_ports
from ..ports.locations import NodeLocation, locations_of, port_modes
from ..workflow.edit import End, node_by_id, scope, without_nodes
from ..workflow.model import (
    PORT_TYPE,
    SUBGRAPH_OUTPUT,
    Graph,
    Mode,
    Node,
    NodeId,
    Workflow,
    with_graph,
)


def freeze(
    workflow: Workflow, values: Mapping[str, Any], info: ObjectInfo | None = None
) -> Workflow:
    """The workflow with what its INPUT ports gave frozen in. Other ports, and outputs, stay.

    Args:
        values: unique_id -> a literal, or `Frozen` for a value that is kept beside the workflow.
        info: the indexed /object_info; without it no widget can be set, and every port stays.
    """
    # Without info the values that a group node shows would be lost, so it stays what it is.
    workflow = plain_workflow(workflow, info) if info else join_set_get(workflow)
    locations = locations_of(flatten(workflow, info))
    for unique_id, ports in find_ports(workflow, info).inputs.items():
        if unique_id not in values:
            continue
        value = values[unique_id]
        # One port in a definition is found once for each instance.
        done: set[tuple[str | None, NodeId]] = set()
        for port in ports:
            location = locations[port.node_id]
            graph = scope(workflow, location.path)
            key = getattr(graph, "id", None), location.node_id
            if key not in done:
                done.add(key)
                workflow = _freeze_port(workflow, location, value, info)
    return workflow


def _freeze_port(
    workflow: Workflow, location: NodeLocation, value: Any, info: ObjectInfo | None
) -> Workflow:
    graph = scope(workflow, location.path)
    changed = None
    if info is not None and not isinstance(value, Frozen):
        changed = _into_widgets(workflow, graph, location, value, info)
    if changed is None:
        changed = _into_port(graph, location.node_id, value)
    return with_graph(workflow, graph, changed)


def _into_port(graph: Graph, port_id: NodeId, value: Any) -> Graph:
    held = {"content": value.content} if isinstance(value, Frozen) else {"value": value}
    nodes = [
        replace(n, properties={**n.properties, FROZEN: held}) if n.id == port_id else n
        for n in graph.nodes
    ]
    return replace(graph, nodes=nodes)


def _into_widgets(
    workflow: Workflow, graph: Graph, location: NodeLocation, value: Any, info: ObjectInfo
) -> Graph | None:
    """The graph with the value in all widgets that the port feeds; None if it feeds more."""
    reach = _reach(workflow, graph, location, info)
    if reach is None:
        return None
    passed, widgets = reach
    nodes = {n.id: n for n in graph.nodes}
    for end in widgets:
        node = nodes[end.node_id]
        try:
            nodes[node.id] = with_widget_value(node, info, node.inputs[end.slot]["name"], value)
        except WorkflowError:
            return None
    return without_nodes(replace(graph, nodes=list(nodes.values())), passed)


def _reach(
    workflow: Workflow, graph: Graph, location: NodeLocation, info: ObjectInfo
) -> tuple[set[NodeId], list[End]] | None:
    """What a port feeds in its graph: reroutes and passthru ports on the way, and the inputs.

    None where the way leaves the graph, or forks off at something that holds other values too.
    """
    port = node_by_id(graph, location.node_id)
    if any(s.get("name") == PORT_INPUT and s.get("link") is not None for s in port.inputs):
        return None  # another instance may feed it
    passthrus = {
        other.node_id
        for other, mode in port_modes(workflow, info).items()
        if other.path == location.path and mode is PortMode.PASSTHRU
    }
    passed: set[NodeId] = {port.id}
    ends: list[End] = []
    stack = [port.id]
    while stack:
        for target, slot in _linked_from(graph, stack.pop()):
            if target is None or target.mode == Mode.BYPASSED or target.type in workflow.subgraphs:
                return None
            if target.type in REROUTES or target.id in passthrus:
                if target.id not in passed:
                    passed.add(target.id)
                    stack.append(target.id)
            elif target.type == PORT_TYPE:
                return None
            elif target.type not in VIRTUAL and slot is not None:
                ends.append(End(target.id, slot))
    return (passed, ends) if ends else None


def _linked_from(graph: Graph, node_id: NodeId) -> Iterator[tuple[Node | None, int | None]]:
    """The nodes that a node feeds, muted ones left out, and at which input.

    No node: the output side of the subgraph. No input: the target does not name the link.
    """
    nodes = {n.id: n for n in graph.nodes}
    for link in graph.links.values():
        if link.origin_id != node_id:
            continue
        target = nodes.get(link.target_id)
        if link.target_id == SUBGRAPH_OUTPUT:
            yield None, None
        elif target is not None and target.mode != Mode.MUTED:
            yield target, _linked_slot(target, link.id)


def _linked_slot(node: Node, link_id: NodeId) -> int | None:
    return next((i for i, s in enumerate(node.inputs) if s.get("link") == link_id), None)
