"""The values that a script gives to a run: pictures' paths are opened, and what can't be what its
ports ask for is refused, before anything is saved or queued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import Problem, WorkflowError
from ..graph.plan.run_plan import settle_value
from ..graph.ports.find_ports import Ports
from ..graph.ports.literals import NOT_LITERAL
from ..values.checks import check_fit
from ..values.fit_link import items_of
from ..values.images import names_files, open_drawn_mask_as_tensor, open_image_as_tensor
from .bindings import is_given_by_reference

_OPENERS: dict[str, Callable[[Path], Any]] = {
    "IMAGE": open_image_as_tensor,
    "MASK": open_drawn_mask_as_tensor,
}


_A_NAME = (
    " This is a choice, as the name of a file: give a name, or give the value itself to the input "
    "that this node feeds."
)


def kinds_asked_for(unique_id: str, ports: Iterable[Ports]) -> dict[str, Ports]:
    """The types of the ports that a given value meets, until a workflow outputs another one."""
    kinds: dict[str, Ports] = {}
    for of_workflow in ports:
        if unique_id in of_workflow.inputs:
            kinds.setdefault(of_workflow.input_type(unique_id), of_workflow)
        if unique_id in of_workflow.stored:
            break
    return kinds


def all_kinds(unique_id: str, ports: Iterable[Ports]) -> set[str]:
    """The types of all ports of that name: a value that is stored may meet any of them."""
    return {p.input_type(unique_id) for p in ports if unique_id in p.inputs}


def with_saved_paths(
    inputs: Mapping[str, Any], ports: list[Ports], saved: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The inputs, with those paths among the saved ones that ports of pictures ask for."""
    wanted = {
        unique_id: paths
        for unique_id, paths in saved.items()
        if kinds_asked_for(unique_id, ports).keys() & _OPENERS.keys()
    }
    return {**wanted, **inputs} if wanted else inputs


def open_pictures(inputs: Mapping[str, Any], ports: list[Ports]) -> dict[str, Any]:
    """The inputs with the pictures in place of the paths that were given for them.

    Raises:
        FileNotFoundError, ValueError: a path where there is no picture.
    """
    opened = dict(inputs)
    for unique_id, value in inputs.items():
        kinds = kinds_asked_for(unique_id, ports).keys() & _OPENERS.keys()
        if len(kinds) == 1 and names_files(value):
            open_file = _OPENERS[kinds.pop()]
            is_list = isinstance(value, list)
            opened[unique_id] = [open_file(p) for p in value] if is_list else open_file(value)
    return opened


def is_checked(kind: str) -> bool:
    """Whether anything is known of what a port of a type takes."""
    return items_of(None, False, kind) is not None


def check_values(values: Mapping[str, Any], ports: list[Ports], rules: Mapping[str, str]) -> None:
    """See that values that are no literals can be what their ports ask for.

    Args:
        rules: ComfyUI type -> "val" or "ref"; a reference is judged when it is prepared.

    Raises:
        WorkflowError: names the ports.
    """
    problems: list[Problem] = []
    for unique_id, value in values.items():
        for kind, of_workflow in kinds_asked_for(unique_id, ports).items():
            if not is_given_by_reference(value, [kind], rules):
                problems += problems_of(unique_id, value, kind, of_workflow)
    if problems:
        raise WorkflowError("These values can't be used:", problems)


def problems_of(unique_id: str, value: Any, kind: str, ports: Ports) -> list[Problem]:
    """What keeps a value from being loaded for a type; literals are the plan's to judge."""
    if settle_value(value, kind) is not NOT_LITERAL:
        return []
    try:
        for item in items_of(value, False, kind) or ():
            check_fit(unique_id, item, kind)
    except (TypeError, ValueError) as e:
        hint = _A_NAME if kind == "COMBO" else ""
        return [port.problem(f"{e}{hint}") for port in ports.inputs[unique_id]]
    return []
