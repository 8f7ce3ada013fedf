"""Stitching and pruning of real workflows, where a collection of them lies beside the project."""

from __future__ import annotations

import functools
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.prune import prune
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.convert.flatten import FlatNode, flatten
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo, index_object_info
from custom_nodes.discomfort.graph.prompt import Prompt, link_source, links_of, prune_prompt
from custom_nodes.discomfort.graph.workflow.edit import End, connect, highest, scope
from custom_nodes.discomfort.graph.workflow.model import Workflow, with_graph
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support import oracle
from support.consistency import find_inconsistencies

PORT = {
    "type": "DiscomfortPort",
    "pos": [0, 0],
    "size": [200, 80],
    "flags": {},
    "order": 0,
    "mode": 0,
    "inputs": [{"name": "input_data", "type": "*", "link": None}],
    "outputs": [{"name": "output", "type": "*", "links": []}],
    "properties": {},
    "widgets_values": ["the output", ""],
}

pytestmark = pytest.mark.skipif(
    not oracle.has_public_set(), reason="there is no collection of workflows here"
)


@functools.cache
def object_info() -> ObjectInfo:
    return index_object_info(oracle.object_info())


def connections(workflow: Workflow) -> list[Any]:
    """The nodes that run, in order, with what feeds them; ids left out."""
    flat = flatten(workflow, object_info())
    order = {node_id: i for i, node_id in enumerate(flat.nodes)}
    fed: dict[str, list[Any]] = {node_id: [] for node_id in flat.nodes}
    for source, node_id, name in flat.links():
        apart = order.get(source.node_id, 0) - order[node_id]
        fed[node_id].append((name, apart, source.slot))
    return [(n.node.type, n.node.widgets_values, fed[i]) for i, n in flat.nodes.items()]


def test_real_workflows_stitched_are_sound_and_mean_the_same() -> None:
    failures: list[str] = []
    count, last = 0, None  # the last part, with its connections
    for name, data in oracle.public_workflows():
        before = json.dumps(data)
        part = parse_workflow(data)
        this = part, connections(part)
        for joined in ([this], [this, this], [last or this, this]):
            parts = [part for part, _ in joined]
            result = json.loads(json.dumps(stitch(parts, info=object_info()).to_json()))
            failures += [f"{name}: {p}" for p in find_inconsistencies(result)]
            expected = [c for _, connected in joined for c in connected]
            if connections(parse_workflow(result)) != expected:
                failures.append(f"{name}: {len(parts)} parts are connected otherwise")
            count += 1
        if json.dumps(data) != before:
            failures.append(f"{name}: was changed")
        last = this
    assert count > 1000 and not failures


def test_real_workflows_pruned_are_sound_and_give_the_same_prompt() -> None:
    failures: list[str] = []
    rng = random.Random(5)
    count = 0
    for name, data in oracle.public_workflows():
        workflow = parse_workflow(data)
        if shows_a_primitive(workflow):
            continue
        flat = flatten(workflow, object_info())
        sources = sorted({source for source, _, _ in flat.links()})
        for source in rng.sample(sources, min(2, len(sources))):
            node = flat.nodes[source.node_id]
            if sum(n.node is node.node for n in flat.nodes.values()) == 1:
                found = compare(with_port(workflow, node, source.slot))
                count += found is not None
                failures += [f"{name} {source}: {f}" for f in found or ()]
    assert count > 1000 and not failures


def shows_a_primitive(workflow: Workflow) -> bool:
    """Whether an instance shows a widget of a PrimitiveNode inside (properties.proxyWidgets).

    The front end then reads the value by the slot numbers of `links`, which may belong to another
    node: an accident that no pruned file repeats.
    """
    primitives = {
        (subgraph.id, str(node.id))
        for subgraph in workflow.subgraphs.values()
        for node in subgraph.nodes
        if node.type == "PrimitiveNode"
    }
    return any(
        (node.type, str(shown[0])) in primitives
        for graph in workflow.graphs()
        for node in graph.nodes
        for shown in node.properties.get("proxyWidgets") or ()
    )


def with_port(workflow: Workflow, flat: FlatNode, slot: int) -> Workflow:
    """The workflow with an OUTPUT port at an output of a node, in the node's own graph."""
    graph = scope(workflow, tuple(h.id for h in flat.instances))
    port_id = highest(n.id for g in workflow.graphs() for n in g.nodes) + 1000
    port = parse_workflow({"nodes": [{**PORT, "id": port_id}]}).nodes[0]
    added = replace(graph, nodes=[*graph.nodes, port])
    linked = connect(added, End(flat.node.id, slot), End(port_id, 0))
    return with_graph(workflow, graph, linked)


def compare(workflow: Workflow) -> list[str] | None:
    """What is wrong with the pruned workflow; None if the whole one is refused anyway."""
    try:
        whole = to_prompt(workflow, object_info())
    except WorkflowError:
        return None
    result = prune(workflow, "the output", object_info())
    data = json.loads(json.dumps(result.to_json()))
    failures = find_inconsistencies(data)
    again = parse_workflow(data)
    if prune(again, "the output", object_info()).to_json() != data:
        failures.append("pruning it again changes it")
    part = to_prompt(again, object_info())
    if term(part, port_of(part)) != term(whole, port_of(whole)):
        failures.append("it makes something else")
    needed = len(prune_prompt(whole, [port_of(whole)]))
    if len(prune_prompt(part, [port_of(part)])) != needed:
        failures.append("it needs another number of nodes")
    return failures


def port_of(prompt: Prompt) -> str:
    return next(i for i, n in prompt.items() if n["class_type"] == "DiscomfortPort")


def term(prompt: Prompt, node_id: str, known: dict[str, Any] | None = None) -> str:
    """What a node makes, whatever the ids."""
    known = {} if known is None else known
    if node_id not in known:
        node = prompt[node_id]
        fed = {name: (term(prompt, s.node_id, known), s.slot) for name, s in links_of(node)}
        plain = {k: v for k, v in node["inputs"].items() if link_source(v) is None}
        known[node_id] = str(hash((node["class_type"], repr(sorted(fed.items())), repr(plain))))
    return known[node_id]
