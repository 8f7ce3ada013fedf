"""Builds the state of a workflow's graphs in the editor's order of loading: innermost first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...errors import Problem, WorkflowError
from ..node_classes.object_info import ObjectInfo
from ..workflow.model import NodeId, Subgraph, Workflow
from ..workflow.order import execution_order
from .editor_state import GraphState, NodeState, SubgraphInput, is_subgraph_input
from .promoted_widgets import migrate_proxies, read_promoted_values

MAX_DEPTH = 1000  # nested subgraphs; the front end's own limit
MAX_NODES = 1_000_000  # after expansion: a few definitions can stand for any number of nodes


def load_graphs(workflow: Workflow, info: ObjectInfo | None) -> GraphState:
    """Build the state of the root graph, with all definitions that it uses and promoted values.

    Raises:
        WorkflowError: a subgraph contains itself, too deep, or too many nodes.
    """
    root = GraphState(workflow, info)
    if not workflow.subgraphs:
        return root
    order, uses = _definitions_in_use(workflow)
    states = {key: GraphState(workflow.subgraphs[key], info) for key in order}
    _check_size(workflow, order, uses)
    _give_unique_ids(workflow, root, states)
    for state in (*(states[key] for key in order), root):
        instances = []
        for node in state.nodes.values():
            definition = states.get(node.node.type)
            if definition is not None:
                node.definition = definition
                instances.append(node)
        for instance in instances:
            read_promoted_values(instance)
        if info is not None:
            for instance in instances:
                migrate_proxies(instance)
        if state is not root:
            _find_inputs(state)
    return root


def _definitions_in_use(workflow: Workflow) -> tuple[list[str], dict[str, list[str]]]:
    """The definitions that the root reaches, innermost first, and which of them each one uses."""
    uses: dict[str, list[str]] = {}
    stack = [n.type for n in workflow.nodes if n.type in workflow.subgraphs]
    while stack:
        key = stack.pop()
        if key not in uses:
            uses[key] = [
                n.type for n in workflow.subgraphs[key].nodes if n.type in workflow.subgraphs
            ]
            stack.extend(uses[key])
    ids = [key for key in workflow.subgraphs if key in uses]
    pairs = [(inner, key) for key, inners in uses.items() for inner in inners]
    return execution_order(
        ids,
        pairs,
        lambda key: Problem(
            "this subgraph contains itself", None, key, workflow.subgraphs[key].name or key
        ),
        "A subgraph contains itself:",
    ), uses


def _check_size(workflow: Workflow, order: list[str], uses: dict[str, list[str]]) -> None:
    depth: dict[str, int] = {}
    size: dict[str, int] = {}
    for key in order:
        depth[key] = 1 + max((depth[k] for k in uses[key]), default=0)
        size[key] = len(workflow.subgraphs[key].nodes) + sum(size[k] for k in uses[key])
        name = workflow.subgraphs[key].name or key
        if depth[key] > MAX_DEPTH:
            raise WorkflowError(
                f"Subgraph {name!r} is nested {depth[key]} deep; at most {MAX_DEPTH} works."
            )
    total = len(workflow.nodes) + sum(
        size[n.type] for n in workflow.nodes if n.type in workflow.subgraphs
    )
    if total > MAX_NODES:
        raise WorkflowError(
            f"The workflow stands for {total} nodes when its subgraphs are expanded; the most "
            f"that works is {MAX_NODES}."
        )


def _give_unique_ids(workflow: Workflow, root: GraphState, states: dict[str, GraphState]) -> None:
    """No two graphs may use one node id: later ones get a new id, counted on from the highest.

    Source: front end 1.49.6, loading of a workflow (27:27 becomes 27:31).
    """
    used = set(root.nodes)
    state_of_file = workflow.data.get("state")
    last = 0
    for value in (
        workflow.data.get("last_node_id"),
        state_of_file.get("lastNodeId") if isinstance(state_of_file, dict) else None,
        *(n.id for n in workflow.nodes),
    ):
        last = max(last, _number(value))
    for key, definition in workflow.subgraphs.items():
        state = states.get(key)
        for node in definition.nodes:
            node_id = str(node.id)
            if node_id in used:
                last += 1
                while str(last) in used:
                    last += 1
                node_id = str(last)
                if state is not None:
                    state.nodes[str(node.id)].prompt_id = node_id
            else:
                last = max(last, _number(node.id))
            used.add(node_id)


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 16:
        return int(value)
    return 0


def _find_inputs(state: GraphState) -> None:
    """Fill a definition's inputs with what they feed inside."""
    fed: dict[Any, tuple[NodeState, str]] = {}
    by_slot: dict[int, list[Any]] = {}
    for node in state.nodes.values():
        for name, link_id in node.links.items():
            link = state.links.get(link_id)
            if link is not None and is_subgraph_input(link.origin_id):
                fed[link_id] = (node, name)
                by_slot.setdefault(link.origin_slot, []).append(link_id)
    assert isinstance(state.graph, Subgraph)
    found = []
    for slot, item in enumerate(state.graph.inputs):
        mine = by_slot.get(slot, [])
        ordered = [i for i in _ids(item.get("linkIds")) if i in mine]
        ordered += [i for i in mine if i not in ordered]
        entry = SubgraphInput(item["name"], item.get("type"), [fed[i] for i in ordered])
        entry.settle()
        found.append(entry)
    state.inputs = found


def _ids(items: Any) -> Iterable[NodeId]:
    if isinstance(items, list):
        for item in items:
            if isinstance(item, (int, str)):
                yield item
