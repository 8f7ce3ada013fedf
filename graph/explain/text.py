"""A plan as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import visible
from ..plan.api_nodes import ApiNode
from ..prompt import PromptNode, link_source
from .workflow_plan import PortPlan, WorkflowPlan

_VALUE_CHARS = 60
_BRIEF_HASH = 8
_FITTING_SHOWN = 5
CACHE_NOTE = (
    "Cached means expected: the same nodes, fed by the same values, were in what this process "
    "sent before. They run all the same if another client used the worker, if it ran short of "
    "memory, or if a node says that it changed (IS_CHANGED)."
)


def describe_plan(
    workflows: Sequence[WorkflowPlan], given_bytes: Mapping[str, int], notes: Iterable[str]
) -> str:
    """All of a plan, one thing a line."""
    count = f"{len(workflows)} workflow{'s' if len(workflows) != 1 else ''}"
    lines = [f"Plan of {count}, first iteration. Nothing was run or saved."]
    if given_bytes:
        given = ", ".join(f"{uid} {show_bytes(size)}" for uid, size in given_bytes.items())
        lines.append(f"First saved to the context: {given}.")
    lines += [f"Note: {note}" for note in notes]
    for number, workflow in enumerate(workflows, 1):
        lines += ["", f"{number}. {workflow.name}", *_describe_workflow(workflow)]
    if any(workflow.cached for workflow in workflows):
        lines += ["", CACHE_NOTE]
    return "\n".join(map(visible, lines))


def describe_port(port: PortPlan, is_brief: bool = False) -> str:
    """What becomes of a port, in a few words. `is_brief`: of a hash the beginning."""
    recipe = port.recipe
    if recipe and is_brief:
        recipe = recipe.removeprefix("ref-")[:_BRIEF_HASH]
    size = "" if port.size_bytes is None else f"{show_bytes(port.size_bytes)} "
    texts = {
        "literal": lambda: f"= {show_value(port.value)}",
        "default": lambda: (
            "as in the file"
            if port.value is None
            else f"= {show_value(port.value)} (as in the file)"
        ),
        "load": lambda: f"loaded, {size}in {port.storage}",
        "later": lambda: f"made by {port.came_from}",
        "reference": lambda: f"reference {recipe or 'over values of the run'}",
        "missing": lambda: "MISSING",
        "save": lambda: "saved",
        "result": lambda: "given back",
        "keep": lambda: f"kept as a reference {recipe or ''}".rstrip(),
        "pass": lambda: "passed on",
    }
    return texts[port.how]()


def show_value(value: Any) -> str:
    """A literal as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_CHARS else text[: _VALUE_CHARS - 3] + "..."


def show_bytes(size: int) -> str:
    """12.6 MB, as disks and networks count."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.5 or unit == "GB":
            break
    return f"{amount:.3g} {unit}"


def _describe_workflow(workflow: WorkflowPlan) -> list[str]:
    lines = []
    name_width = max((len(p.unique_id) for p in workflow.ports), default=0)
    type_width = max((len(p.type) for p in workflow.ports), default=0)
    for port in workflow.ports:
        head = f"{port.mode.name:<8} {port.unique_id:<{name_width}}  {port.type:<{type_width}}"
        text = f"   {head}  {describe_port(port)}{_port_details(port)}"
        lines.append(text.rstrip())
    if not workflow.prompt:
        return [*lines, "   Nothing is queued."]
    size = show_bytes(len(json.dumps(workflow.prompt)))
    loaded = f", {show_bytes(workflow.loaded_bytes)} loaded" if workflow.loaded_bytes else ""
    lines.append(
        f"   Queued: {size}{loaded}; {len(workflow.runs)} nodes run, {len(workflow.cached)} cached"
        + (f", {len(workflow.pinned)} only kept for later runs" if workflow.pinned else "")
    )
    if workflow.paid:
        names = ", ".join(_describe_api_node(node) for node in workflow.paid)
        lines.append(f"   Paid: {names}: API nodes, which work elsewhere for credits.")
    states = (("run", workflow.runs), ("cached", workflow.cached), ("kept", workflow.pinned))
    for state, node_ids in states:
        for node_id in node_ids:
            lines.append(f"   {state:<7} {_describe_node(node_id, workflow.prompt[node_id])}")
    return lines


def _describe_api_node(node: ApiNode) -> str:
    title = "" if node.title == node.class_type else f" {node.title!r}"
    return f"node {node.node_id}{title} ({node.class_type})"


def _port_details(port: PortPlan) -> str:
    details = []
    if port.came_from in ("inputs", "context") or port.how == "reference":
        details.append(f"from {port.came_from}")
    if port.fitting:
        shown = ", ".join(port.fitting[:_FITTING_SHOWN])
        details.append(f"these would fit: {shown}")
    if port.tags:
        details.append(f"tags: {', '.join(port.tags)}")
    return f" ({'; '.join(details)})" if details else ""


def _describe_node(node_id: str, node: PromptNode) -> str:
    inputs = []
    for name, value in node["inputs"].items():
        link = link_source(value)
        inputs.append(f"{name}<-{link.node_id}.{link.slot}" if link else f"{name}={_short(value)}")
    title = (node.get("_meta") or {}).get("title")
    shown = f" {title!r}" if title and title != node["class_type"] else ""
    return f"{node_id} {node['class_type']}{shown}({', '.join(inputs)})"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 32 else text[:29] + "..."
