"""Exposing a slot of a node inside subgraphs at the root of its workflow.

The definition gets a slot that is linked to the node, all its instances get the slot as well, and
so on upwards. A slot that is exposed already is used again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..workflow.edit import (
    End,
    Path,
    connect,
    map_nodes,
    node_by_id,
    output_links,
    scope,
    slot_named,
    stable_uuid,
)
from ..workflow.model import (
    SUBGRAPH_INPUT,
    SUBGRAPH_OUTPUT,
    Mode,
    Node,
    Subgraph,
    Workflow,
    with_graph,
)
from ..workflow.subgraph_definitions import with_own_definition


def expose_output(workflow: Workflow, path: Path, end: End, name: str) -> tuple[Workflow, End]:
    """The workflow in which an output slot can be linked to from the root, and where.

    Args:
        path: the subgraph instances around the node, outermost first.
        end: the node and its output slot, in the innermost graph.
        name: what new slots are called, as far as the name is free.
    """
    while path:
        definition = _definition(workflow, path)
        index = _output_of(definition, end)
        if index is None:
            index = len(definition.outputs)
            changed = replace(
                definition, outputs=[*definition.outputs, _new_slot(definition, "outputs", name)]
            )
            changed = connect(changed, end, End(SUBGRAPH_OUTPUT, index))
            workflow = with_graph(workflow, definition, changed)
        definition = workflow.subgraphs[definition.id]
        workflow = map_nodes(workflow, lambda node, d=definition: _with_all_outputs(node, d))
        path, end = path[:-1], End(path[-1], index)
    return workflow, end


def expose_input(workflow: Workflow, path: Path, end: End, name: str) -> tuple[Workflow, End]:
    """The workflow in which an input slot that nothing feeds can be fed from the root, and where.

    A link that is there, but brings nothing, is given up for the new one. As it may bring
    something in other instances of the definition, this instance then gets a definition of its
    own; also if another is bypassed, since a further input could change what that one forwards.
    """
    while path:
        definition = _definition(workflow, path)
        node = node_by_id(definition, end.node_id)
        is_linked = node.inputs[end.slot].get("link") is not None
        index = _own_input(definition, node, end.slot) if is_linked else None
        if index is None:
            if is_linked or _is_bypassed_somewhere(workflow, definition):
                workflow = with_own_definition(workflow, path)
                definition = _definition(workflow, path)
            index = len(definition.inputs)
            changed = replace(
                definition, inputs=[*definition.inputs, _new_slot(definition, "inputs", name)]
            )
            changed = connect(changed, End(SUBGRAPH_INPUT, index), end)
            workflow = with_graph(workflow, definition, changed)
        slot = _definition(workflow, path).inputs[index]
        workflow = map_nodes(workflow, lambda n, d=definition.id, s=slot: _with_input(n, d, s))
        instance = node_by_id(scope(workflow, path[:-1]), path[-1])
        slot_outside = slot_named(instance.inputs, slot["name"])
        assert slot_outside is not None
        path, end = path[:-1], End(instance.id, slot_outside)
    return workflow, end


def _definition(workflow: Workflow, path: Path) -> Subgraph:
    graph = scope(workflow, path)
    assert isinstance(graph, Subgraph)
    return graph


def _is_bypassed_somewhere(workflow: Workflow, definition: Subgraph) -> bool:
    return any(
        n.type == definition.id and n.mode == Mode.BYPASSED
        for g in workflow.graphs()
        for n in g.nodes
    )


def _own_input(definition: Subgraph, node: Node, slot: int) -> int | None:
    """The definition's input that feeds an input of a node, if it feeds nothing else."""
    link = definition.links.get(node.inputs[slot]["link"])
    if link is None or link.origin_id != SUBGRAPH_INPUT:
        return None
    fed = [i for i in definition.links.values() if (i.origin_id, i.origin_slot) == link[1:3]]
    return link.origin_slot if len(fed) == 1 else None


def _output_of(definition: Subgraph, end: End) -> int | None:
    for index in range(len(definition.outputs)):
        for link_id in output_links(definition, index)[:1]:  # the front end follows the first
            link = definition.links[link_id]
            if (link.origin_id, link.origin_slot) == end:
                return index
    return None


def _new_slot(definition: Subgraph, side: str, name: str) -> dict[str, Any]:
    taken = {slot["name"] for slot in (*definition.inputs, *definition.outputs)}
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    slot_id = stable_uuid(definition.id, side, free)
    return {"id": slot_id, "name": free, "type": "*", "linkIds": []}


def _with_all_outputs(node: Node, definition: Subgraph) -> Node:
    """An instance with all outputs of its definition: links count them, so none may be missing."""
    missing = definition.outputs[len(node.outputs) :]
    if node.type != definition.id or not missing:
        return node
    new = [{"name": s["name"], "type": s.get("type", "*"), "links": []} for s in missing]
    return replace(node, outputs=[*node.outputs, *new])


def _with_input(node: Node, definition_id: str, slot: dict[str, Any]) -> Node:
    """An instance with an input of the slot's name; files may leave out unlinked ones."""
    if node.type != definition_id or any(s.get("name") == slot["name"] for s in node.inputs):
        return node
    new = {"name": slot["name"], "type": slot.get("type", "*"), "link": None}
    return replace(node, inputs=[*node.inputs, new])
