"""Closures: an OUTPUT with all that it depends on, as one workflow (or prompt) that needs no input.

What came from INPUT ports is frozen in, references that it was built on are stitched in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..convert.flatten import flatten
from ..node_classes.widgets import ObjectInfo
from ..plan.recipe import Recipe
from ..plan.run_plan import Frozen, Literal, Load
from ..ports.connections import PORT_INPUT
from ..ports.find_ports import find_ports
from ..ports.locations import locations_of
from ..prompt import Prompt
from ..workflow.edit import scope
from ..workflow.model import PORT_TYPE, Node, Workflow, with_graph
from .freeze import freeze
from .prune import prune
from .stitch import stitch


def close_workflow(
    workflow: Workflow,
    unique_id: str,
    bindings: Mapping[str, Literal | Load | Frozen],
    references: Mapping[str, Workflow],
    info: ObjectInfo,
    freeze_load: Callable[[Load], Frozen],
) -> Workflow:
    """The smallest workflow that makes the OUTPUT `unique_id`.

    Args:
        bindings: how its INPUT ports got values.
        references: what its INPUT ports got as references, each with one OUTPUT port.
        freeze_load: names the content of a value that a loader reads.
    """
    part = prune(workflow, unique_id, info)
    needed = find_ports(part, info).inputs
    values: dict[str, Any] = {}
    for uid, binding in bindings.items():
        if uid in needed:
            held = freeze_load(binding) if isinstance(binding, Load) else binding
            values[uid] = held.value if isinstance(held, Literal) else held
    part = freeze(part, values, info)
    used = {uid: reference for uid, reference in references.items() if uid in needed}
    parts = [rename_output(reference, uid, info) for uid, reference in used.items()]
    if parts:
        part = prune(stitch([*parts, part], info=info), unique_id, info)
    extra = {**(part.data.get("extra") or {}), "discomfort": {"reference": unique_id}}
    return replace(part, data={**part.data, "extra": extra})


def close_prompt(recipe: Recipe, unique_id: str) -> Prompt:
    """A recipe as an API prompt that ends in an OUTPUT port."""
    port = {
        "class_type": PORT_TYPE,
        "inputs": {"unique_id": unique_id, "tags": "", PORT_INPUT: list(recipe.source)},
        "_meta": {"title": unique_id},
    }
    return {**recipe.nodes, "output": port}


def rename_output(reference: Workflow, unique_id: str, info: ObjectInfo) -> Workflow:
    """A reference whose one OUTPUT port has another unique_id: it may be stored under any key."""
    outputs = find_ports(reference, info).outputs
    if set(outputs) == {unique_id}:
        return reference
    port = outputs[unique_id if unique_id in outputs else next(iter(outputs))]
    location = locations_of(flatten(reference, info))[port.node_id]
    graph = scope(reference, location.path)
    nodes = [_renamed(n, unique_id) if n.id == location.node_id else n for n in graph.nodes]
    return prune(with_graph(reference, graph, replace(graph, nodes=nodes)), unique_id, info)


def _renamed(port: Node, unique_id: str) -> Node:
    tags = port.widgets_values[1:] if isinstance(port.widgets_values, list) else [""]
    return replace(port, widgets_values=[unique_id, *tags])
