"""Input nodes of packs that the server lacks: those that only hand a plain value on are not needed.

They are converted by the form that the table gives them, and a node of ComfyUI's own stands in the
prompt in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..addresses.directory import title_of
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt, PromptNode
from ..workflow.model import Workflow
from .classes import INPUTS, InputClass

STAND_IN_INPUT = "value"
_TYPES = {
    "PrimitiveString": "STRING",
    "PrimitiveStringMultiline": "STRING",
    "PrimitiveInt": "INT",
    "PrimitiveFloat": "FLOAT",
    "PrimitiveBoolean": "BOOLEAN",
}


def row_of_stand_in(class_type: str) -> InputClass | None:
    """The row of a class that a node of ComfyUI's own can stand for."""
    rows = INPUTS.get(class_type, ())
    return rows[0] if rows and rows[0].instead else None


def with_lacking(info: ObjectInfo, class_types: Iterator[str]) -> ObjectInfo:
    """The node classes, with those among these that the server lacks and that are not needed."""
    lacking = {
        kind: _definition(kind, row)
        for kind in set(class_types)
        if kind not in info and (row := row_of_stand_in(kind)) is not None and row.instead in info
    }
    return ObjectInfo({**info.raw, **lacking}, info.book) if lacking else info


def types_in(workflow: Workflow) -> Iterator[str]:
    """The types of all nodes of a workflow."""
    return (node.type for graph in workflow.graphs() for node in graph.nodes)


def put_stand_ins(prompt: Prompt, info: ObjectInfo) -> tuple[Prompt, Mapping[str, PromptNode]]:
    """The prompt with nodes that the server has, and the nodes that these stand for."""
    stood_for = {
        node_id: node
        for node_id, node in prompt.items()
        if node["class_type"] not in info and row_of_stand_in(node["class_type"]) is not None
    }
    made = {n: _stand_in(node) if n in stood_for else node for n, node in prompt.items()}
    return (made, stood_for) if stood_for else (prompt, {})


def _stand_in(node: PromptNode) -> PromptNode:
    row = row_of_stand_in(node["class_type"])
    assert row is not None
    inputs = {STAND_IN_INPUT: node["inputs"][row.value]} if row.value in node["inputs"] else {}
    return {
        "inputs": inputs,
        "class_type": row.instead,
        "_meta": {"title": title_of({"": node}, "")},
    }


def _definition(class_type: str, row: InputClass) -> dict[str, Any]:
    kind = _TYPES[row.instead]
    inputs = {name: [kind if name == row.value else "STRING", {}] for name in row.order}
    return {
        "input": {"required": inputs},
        "input_order": {"required": list(inputs)},
        "output": [kind],
        "output_name": [kind],
        "name": class_type,
        "display_name": class_type,
        "python_module": "custom_nodes.lacking",
    }
