"""Frozen values in the JSON of a reference: which it names, and how they travel in it.

Large values are kept beside the workflow, by their content's hash. A workflow that leaves its
context takes them along as text: in its `extra`, which the editor keeps; an API prompt has them at
its OUTPUT port, in `_meta`, which ComfyUI does not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import WorkflowError
from ..plan.internal_nodes import LOADER, find_internal
from ..ports.connections import PORT_INPUT
from ..ports.find_ports import FROZEN, find_ports
from ..prompt import is_prompt, link_source
from ..workflow.model import PORT_TYPE, is_workflow
from ..workflow.parse import parse_workflow

OURS = "discomfort"
VALUES = "values"


class Unpacked(NamedTuple):
    """A workflow or prompt without the values that it brought along; these, content -> text."""

    data: dict[str, Any]
    values: dict[str, str]


def pack_values(data: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The workflow or prompt with its frozen values in it."""
    if not values:
        return dict(data)
    if is_workflow(data):
        extra = data.get("extra") or {}
        ours = {**(extra.get(OURS) or {}), VALUES: dict(values)}
        return {**data, "extra": {**extra, OURS: ours}}
    packed = dict(data)
    for node_id, node in data.items():
        if isinstance(node, dict) and node.get("class_type") == PORT_TYPE:
            meta = {**(node.get("_meta") or {}), OURS: {VALUES: dict(values)}}
            packed[node_id] = {**node, "_meta": meta}
            break
    return packed


def unpack_values(data: Mapping[str, Any]) -> Unpacked:
    """Part a workflow or prompt from its frozen values. Anything else comes back as it is."""
    if is_workflow(data):
        extra = data.get("extra")
        if isinstance(extra, dict) and _has_values(extra):
            ours, values = _parted(extra[OURS])
            return Unpacked({**data, "extra": {**extra, OURS: ours}}, values)
        return Unpacked(dict(data), {})
    parted, values = dict(data), {}
    for node_id, node in data.items():
        meta = node.get("_meta") if isinstance(node, dict) else None
        if isinstance(meta, dict) and _has_values(meta):
            rest, values = _parted(meta[OURS])
            kept = {k: v for k, v in meta.items() if k != OURS} | ({OURS: rest} if rest else {})
            parted[node_id] = {**node, "_meta": kept}
    return Unpacked(parted, values)


def contents_named(data: Any) -> set[str]:
    """The contents that a workflow or prompt needs."""
    found: list[Any] = []
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            held = item.get(FROZEN)
            if isinstance(held, Mapping):
                found.append(held.get("content"))
            if item.get("class_type") == LOADER:
                inputs = item.get("inputs")
                if isinstance(inputs, Mapping) and not inputs.get("unique_id"):
                    found.append(inputs.get("version"))
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return {content for content in found if isinstance(content, str)}


def is_reference(value: Any) -> bool:
    """Whether a value is the stored form of a reference: a workflow or a prompt."""
    return is_workflow(value) or is_prompt(value)


def why_no_reference(data: Any) -> str | None:
    """What keeps the JSON of a workflow or prompt from being a reference; None: nothing does."""
    if not is_reference(data):
        return "it is neither a workflow nor an API prompt"
    if internal := find_internal(data):
        return "\n  ".join(map(str, internal))
    if is_workflow(data):
        try:
            ports = find_ports(parse_workflow(data))
        except WorkflowError as e:
            return str(e)
        inputs, outputs = sorted(ports.inputs), sorted(ports.outputs)
    else:
        ids = {True: [], False: []}
        for node in data.values():
            if node["class_type"] == PORT_TYPE:
                given = node.get("inputs")
                given = given if isinstance(given, Mapping) else {}
                is_output = link_source(given.get(PORT_INPUT)) is not None
                ids[is_output].append(str(given.get("unique_id")))
        inputs, outputs = ids[False], ids[True]
    if len(outputs) != 1:
        return f"it must have one OUTPUT port; it has {outputs}"
    if inputs:
        return f"its INPUT ports {inputs} have no value frozen into them"
    return None


def _has_values(holder: Mapping[str, Any]) -> bool:
    ours = holder.get(OURS)
    return isinstance(ours, dict) and isinstance(ours.get(VALUES), dict)


def _parted(ours: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    rest = {k: v for k, v in ours.items() if k != VALUES}
    return rest, dict(ours[VALUES])
