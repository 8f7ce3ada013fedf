"""The way to some nodes: which reroutes, bypassed nodes and subgraph instances lie between them.

The flat graph tells which nodes are needed; this walks the same links in the file's own graphs.
"""

from __future__ import annotations

from collections.abc import Collection

from .core_nodes import GROUP_NODE_PREFIXES, PRIMITIVE
from .edit import End, Path, host_slot, output_links
from .model import SUBGRAPH_INPUT, Graph, Mode, Node, NodeId, Subgraph, Workflow
from .places import Place, places_of
from .subgraphs import FlatGraph


class Walk:
    """Finds what lies on the way to some nodes: `nodes` and `links` by the path of their graph."""

    def __init__(self, workflow: Workflow, flat: FlatGraph, needed: Collection[str]):
        self.workflow = workflow
        self.nodes: dict[Path, set[NodeId]] = {(): set()}
        self.links: dict[Path, set[NodeId]] = {(): set()}
        self._is_needed = {place: i in needed for i, place in places_of(flat).items()}
        self._verdicts: dict[tuple[Path, NodeId], bool] = {}
        self._graphs: dict[Path, tuple[Graph, dict[NodeId, Node]]] = {}
        self._pending: list[Place] = []

    def graph(self, path: Path) -> tuple[Graph, dict[NodeId, Node]]:
        """The graph inside some instances, with its nodes by id."""
        found = self._graphs.get(path)
        if found is None:
            graph: Graph = self.workflow
            if path:
                host = self.graph(path[:-1])[1][path[-1]]
                graph = self.workflow.subgraphs[host.type]
            found = self._graphs[path] = graph, {n.id: n for n in graph.nodes}
        return found

    def take(self, place: Place) -> None:
        """Keep a node, the instances around it and what feeds it."""
        self.keep(place)
        self._pending.append(place)
        while self._pending:
            path, node_id = self._pending.pop()
            for slot in self.graph(path)[1][node_id].inputs:
                if slot.get("link") is not None:
                    self._brings(path, slot["link"])

    def keep(self, place: Place) -> bool:
        """Note a node; whether it is new."""
        path, node_id = place
        for depth in range(len(path)):
            self.nodes.setdefault(path[:depth], set()).add(path[depth])
        nodes = self.nodes.setdefault(path, set())
        is_new = node_id not in nodes
        nodes.add(node_id)
        return is_new

    def _brings(self, path: Path, link_id: NodeId) -> bool:
        """Whether something needed comes over a link. Then it and what it goes through are kept."""
        key = path, link_id
        if key not in self._verdicts:
            self._verdicts[key] = False  # what a circle of reroutes brings
            link = self.graph(path)[0].links.get(link_id)
            if link is not None and self._is_source(path, End(link.origin_id, link.origin_slot)):
                self._verdicts[key] = True
                self.links.setdefault(path, set()).add(link_id)
        return self._verdicts[key]

    def _is_source(self, path: Path, end: End) -> bool:
        graph, nodes = self.graph(path)
        if end.node_id == SUBGRAPH_INPUT and isinstance(graph, Subgraph):
            host = self.graph(path[:-1])[1][path[-1]]
            slot = host_slot(host, graph, end.slot)
            if slot is None or host.inputs[slot].get("link") is None:
                return True  # the instance's own widget may hold the value
            return self._brings(path[:-1], host.inputs[slot]["link"])
        node = nodes.get(end.node_id)
        if node is None:
            return False
        place = Place(path, node.id)
        if place in self._is_needed:
            if self._is_needed[place] and self.keep(place):
                self._pending.append(place)
            return self._is_needed[place]
        is_on_the_way = self._is_wire(path, node, end.slot)
        if is_on_the_way:
            self.keep(place)
        return is_on_the_way

    def _is_wire(self, path: Path, node: Node, slot: int) -> bool:
        """Whether a node that is not in the prompt itself forwards something needed."""
        if node.type == PRIMITIVE:  # gives its value in any mode
            return True
        if node.mode == Mode.MUTED:
            return False
        if node.type.startswith(GROUP_NODE_PREFIXES) and node.mode != Mode.BYPASSED:
            if self.keep(Place(path, node.id)):  # not expanded: taken as one node
                self._pending.append(Place(path, node.id))
            return True
        definition = self.workflow.subgraphs.get(node.type)
        if definition is not None and node.mode != Mode.BYPASSED:
            inner = output_links(definition, slot) if slot < len(definition.outputs) else []
            return bool(inner) and self._brings((*path, node.id), inner[0])
        links = [s["link"] for s in node.inputs if s.get("link") is not None]
        brought = [self._brings(path, link_id) for link_id in links]  # all are walked
        return any(brought)
