"""`discomfort ports`: what goes into a workflow, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import visible
from ..options import ConfigOption, JsonOption, WorkflowArgument
from ..output import answer

if TYPE_CHECKING:
    from ...inspection.model import InspectedPort


def ports(
    workflow: WorkflowArgument, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """List the ports of a workflow: what goes in and comes out, with types and defaults.

    Other tools' markers that count as ports are listed, too. Nothing is started.

    Example: discomfort ports enhance.json
    """
    from dataclasses import asdict

    from ...inspection.inspect import inspect as look

    found = look(workflow, config_path=config)
    listed = [asdict(port) for port in found.ports]
    fields: dict[str, Any] = {"workflow": workflow, "ports": listed, "problems": found.problems}
    answer(json, "ports", "\n".join(map(_line, found.ports)) or "There are no ports.", fields)


def _line(port: InspectedPort) -> str:
    import json

    parts = [f"{port.mode:<8}", visible(port.name), visible(port.type)]
    if port.mode == "input":
        has_value = port.has_default and port.default is not None
        value = f"= {json.dumps(port.default, default=str)}" if has_value else "as in the file"
        parts.append("needs a value" if port.needs_value else value)
    return "  ".join(parts)
