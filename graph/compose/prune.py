"""Pruning: the least workflow that makes one OUTPUT port's value.

Instances of one subgraph may need different parts of it; each part becomes a definition.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from ...errors import WorkflowError
from ..convert.flatten import FlatGraph, flatten
from ..convert.plain_workflow import plain_workflow
from ..convert.set_get import join_set_get
from ..node_classes.object_info import ObjectInfo
from ..ports.find_ports import Ports, find_ports
from ..ports.locations import locations_of
from ..workflow.edit import Path, output_links, stable_uuid, tidy
from ..workflow.layout import groups_with_nodes
from ..workflow.model import Graph, NodeId, Subgraph, Workflow
from ..workflow.native_reroutes import NativeReroutes, read_reroutes, with_reroutes
from ..workflow.subgraph_definitions import used_definitions
from .instance_widgets import fit_instance, keep_widgets
from .link_paths import LinkPaths
from .merge import with_last_ids

G = TypeVar("G", bound=Graph)

# What is kept inside one instance: the definition, its nodes, its links, and the same of the
# instances in it. Instances of equal shape share a definition.
Shape: TypeAlias = "tuple[str, tuple[NodeId, ...], tuple[NodeId, ...], tuple[Shape, ...]]"


def prune(workflow: Workflow, unique_id: str, info: ObjectInfo | None = None) -> Workflow:
    """The least workflow that makes the value of one OUTPUT port.

    Nodes keep their ids, places and looks. Pruning twice changes nothing more.

    Args:
        info: the indexed /object_info; it knows better than the file what bypassed nodes forward.

    Raises:
        WorkflowError: there is no such OUTPUT port; names those that there are.
    """
    # Without info the values that a group node shows would be lost, so it stays what it is.
    workflow = plain_workflow(workflow, info) if info else join_set_get(workflow)
    ports = find_ports(workflow, info)
    port = ports.outputs.get(unique_id)
    if port is None:
        raise _no_such_output(ports, unique_id)
    flat = flatten(workflow, info)
    paths = LinkPaths(workflow, flat, _feeding(flat, port.node_id))
    paths.keep_upstream(locations_of(flat)[port.node_id])
    keep_widgets(paths)
    return _Rebuild(paths).workflow()


def _no_such_output(ports: Ports, unique_id: str) -> WorkflowError:
    if unique_id in ports.passthrus:
        why = "its port passes the value on; only a port with nothing on its right is an output"
    elif unique_id in ports.inputs:
        why = "its port is an input; connect something to its left side"
    else:
        why = f"the outputs of this workflow are: {', '.join(map(repr, ports.outputs)) or 'none'}"
    return WorkflowError(f"There is no OUTPUT port {unique_id!r}: {why}.")


def _feeding(flat: FlatGraph, node_id: str) -> set[str]:
    """The flat ids of a node and of all that it depends on."""
    before: dict[str, list[str]] = {}
    for source, target, _ in flat.links():
        before.setdefault(target, []).append(source.node_id)
    seen = {node_id}
    stack = [node_id]
    while stack:
        for origin in before.get(stack.pop(), ()):
            if origin not in seen:
                seen.add(origin)
                stack.append(origin)
    return seen


class _Rebuild:
    """Makes the workflow of what is kept."""

    def __init__(self, found: LinkPaths):
        self._found = found
        self._source = found.workflow
        self._instances: dict[Shape, Path] = {}  # one instance of each shape
        self._shapes: dict[Path, Shape] = {}
        self._find_shapes(())
        self._ids = self._name_shapes()

    def workflow(self) -> Workflow:
        pruned: dict[str, Subgraph] = {}
        for shape, path in self._instances.items():
            definition = self._pruned(path, self._source.subgraphs[shape[0]])
            pruned[self._ids[shape]] = replace(definition, id=self._ids[shape])
        root = self._pruned((), self._source)
        return with_last_ids(used_definitions(replace(root, subgraphs=pruned)))

    def _find_shapes(self, path: Path) -> tuple[Shape, ...]:
        """Note the shapes of the instances in a graph, inner ones first."""
        graph, nodes = self._found.graph(path)
        shapes = []
        for node_id in self._kept(path, graph):
            if nodes[node_id].type not in self._source.subgraphs:
                continue
            inside = (*path, node_id)
            inner = self._find_shapes(inside)
            definition = self._source.subgraphs[nodes[node_id].type]
            links = self._found.links.get(inside, set())
            shape: Shape = (
                definition.id,
                self._kept(inside, definition),
                tuple(i for i in definition.links if i in links),
                inner,
            )
            self._shapes[inside] = shape
            self._instances.setdefault(shape, inside)
            shapes.append(shape)
        return tuple(shapes)

    def _kept(self, path: Path, graph: Graph) -> tuple[NodeId, ...]:
        kept = self._found.nodes.get(path, set())
        return tuple(n.id for n in graph.nodes if n.id in kept)

    def _name_shapes(self) -> dict[Shape, str]:
        """Definition ids: the old one if it is still the only one, else one of what is kept."""
        ids: dict[Shape, str] = {}
        for shape in self._instances:  # inner ones come first
            key, nodes, links, inner = shape
            definition = self._source.subgraphs[key]
            is_complete = (
                len(nodes) == len(definition.nodes)
                and len(links) == len(definition.links)
                and all(ids[i] == i[0] for i in inner)
            )
            is_only = sum(s[0] == key for s in self._instances) == 1
            ids[shape] = key if is_complete or is_only else stable_uuid("pruned", repr(shape))
        return ids

    def _pruned(self, path: Path, graph: G) -> G:
        links = self._found.links.get(path, set())
        nodes = []
        kept = set(self._kept(path, graph))
        for node in graph.nodes:
            if node.id in kept:
                inputs = [
                    {**s, "link": None}
                    if s.get("link") is not None and s["link"] not in links
                    else s
                    for s in node.inputs
                ]
                node = replace(node, inputs=inputs) if inputs != node.inputs else node
                shape = self._shapes.get((*path, node.id))
                if shape is not None:
                    node = replace(fit_instance(self._found, path, node), type=self._ids[shape])
                nodes.append(node)
        graph = replace(graph, nodes=nodes, data=_without_floating(graph.data))
        if isinstance(graph, Subgraph):
            outputs = [
                {**slot, "linkIds": [i for i in output_links(graph, k) if i in links]}
                for k, slot in enumerate(graph.outputs)
            ]
            graph = replace(graph, outputs=outputs)
        graph = tidy(graph)
        if graph.data.get("groups"):
            graph = replace(graph, data={**graph.data, "groups": groups_with_nodes(graph)})
        return graph


def _without_floating(data: dict[str, Any]) -> dict[str, Any]:
    """The JSON without the loose ends of links that the editor keeps."""
    native = read_reroutes(data)
    if not native.floating:
        return data
    reroutes = [{k: v for k, v in r.items() if k != "floating"} for r in native.reroutes]
    return with_reroutes(data, NativeReroutes(reroutes, native.parents, []))
