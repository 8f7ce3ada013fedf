"""Small workflows with nodes of packs, and a server's classes for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from custom_nodes.discomfort.errors import Problem, WorkflowError
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt


def kind(
    required: Mapping[str, Any] | None = None,
    *output: str,
    pack: str = "",
    optional: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A class of /object_info; of a pack when that is named."""
    return {
        "input": {"required": dict(required or {}), "optional": dict(optional or {})},
        "output": list(output),
        "python_module": f"custom_nodes.{pack}" if pack else "nodes",
        **more,
    }


INFO: dict[str, Any] = {
    "Make": kind({"seed": ["INT", {"default": 1}]}, "IMAGE", "INT"),
    "Save": kind({"image": ["IMAGE"]}, output_node=True),
    "Any": kind({"value": ["*"]}, output_node=True),
}


def node(
    node_id: Any,
    type_name: str,
    values: Any = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """A node; `inputs` is {name: link id, or (link id, type), or (link id, type, further keys)}."""
    slots = []
    for name, link in (inputs or {}).items():
        link_id, slot_type, *extra = link if isinstance(link, tuple) else (link, "*")
        slot = {"name": name, "type": slot_type, "link": link_id}
        slots.append(slot | extra[0] if extra else slot)
    return {
        "id": node_id,
        "type": type_name,
        "widgets_values": values,
        "inputs": slots,
        "outputs": [{"name": f"o{i}", "type": "*", "links": []} for i in range(outputs)],
        "properties": {},
        **more,
    }


def workflow(nodes: list[dict[str, Any]], *links: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """Links are `(id, origin, slot, target, slot[, type])`."""
    return {"nodes": nodes, "links": [list((*link, "*")[:6]) for link in links], **more}


def prompt_of(data: dict[str, Any], info: Mapping[str, Any] | None = None, **options: Any) -> Any:
    return to_prompt(data, {**INFO, **(info or {})}, **options)


def problems_of(data: dict[str, Any], info: Mapping[str, Any] | None = None) -> list[Problem]:
    with pytest.raises(WorkflowError) as caught:
        prompt_of(data, info)
    return list(caught.value.problems)
