"""Where nodes and ports are: a location is the path of subgraph instances, and the id in there."""

from __future__ import annotations

from typing import NamedTuple

from ..convert.flatten import FlatGraph, flatten
from ..node_classes.object_info import ObjectInfo
from ..workflow.edit import Path
from ..workflow.model import PORT_TYPE, NodeId, Workflow
from .connections import PORT_INPUT
from .find_ports import FROZEN, PortMode, port_mode


class NodeLocation(NamedTuple):
    """Where a node is: the subgraph instances around it, outermost first, and its id there."""

    path: Path
    node_id: NodeId


def locations_of(flat: FlatGraph) -> dict[str, NodeLocation]:
    """The location of every node that runs, by its id in the prompt."""
    return {
        node_id: NodeLocation(tuple(h.id for h in item.instances), item.node.id)
        for node_id, item in flat.nodes.items()
    }


def port_modes(workflow: Workflow, info: ObjectInfo | None = None) -> dict[NodeLocation, PortMode]:
    """The modes of all ports without a frozen value. Unlike `find_ports`, it judges no ids."""
    flat = flatten(workflow, info)
    locations = locations_of(flat)
    feeding = {source.node_id for source, _, _ in flat.links()}
    return {
        locations[node_id]: port_mode(
            flat.source(node_id, PORT_INPUT) is not None, node_id in feeding
        )
        for node_id, item in flat.nodes.items()
        if item.node.type == PORT_TYPE and item.node.properties.get(FROZEN) is None
    }
