"""A plan as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .writing import JSON_LESS, as_json

if TYPE_CHECKING:
    from ..graph.explain.workflow_plan import PortPlan, WorkflowPlan
    from ..run.dry_run import RunPlan


def plan_as_json(plan: RunPlan) -> dict[str, Any]:
    """What stands in a plan: `missing`, `notes`, `given_bytes`, `steps`."""
    return {
        "missing": list(plan.missing),
        "notes": list(plan.notes),
        "given_bytes": dict(plan.given_bytes),
        "steps": [_step(step) for step in plan.workflows],
    }


def _step(step: WorkflowPlan) -> dict[str, Any]:
    return {
        "workflow": step.name,
        "ports": [_port(port) for port in step.ports],
        "runs": list(step.runs),
        "cached": list(step.cached),
        "pinned": list(step.pinned),
        "paid": [node.node_id for node in step.paid],
        "prompt": step.prompt,
    }


def _port(port: PortPlan) -> dict[str, Any]:
    value = as_json(port.value)
    return {
        "name": port.unique_id,
        "mode": port.mode.name.lower(),
        "type": port.type,
        "how": port.how,
        "from": port.came_from,
        "value": None if value is JSON_LESS else value,
        "size_bytes": port.size_bytes,
        "fitting": list(port.fitting),
    }
