"""The sockets of a node that runs workflows: which port of theirs each one is. Pure.

ComfyUI's nodes have the sockets that their class declares, so each class here declares
`input_1` ... and `output_1` ..., and the constant `sockets` of a prompt says which port is behind
each. The editor shows those in use only, with the names and types of the ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Problem, WorkflowError
from .constants import can_be_written, why_unfit
from .limits import MAX_SOCKETS

ANY = "ANY"
_SCALARS = {"INT", "FLOAT", "BOOLEAN", "STRING", "COMBO"}


@dataclass(frozen=True, slots=True)
class PortTypes:
    """What a sequence of workflows shows to the outside: unique_id -> type.

    inputs: what is given; what an earlier workflow of the sequence outputs is not.
    outputs: all that they output, or show where they have no OUTPUT.
    defaults: of the inputs that need not be given, what the file has.
    addresses: inputs of nodes that `values` names beside the ports.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sockets:
    """unique_ids in the order of the sockets; None for a socket that has none.

    elsewhere: outputs by reference that nothing but other nested workflows uses: they need not be
        made in the user's ComfyUI, which would load a model in vain.
    """

    inputs: tuple[str | None, ...]
    outputs: tuple[str | None, ...]
    elsewhere: frozenset[str] = frozenset()

    def input_names(self) -> dict[str, str]:
        """unique_id -> name of the node's input."""
        return {uid: f"input_{i}" for i, uid in enumerate(self.inputs, 1) if uid is not None}


def merge_port_types(discovered: Iterable[Mapping[str, Any]]) -> PortTypes:
    """Those of workflows that run in this order, from what `discover_ports` found in each.

    An input that has a default may have it as "default".
    """
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    for found in discovered:
        for uid, port in found["inputs"].items():
            if uid not in outputs:
                if "default" not in port:
                    defaults.pop(uid, None)
                elif uid not in inputs:
                    defaults[uid] = port["default"]
                known = inputs.get(uid, ANY)
                inputs[uid] = port["type"] if known == ANY else known
        for uid, port in found["outputs"].items():
            kind = port["type"]
            outputs[uid] = outputs.get(uid, ANY) if kind == ANY else kind
    for uid, kind in inputs.items():  # a value that is carried round has one type
        if kind == ANY and uid in outputs:
            inputs[uid] = outputs[uid]
        elif outputs.get(uid) == ANY:
            outputs[uid] = kind
    return PortTypes(inputs, outputs, defaults)


def read_sockets(text: str | None, port_types: PortTypes) -> Sockets:
    """The sockets as the editor wrote them into the prompt; without that, in the files' order.

    Raises:
        WorkflowError: not what the editor writes, or ports that the workflows do not have any more.
    """
    if not text or not text.strip():
        sockets = Sockets(tuple(port_types.inputs), tuple(port_types.outputs))
    else:
        try:
            data = json.loads(text)
            elsewhere = frozenset(filter(None, _names(data.get("elsewhere", []))))
            sockets = Sockets(_names(data["inputs"]), _names(data["outputs"]), elsewhere)
        except (ValueError, KeyError, TypeError) as e:
            raise WorkflowError(
                'sockets must be empty, or like {"inputs": ["a"], "outputs": ["b"]}, not '
                f"{text[:80]!r}."
            ) from e
    _check(sockets, port_types)
    return sockets


def _names(value: Any) -> tuple[str | None, ...]:
    if not isinstance(value, list) or not all(v is None or isinstance(v, str) for v in value):
        raise TypeError("not a list of names")
    return tuple(value)


def _check(sockets: Sockets, port_types: PortTypes) -> None:
    problems = []
    for what, names, known in (
        ("input", sockets.inputs, port_types.inputs),
        ("output", sockets.outputs, port_types.outputs),
    ):
        if len(names) > MAX_SOCKETS:
            problems.append(
                Problem(
                    f"{len(names)} {what}s, and a node has {MAX_SOCKETS} sockets at most; give "
                    "constants in `values`, or split the workflow"
                )
            )
        gone = [name for name in names if name is not None and name not in known]
        problems += [
            Problem(
                f"the {what} {name!r} is no longer a port of the workflow (its {what}s: "
                f"{', '.join(map(repr, known)) or 'none'}); reload the node's sockets"
            )
            for name in gone
        ]
    if problems:
        raise WorkflowError("The node's sockets do not fit the workflow:", problems)


def check_given(
    port_types: PortTypes,
    linked: Mapping[str, str],
    values: Mapping[str, Any],
    is_object: Callable[[str], bool],
) -> None:
    """See that every input has exactly one value, of a type that fits.

    Args:
        linked: unique_id -> the type that comes through its link.
        values: the constants.
        is_object: whether a type is one that no text stands for.

    Raises:
        WorkflowError: all that is missing, doubled, unknown or of another type.
    """
    problems = []
    for uid, kind in port_types.inputs.items():
        if uid not in linked and uid not in values and uid in port_types.defaults:
            continue
        if uid not in linked and uid not in values:
            reason = f"the input {uid!r} ({kind}) has no value: connect its socket"
            if can_be_written(kind, is_object):
                reason += f", or write `{uid} = ...` into values"
            problems.append(Problem(reason))
        elif uid in linked and uid in values:
            problems.append(Problem(f"{uid!r} is connected and in values; remove one of the two"))
        elif uid in linked and not fits(linked[uid], kind):
            problems.append(Problem(f"{uid!r} needs {kind}, and {linked[uid]} is connected to it"))
        elif uid in values and (reason := why_unfit(uid, values[uid], kind, is_object)):
            problems.append(Problem(reason))
    problems += [
        Problem(
            f"values has {uid!r}, which is no input of the workflow (its inputs: "
            f"{', '.join(map(repr, port_types.inputs)) or 'none'})"
        )
        for uid in values
        if uid not in port_types.inputs and uid not in port_types.addresses
    ]
    problems += [
        Problem(reason)
        for uid, kind in port_types.addresses.items()
        if uid in values and (reason := why_unfit(uid, values[uid], kind, is_object))
    ]
    if problems:
        raise WorkflowError("The workflow can't be run with these inputs:", problems)


def fits(received: Any, wanted: str) -> bool:
    """Whether a link may carry this type to a port. Text and numbers are converted on the way."""
    if isinstance(received, (list, tuple)):
        received = "COMBO"
    given, taken = set(str(received).split(",")), set(wanted.split(","))
    if "*" in given or taken & {ANY, "*"} or given & taken:
        return True
    return bool(given & _SCALARS) and bool(taken & _SCALARS)
