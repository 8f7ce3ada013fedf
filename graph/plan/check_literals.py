"""Whether what is written into a prompt has a type that its ports allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import WorkflowError
from ..ports.find_ports import Ports
from ..ports.value_types import remedy_for

TENSOR_TYPES = {"IMAGE", "MASK", "LATENT", "AUDIO", "SIGMAS", "VIDEO"}


def check_literals(ports: Ports, literals: Mapping[str, Any], rules: Mapping[str, str]) -> None:
    """See that no literal has a type that its ports do not allow.

    ComfyUI checks that only where a widget could hold the literal, and converts what it can.
    Choices are left to it: a class may accept others than those it lists (VALIDATE_INPUTS), which
    /object_info does not say. 0.33 checks them all; 0.3.64 (execution.py `validate_inputs`) checks
    plain lists, but not inputs of the type "COMBO": there a wrong one reaches the node.
    """
    problems = []
    for unique_id, value in literals.items():
        kind = ports.input_type(unique_id)
        is_object = kind in TENSOR_TYPES or rules.get(kind) == "ref"
        remedy = remedy_for(value, kind, is_object)
        if remedy is not None:
            shown = repr(value)
            shown = shown if len(shown) < 80 else shown[:76] + "..."
            reason = f"the value of {unique_id!r} is {shown}, but {kind} is needed. {remedy}"
            problems += [port.problem(reason.rstrip()) for port in ports.inputs[unique_id]]
    if problems:
        raise WorkflowError("These values can't be used:", problems)
