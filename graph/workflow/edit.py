"""Changing workflows: the few edits from which stitching and pruning are made.

An edit says what it means in one place (a node's `inputs[].link`, a definition's
`outputs[].linkIds`, where a link comes from), and `tidy` then makes all other places agree.
Nothing here changes its arguments.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ...errors import WorkflowError
from .model import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT, Graph, Link, Node, NodeId, Subgraph, Workflow
from .native_reroutes import tidy_reroutes

G = TypeVar("G", bound=Graph)
Path: TypeAlias = "tuple[NodeId, ...]"  # the subgraph instances around a node, outermost first
MAX_OUTPUTS = 1000  # of one node; a link from a higher slot is a damaged one
_NAMES = uuid.UUID("6f1f6f5c-6b1e-5f0a-9d55-0a4d3f5f7c11")


class End(NamedTuple):
    """One slot of a node."""

    node_id: NodeId
    slot: int


def stable_uuid(*parts: str) -> str:
    """The same id for the same parts, in every process and on every machine."""
    return str(uuid.uuid5(_NAMES, "\0".join(parts)))


def highest(ids: Iterable[Any]) -> int:
    """The highest number among ids, which may be text as well; 0 if there is none."""
    return max((i for i in ids if isinstance(i, int) and not isinstance(i, bool)), default=0)


def scope(workflow: Workflow, path: Path) -> Graph:
    """The graph inside the subgraph instances of `path`; the root for an empty one."""
    graph: Graph = workflow
    for instance_id in path:
        instance = node_by_id(graph, instance_id)
        if instance.type not in workflow.subgraphs:
            problem = instance.problem(
                "its inside can't be reached; make it a subgraph in the editor"
            )
            raise WorkflowError("The workflow can't be changed:", [problem])
        graph = workflow.subgraphs[instance.type]
    return graph


def node_by_id(graph: Graph, node_id: NodeId) -> Node:
    for node in graph.nodes:
        if node.id == node_id:
            return node
    raise WorkflowError(f"There is no node {node_id} in this graph.")


def slot_named(slots: Sequence[Mapping[str, Any]], name: str) -> int | None:
    for i, slot in enumerate(slots):
        if slot.get("name") == name:
            return i
    return None


def instance_slot(instance: Node, definition: Subgraph, index: int) -> int | None:
    """Which input of an instance belongs to the definition's input `index`.

    Source: the front end (1.49.6) matches an instance's saved inputs by name, so that the
    instance may have fewer, or another order.
    """
    return slot_named(instance.inputs, definition.inputs[index]["name"])


def output_links(definition: Subgraph, index: int) -> list[NodeId]:
    """The links into an output of a definition that exist; the front end follows the first."""
    ids = definition.outputs[index].get("linkIds") or []
    return [i for i in dict.fromkeys(ids) if i in definition.links]


def without_nodes(graph: G, ids: Collection[NodeId]) -> G:
    """The graph without these nodes and their links."""
    return tidy(replace(graph, nodes=[n for n in graph.nodes if n.id not in ids]))


def map_nodes(workflow: Workflow, change: Callable[[Node], Node]) -> Workflow:
    """The workflow with every node, also those in subgraphs, replaced by `change(node)`."""
    subgraphs = {
        key: replace(s, nodes=[change(n) for n in s.nodes]) for key, s in workflow.subgraphs.items()
    }
    return replace(workflow, nodes=[change(n) for n in workflow.nodes], subgraphs=subgraphs)


def connect(graph: G, origin: End, target: End, kind: Any = "*") -> G:
    """The graph with one link more. What fed the target before no longer does."""
    link_id = highest([*graph.links, graph.data.get("last_link_id")]) + 1
    link = Link(link_id, *origin, *target, kind)
    links = {**graph.links, link_id: link}
    if target.node_id == SUBGRAPH_OUTPUT:
        assert isinstance(graph, Subgraph)
        outputs = [
            {**slot, "linkIds": [link_id]} if i == target.slot else slot
            for i, slot in enumerate(graph.outputs)
        ]
        return tidy(replace(graph, links=links, outputs=outputs))
    nodes = [
        with_link(n, target.slot, link_id) if n.id == target.node_id else n for n in graph.nodes
    ]
    return tidy(replace(graph, links=links, nodes=nodes))


def with_link(node: Node, slot: int, link_id: NodeId | None) -> Node:
    """The node with another link at one of its inputs."""
    inputs = [{**s, "link": link_id} if i == slot else s for i, s in enumerate(node.inputs)]
    return replace(node, inputs=inputs)


def tidy(graph: G) -> G:
    """The graph with its links the same at both ends, and no link that leads nowhere.

    Source: the front end (1.49.6) takes a link from the target's `inputs[].link` and its origin
    from the link; target slots in `links` and the lists at the outputs are only echoes.
    """
    links, inputs, linked_outputs = _claimed_links(graph)
    nodes = [
        replace(n, inputs=i) if i is not n.inputs else n
        for n, i in zip(graph.nodes, inputs, strict=True)
    ]
    leaving: dict[End, list[NodeId]] = {}
    counts: dict[NodeId, int] = {}
    for link in links.values():
        leaving.setdefault(End(link.origin_id, link.origin_slot), []).append(link.id)
        counts[link.origin_id] = max(counts.get(link.origin_id, 0), link.origin_slot + 1)
    nodes = [_with_outputs(n, leaving, counts.get(n.id, 0)) for n in nodes]
    if not isinstance(graph, Subgraph):
        return replace(graph, nodes=nodes, links=links, data=tidy_reroutes(graph.data, links))
    slots = [
        _with_ids(slot, "linkIds", leaving.get(End(SUBGRAPH_INPUT, i), []))
        for i, slot in enumerate(graph.inputs)
    ]
    outputs = [
        _with_ids(slot, "linkIds", ids)
        for slot, ids in zip(graph.outputs, linked_outputs, strict=True)
    ]
    return replace(
        graph,
        nodes=nodes,
        links=links,
        inputs=slots,
        outputs=outputs,
        data=tidy_reroutes(graph.data, links),
    )


def tidy_all(workflow: Workflow) -> Workflow:
    """The workflow with all its graphs tidy."""
    subgraphs = {key: tidy(s) for key, s in workflow.subgraphs.items()}
    return tidy(replace(workflow, subgraphs=subgraphs))


def _claimed_links(
    graph: Graph,
) -> tuple[dict[NodeId, Link], list[list[dict[str, Any]]], list[list[NodeId]]]:
    """The links that are read, each with one target; nodes' inputs; outputs' links."""
    origins = {n.id for n in graph.nodes}
    claimed: dict[NodeId, Link] = {}
    last = highest(graph.links)

    def claim(link_id: NodeId, target: End) -> NodeId | None:
        nonlocal last
        link = graph.links.get(link_id)
        if link is None or not _has_origin(graph, origins, link):
            return None
        if link_id in claimed:  # two read one link; both get what it brings
            last += 1
            link_id = last
        claimed[link_id] = link._replace(
            id=link_id, target_id=target.node_id, target_slot=target.slot
        )
        return link_id

    inputs = []
    for node in graph.nodes:
        slots = node.inputs
        for i, slot in enumerate(node.inputs):
            old = slot.get("link")
            new = claim(old, End(node.id, i)) if old is not None else None
            if new != old:
                slots = list(slots) if slots is node.inputs else slots
                slots[i] = {**slot, "link": new}
        inputs.append(slots)
    outputs = []
    if isinstance(graph, Subgraph):
        for i in range(len(graph.outputs)):
            ends = [claim(link_id, End(SUBGRAPH_OUTPUT, i)) for link_id in output_links(graph, i)]
            outputs.append([link_id for link_id in ends if link_id is not None])
    kept = {i: claimed[i] for i in graph.links if i in claimed}
    return {**kept, **claimed}, inputs, outputs


def _has_origin(graph: Graph, nodes: Collection[NodeId], link: Link) -> bool:
    if link.origin_id == SUBGRAPH_INPUT and isinstance(graph, Subgraph):
        return 0 <= link.origin_slot < len(graph.inputs)
    return link.origin_id in nodes and 0 <= link.origin_slot < MAX_OUTPUTS


def _with_outputs(node: Node, leaving: Mapping[End, list[NodeId]], count: int) -> Node:
    """The node with its outputs' link lists rebuilt, in the order they had."""
    outputs = node.outputs
    if count > len(outputs):  # the file knows fewer outputs than the node class has
        outputs = [*outputs, *({"name": "", "type": "*"} for _ in range(count - len(outputs)))]
    new = [
        _with_ids(slot, "links", leaving.get(End(node.id, i), [])) for i, slot in enumerate(outputs)
    ]
    if len(new) == len(node.outputs) and all(
        a is b for a, b in zip(new, node.outputs, strict=True)
    ):
        return node
    return replace(node, outputs=new)


def _with_ids(slot: dict[str, Any], key: str, ids: list[NodeId]) -> dict[str, Any]:
    old = slot.get(key) or []
    present = set(ids)
    new = list(dict.fromkeys(i for i in old if i in present))
    new += [i for i in ids if i not in new]
    return slot if new == old else {**slot, key: new}
