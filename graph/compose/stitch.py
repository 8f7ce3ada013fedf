"""Stitching: several workflows as one, OUTPUT ports of earlier ones joined to later INPUT ports.

What is joined is decided first, from the ports alone. Then each part is made ready (the slots of
ports inside subgraphs are exposed at its root), the parts are merged side by side, and linked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...errors import WorkflowError
from ..convert.flatten import flatten
from ..convert.plain_workflow import plain_workflow
from ..convert.set_get import join_set_get
from ..node_classes.object_info import ObjectInfo
from ..ports.connections import PORT_INPUT
from ..ports.find_ports import Port, PortMode, find_ports
from ..ports.locations import NodeLocation, locations_of, port_modes
from ..workflow.edit import End, connect, node_by_id, scope, slot_named, tidy_all, without_nodes
from ..workflow.model import Mode, NodeId, Subgraph, Workflow, with_graph
from ..workflow.order import execution_order
from ..workflow.subgraph_definitions import used_definitions, with_own_definition
from .expose_slot import expose_input, expose_output
from .merge import merge, with_last_ids


@dataclass(frozen=True, slots=True)
class LocatedPort:
    """A port of one of the parts."""

    part: int
    port: Port
    location: NodeLocation


class Join(NamedTuple):
    """The OUTPUT of an earlier part feeds the INPUT of a later one."""

    output: LocatedPort
    input: LocatedPort


@dataclass(frozen=True, slots=True)
class Seams:
    """What stitching does.

    joins: the links to be drawn.
    dropped: ports that have nothing to do any more: outputs that a later part shadows before
        they are used, and inputs that are met but feed nothing.
    """

    joins: tuple[Join, ...]
    dropped: tuple[LocatedPort, ...]


def stitch(
    workflows: Sequence[Workflow],
    delete_input_ports: bool = False,
    delete_output_ports: bool = False,
    info: ObjectInfo | None = None,
    titles: Sequence[str] = (),
) -> Workflow:
    """Several workflows as one that runs them all and opens in the editor, its parts side by side.

    An INPUT port is joined to the latest earlier OUTPUT of its unique_id; both become PASSTHRU.
    Where two parts output the same unique_id, the last one stays an output. Values that a
    reference froze into its ports stay where they are.

    Args:
        delete_input_ports: remove INPUT ports that nothing feeds; what they fed loses the link.
        delete_output_ports: remove OUTPUT ports that nothing uses.
        info: the indexed /object_info; it knows better than the file what bypassed nodes forward.
        titles: what the groups around the parts say; see `merge`.

    Raises:
        WorkflowError: ports that can't be used, or a cycle; names the nodes.
    """
    if not workflows:
        raise WorkflowError("There is nothing to stitch: give at least one workflow.")
    # Without info the values that a group node shows would be lost, so it stays what it is.
    plain = [plain_workflow(w, info) if info else join_set_get(w) for w in workflows]
    parts = [tidy_all(w) for w in plain]
    seams = plan_seams([locate_ports(w, i, info) for i, w in enumerate(parts)])
    while seams.dropped:  # that can take the last use of an input, which then goes as well
        for index in {p.part for p in seams.dropped}:
            doomed = {p.location for p in seams.dropped if p.part == index}
            parts[index] = without_ports(parts[index], doomed, info)
        seams = plan_seams([locate_ports(w, i, info) for i, w in enumerate(parts)])
    _check_reachable(parts, seams.joins)
    parts, ends = _expose(parts, seams.joins)
    result, maps = merge(parts, titles)
    for join, (origin, target) in zip(seams.joins, ends, strict=True):
        origin = End(maps[join.output.part][origin.node_id], origin.slot)
        target = End(maps[join.input.part][target.node_id], target.slot)
        result = connect(result, origin, target)
    if delete_input_ports:
        result = _without_modes(result, PortMode.INPUT, info)
    if delete_output_ports:
        result = _without_modes(result, PortMode.OUTPUT, info)
    result = with_last_ids(used_definitions(result))
    check_cycles(result, info)
    return result


def locate_ports(
    workflow: Workflow, part: int = 0, info: ObjectInfo | None = None
) -> list[LocatedPort]:
    """All ports of a workflow with their locations, in the order of `find_ports`."""
    locations = locations_of(flatten(workflow, info))
    return [LocatedPort(part, p, locations[p.node_id]) for p in find_ports(workflow, info).all()]


def plan_seams(parts: Iterable[Sequence[LocatedPort]]) -> Seams:
    """Decide what is joined and what goes, from the ports of the parts in their order."""
    joins: list[Join] = []
    dropped: list[LocatedPort] = []
    latest: dict[str, LocatedPort] = {}
    for ports in parts:
        for port in ports:
            output = latest.get(port.port.unique_id)
            if (
                output is None
                or port.port.mode is not PortMode.INPUT
                or port.port.frozen is not None
            ):
                continue
            if port.port.uses:
                joins.append(Join(output, port))
            else:  # joined, it would be an OUTPUT
                dropped.append(port)
        used = {id(join.output) for join in joins}
        outputs = {p.port.unique_id: p for p in ports if p.port.mode is PortMode.OUTPUT}
        shadowed = [latest[unique_id] for unique_id in outputs if unique_id in latest]
        dropped += [output for output in shadowed if id(output) not in used]
        latest |= outputs
    return Seams(tuple(joins), tuple(dropped))


def without_ports(
    workflow: Workflow, doomed: Collection[NodeLocation], info: ObjectInfo | None = None
) -> Workflow:
    """The workflow without these ports, and without passthru ports that they alone made useful."""
    while doomed:
        passthrus = {
            p for p, mode in port_modes(workflow, info).items() if mode is PortMode.PASSTHRU
        }
        workflow = _drop(workflow, doomed, info)
        left = port_modes(workflow, info)
        doomed = {p for p in passthrus if left.get(p, PortMode.PASSTHRU) is not PortMode.PASSTHRU}
    return workflow


def check_cycles(workflow: Workflow, info: ObjectInfo | None = None) -> None:
    """See that no node depends on itself.

    Raises:
        WorkflowError: names the nodes of one cycle, in its order.
    """
    flat = flatten(workflow, info)
    pairs = [(source.node_id, node_id) for source, node_id, _ in flat.links()]
    execution_order(flat.nodes, pairs, lambda i: flat.nodes[i].problem("it depends on itself"))


def _check_reachable(parts: Sequence[Workflow], joins: Iterable[Join]) -> None:
    """See that no join has to go into or out of a muted or bypassed subgraph.

    Source: the front end (1.49.6) runs what is in such an instance if it is itself in a subgraph,
    but leads no value in or out.
    """
    ports = dict.fromkeys(p for join in joins for p in join)
    problems = [
        p.port.problem(
            f"the port {p.port.unique_id!r} is inside the muted or bypassed subgraph "
            f"{instance.title!r}, so it can't be joined; move the port out of it, or switch it on"
        )
        for p in ports
        for depth in range(len(p.location.path))
        for instance in [
            node_by_id(scope(parts[p.part], p.location.path[:depth]), p.location.path[depth])
        ]
        if instance.mode in (Mode.MUTED, Mode.BYPASSED)
    ]
    if problems:
        raise WorkflowError("These workflows can't be stitched:", problems)


def _expose(
    parts: Sequence[Workflow], joins: Sequence[Join]
) -> tuple[list[Workflow], list[tuple[End, End]]]:
    """The parts in which both ends of each join can be reached from the root, and where."""
    parts = list(parts)
    ends = []
    for join in joins:
        (output, target), name = join, join.input.port.unique_id
        part, location = parts[output.part], output.location
        parts[output.part], origin = expose_output(
            part, location.path, End(location.node_id, 0), name
        )
        part, location = _with_input_slot(parts[target.part], target.location), target.location
        slot = slot_named(
            node_by_id(scope(part, location.path), location.node_id).inputs, PORT_INPUT
        )
        assert slot is not None
        parts[target.part], end = expose_input(
            part, location.path, End(location.node_id, slot), name
        )
        ends.append((origin, end))
    return parts, ends


def _with_input_slot(workflow: Workflow, location: NodeLocation) -> Workflow:
    """The workflow whose port has the socket that hand-written files leave out."""
    graph = scope(workflow, location.path)
    port = node_by_id(graph, location.node_id)
    if slot_named(port.inputs, PORT_INPUT) is not None:
        return workflow
    socket = {"name": PORT_INPUT, "type": "*", "link": None}
    changed = replace(port, inputs=[*port.inputs, socket])
    nodes = [changed if n.id == port.id else n for n in graph.nodes]
    return with_graph(workflow, graph, replace(graph, nodes=nodes))


def _without_modes(workflow: Workflow, mode: PortMode, info: ObjectInfo | None) -> Workflow:
    """The workflow without ports of one mode, repeatedly: removing one can give it to another."""
    while doomed := {p for p, found in port_modes(workflow, info).items() if found is mode}:
        workflow = _drop(workflow, doomed, info)
    return workflow


def _drop(
    workflow: Workflow, locations: Collection[NodeLocation], info: ObjectInfo | None
) -> Workflow:
    """Remove ports. Where other instances need the definition as it is, one gets its own."""
    others = set(port_modes(workflow, info)) - set(locations)
    kept = {_definition_key(workflow, location) for location in others}
    for location in sorted(locations, key=repr):
        if _definition_key(workflow, location) in kept:
            workflow = with_own_definition(workflow, location.path)
    doomed: dict[str | None, set[NodeId]] = {}
    for location in locations:
        graph_id, node_id = _definition_key(workflow, location)
        doomed.setdefault(graph_id, set()).add(node_id)
    for graph_id, ids in doomed.items():
        graph = workflow if graph_id is None else workflow.subgraphs[graph_id]
        workflow = with_graph(workflow, graph, without_nodes(graph, ids))
    return workflow


def _definition_key(workflow: Workflow, location: NodeLocation) -> tuple[str | None, NodeId]:
    graph = scope(workflow, location.path)
    return (graph.id if isinstance(graph, Subgraph) else None), location.node_id
