"""For VALIDATE_INPUTS: what is wrong with a node that runs workflows, found when it is queued.

Links are not known yet, but for their types. Whether ComfyUI takes what stands in `values` (its
range, its choices), ComfyUI itself is asked, over the prompt that the nested one would get.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import Problem, WorkflowError
from ...graph.plan.swap_ports import Swapped
from ..host.shared_worker import is_worker, runs_this_installation
from . import crossing, nested_prompt, sockets
from .request import Request, Widgets, is_object, read_request

_NOT_NESTED = (
    "A workflow that another node runs can't run workflows itself. List them in one "
    "DiscomfortLoopExecutor, or call them from a script."
)


async def check_widgets(widgets: Mapping[str, Any], input_types: Mapping[str, Any] | None) -> None:
    """See that a node can run, as far as its widgets tell.

    Args:
        widgets: the fields of `Widgets`; None for what comes through a link.
        input_types: name of each linked input -> type that comes through.

    Raises:
        DiscomfortError, FileNotFoundError: says what is wrong.
    """
    if is_worker():
        raise WorkflowError(_NOT_NESTED)
    known = {name: value for name, value in widgets.items() if value is not None}
    if "workflows" not in known or not isinstance(known.get("iterations", 1), int):
        return  # nothing can be said, or ComfyUI has said it
    if "stop_when" in widgets and "stop_when" not in known:
        known.pop("iterations", None)  # 0 is no mistake if a condition comes
    request = read_request(Widgets(**known))
    if None not in (widgets["values"], widgets["sockets"]):
        check_inputs(request, input_types or {})
    if runs_this_installation():
        await _check_inside(request)


def check_inputs(request: Request, input_types: Mapping[str, Any]) -> None:
    """See that every input of the workflows has one value, of a type that fits.

    Args:
        input_types: name of each linked input -> type that comes through.
    """
    linked = {
        uid: input_types[name]
        for uid, name in request.sockets.input_names().items()
        if name in input_types
    }
    sockets.check_given(request.port_types, linked, request.values, is_object)


async def _check_inside(request: Request) -> None:
    """See that the workflows can be converted, and that ComfyUI takes the constants."""
    for path, swapped in nested_prompt.in_turn(request.paths, request.values):
        if any(node["class_type"] in crossing.RUNNERS for node in swapped.prompt.values()):
            raise WorkflowError(f"{path.name}: {_NOT_NESTED}")
        await _check_literals(path, swapped, request.values)


async def _check_literals(path: Path, swapped: Swapped, given: Mapping[str, Any]) -> None:
    if not swapped.literals:
        return
    fed = {node_id for node_id, _ in swapped.literals}
    errors = await nested_prompt.validate(swapped.prompt, fed)
    problems = list(_problems(swapped, given, errors))
    if problems:
        raise WorkflowError(f"{path.name} can't be run with these values:", problems)


def _problems(
    swapped: Swapped, given: Mapping[str, Any], errors: nested_prompt.Errors
) -> Iterator[Problem]:
    """What ComfyUI says of the constants, by the port that each came through."""
    for (node_id, name), unique_id in swapped.literals.items():
        node = swapped.prompt[node_id]
        for error in errors.get(node_id, ()):
            if (error.get("extra_info") or {}).get("input_name") == name:
                yield Problem(
                    f"values has {unique_id} = {given[unique_id]!r}: {error['message']} "
                    f"({error['details']})",
                    node_id,
                    node["class_type"],
                    (node.get("_meta") or {}).get("title"),
                )
