"""The way to some nodes: which reroutes, bypassed nodes and subgraph instances lie between them.

The flat graph says which nodes are needed; this follows the same links in the file's own graphs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..convert.flatten import FlatGraph
from ..node_classes.core_nodes import GROUP_NODE_PREFIXES, PRIMITIVE
from ..ports.locations import NodeLocation, locations_of
from ..workflow.edit import Path, instance_slot, output_links
from ..workflow.model import SUBGRAPH_INPUT, Graph, Mode, Node, NodeId, Subgraph, Workflow


class _Key(NamedTuple):
    """A link in the graph inside some instances."""

    path: Path
    link_id: NodeId


class LinkPaths:
    """Finds what lies on the way to some nodes: `nodes` and `links` by the path of their graph."""

    def __init__(self, workflow: Workflow, flat: FlatGraph, needed: Collection[str]):
        self.workflow = workflow
        self.nodes: dict[Path, set[NodeId]] = {(): set()}
        self.links: dict[Path, set[NodeId]] = {(): set()}
        self._is_needed = {location: i in needed for i, location in locations_of(flat).items()}
        self._graphs: dict[Path, tuple[Graph, dict[NodeId, Node]]] = {}
        self._entered: set[NodeLocation] = set()
        self._seen: set[_Key] = set()
        self._pending: list[_Key] = []

    def graph(self, path: Path) -> tuple[Graph, dict[NodeId, Node]]:
        """The graph inside some instances, with its nodes by id."""
        found = self._graphs.get(path)
        if found is None:
            graph: Graph = self.workflow
            if path:
                instance = self.graph(path[:-1])[1][path[-1]]
                graph = self.workflow.subgraphs[instance.type]
            found = self._graphs[path] = graph, {n.id: n for n in graph.nodes}
        return found

    def keep_upstream(self, location: NodeLocation) -> None:
        """Keep a node, the instances around it and what feeds it."""
        self._enter(location)
        bringing: list[_Key] = []
        readers: dict[_Key, list[_Key]] = {}
        while self._pending:
            key = self._pending.pop()
            behind = self._behind(key)
            if behind is None:
                bringing.append(key)
            for other in behind or ():
                readers.setdefault(other, []).append(key)
                self._look_at(other)
        while bringing:
            key = bringing.pop()
            kept = self.links.setdefault(key.path, set())
            if key.link_id not in kept:
                kept.add(key.link_id)
                graph, nodes = self.graph(key.path)
                origin = graph.links[key.link_id].origin_id
                if origin in nodes:
                    self.keep(NodeLocation(key.path, origin))
                bringing += readers.get(key, ())

    def keep(self, location: NodeLocation) -> None:
        """Keep a node and the instances around it."""
        path, node_id = location
        for depth in range(len(path)):
            self.nodes.setdefault(path[:depth], set()).add(path[depth])
        self.nodes.setdefault(path, set()).add(node_id)

    def _enter(self, location: NodeLocation) -> None:
        """Keep a node that is needed for itself, and look at all its links."""
        if location not in self._entered:
            self._entered.add(location)
            self.keep(location)
            for key in self._inputs(*location):
                self._look_at(key)

    def _look_at(self, key: _Key) -> None:
        if key not in self._seen:
            self._seen.add(key)
            self._pending.append(key)

    def _inputs(self, path: Path, node_id: NodeId) -> list[_Key]:
        slots = self.graph(path)[1][node_id].inputs
        return [_Key(path, s["link"]) for s in slots if s.get("link") is not None]

    def _behind(self, key: _Key) -> list[_Key] | None:
        """The links that what comes over this one may come from; None: from its origin itself."""
        path = key.path
        graph, nodes = self.graph(path)
        link = graph.links.get(key.link_id)
        if link is None:
            return []
        if link.origin_id == SUBGRAPH_INPUT and isinstance(graph, Subgraph):
            instance = self.graph(path[:-1])[1][path[-1]]
            slot = instance_slot(instance, graph, link.origin_slot)
            if slot is None or instance.inputs[slot].get("link") is None:
                return None  # the instance's own widget may hold the value
            return [_Key(path[:-1], instance.inputs[slot]["link"])]
        node = nodes.get(link.origin_id)
        if node is None:
            return []
        location = NodeLocation(path, node.id)
        is_needed = self._is_needed.get(location)
        if is_needed is None:
            return self._through(location, node, link.origin_slot)
        if is_needed:
            self._enter(location)
        return None if is_needed else []

    def _through(self, location: NodeLocation, node: Node, slot: int) -> list[_Key] | None:
        """The same for a node that is not in the prompt itself."""
        if node.type == PRIMITIVE:
            return None  # gives its value in any mode
        if node.mode == Mode.MUTED:
            return []
        if node.mode != Mode.BYPASSED:
            if node.type.startswith(GROUP_NODE_PREFIXES):
                self._enter(location)  # not expanded: taken as one node
                return None
            definition = self.workflow.subgraphs.get(node.type)
            if definition is not None:
                inner = output_links(definition, slot) if slot < len(definition.outputs) else []
                return [_Key((*location.path, node.id), link_id) for link_id in inner[:1]]
        return self._inputs(*location)
