"""Subgraph definitions of several workflows in one: equal ones shared, others kept apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Problem
from .edit import Path, node_by_id, scope, stable_uuid
from .model import Graph, Node, Subgraph, Workflow, with_graph
from .order import execution_order


def share_definitions(parts: Sequence[Workflow]) -> list[Workflow]:
    """The parts with equal definitions under one id and different ones under different ids.

    Of two that have one id but not one content, the later gets an id that follows from its content.
    """
    contents: dict[str, str] = {}
    result = []
    for part in parts:
        raw = (
            {s["id"]: s for s in part.to_json()["definitions"]["subgraphs"]}
            if part.subgraphs
            else {}
        )
        new_ids: dict[str, str] = {}
        for key in leaf_first(part):
            content = _content(raw[key], new_ids)
            new_ids[key] = key
            if contents.setdefault(key, content) != content:
                new_ids[key] = stable_uuid("definition", key, content)
                contents[new_ids[key]] = content
        result.append(rename_definitions(part, new_ids))
    return result


def leaf_first(workflow: Workflow) -> list[str]:
    """The ids of the definitions, each after those that it has instances of.

    Raises:
        WorkflowError: definitions that contain each other, which are named.
    """
    subgraphs = workflow.subgraphs
    pairs = [
        (node.type, key)
        for key, subgraph in subgraphs.items()
        for node in subgraph.nodes
        if node.type in subgraphs
    ]
    return execution_order(
        subgraphs,
        pairs,
        lambda key: Problem(f"{subgraphs[key].name or key!r} contains itself through the others"),
        "Subgraphs contain each other; break the circle in the editor:",
    )


def rename_definitions(workflow: Workflow, new_ids: Mapping[str, str]) -> Workflow:
    """The workflow with definitions under other ids, and all instances following."""
    if all(old == new for old, new in new_ids.items()):
        return workflow

    def follow(graph: Graph) -> list[Node]:
        return [
            replace(n, type=new_ids[n.type]) if new_ids.get(n.type, n.type) != n.type else n
            for n in graph.nodes
        ]

    subgraphs: dict[str, Subgraph] = {}
    for key, subgraph in workflow.subgraphs.items():
        new_id = new_ids.get(key, key)
        subgraphs[new_id] = replace(subgraph, id=new_id, nodes=follow(subgraph))
    return replace(workflow, nodes=follow(workflow), subgraphs=subgraphs)


def with_own_definition(workflow: Workflow, path: Path) -> Workflow:
    """The workflow in which nothing else shares the definitions along a path of instances."""
    for depth in range(len(path)):
        outer = scope(workflow, path[:depth])
        instance = node_by_id(outer, path[depth])
        count = sum(n.type == instance.type for g in workflow.graphs() for n in g.nodes)
        if count == 1:
            continue
        new_id = stable_uuid("instance", instance.type, repr(path[: depth + 1]))
        while new_id in workflow.subgraphs:  # made by an earlier stitching of this file
            new_id = stable_uuid(new_id)
        nodes = [replace(n, type=new_id) if n.id == instance.id else n for n in outer.nodes]
        workflow = with_graph(workflow, outer, replace(outer, nodes=nodes))
        copy = replace(workflow.subgraphs[instance.type], id=new_id)
        workflow = replace(workflow, subgraphs={**workflow.subgraphs, new_id: copy})
    return workflow


def used_definitions(workflow: Workflow) -> Workflow:
    """The workflow without definitions that no instance needs."""
    used: set[str] = set()
    stack: list[Graph] = [workflow]
    while stack:
        for node in stack.pop().nodes:
            if node.type in workflow.subgraphs and node.type not in used:
                used.add(node.type)
                stack.append(workflow.subgraphs[node.type])
    kept = {k: s for k, s in workflow.subgraphs.items() if k in used}
    definitions = workflow.data.get("definitions")
    data = workflow.data
    if isinstance(definitions, dict):  # where to_json would find the old ones again
        data = {**data, "definitions": {**definitions, "subgraphs": []}}
        if not kept and set(definitions) <= {"subgraphs"}:
            del data["definitions"]
    return replace(workflow, subgraphs=kept, data=data)


def _content(definition: dict[str, Any], new_ids: Mapping[str, str]) -> str:
    nodes = [{**n, "type": new_ids.get(n["type"], n["type"])} for n in definition["nodes"]]
    return json.dumps({**definition, "nodes": nodes, "id": None}, sort_keys=True, default=str)
