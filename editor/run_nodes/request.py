"""What a node that runs workflows was asked to do: its widgets, read and checked.

Also the ports of the workflow files, which the editor asks for over HTTP (`editor/routes/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import WorkflowError
from ...graph.plan.check_literals import TENSOR_TYPES
from ...graph.ports.find_ports import Ports
from ...run.stop_condition import Condition
from ...system.config import load_pass_by_rules
from ...workflow_tools import WorkflowTools
from ..host import allowed_folders
from ..host.shared_worker import runs_this_installation
from . import job, nested_prompt, sockets
from .constants import parse_values
from .sockets import PortTypes, Sockets

ALL = "*"


@dataclass(frozen=True, slots=True)
class Widgets:
    """What stands in the widgets of a node; what a DiscomfortTestRunner lacks is as a single run.

    workflows: one name or path a line.
    first_output: the slot of `output_1`.
    iterations: 0: no limit but `stop_when`.
    carry: "*", or unique_ids separated by commas.
    """

    workflows: str
    values: str = ""
    sockets: str = ""
    first_output: int = 0
    iterations: int = 1
    stop_when: str = ""
    carry: str = ALL
    collect: str = "last"


@dataclass(frozen=True, slots=True)
class Request:
    """What a node was asked to do.

    first_output: the slot of `output_1`.
    """

    paths: tuple[Path, ...]
    port_types: PortTypes
    sockets: Sockets
    values: Mapping[str, Any]
    first_output: int = 0
    iterations: int | None = 1
    condition: Condition | None = None
    carried: frozenset[str] | None = None
    collect: str = "last"

    def slot(self, unique_id: str) -> int:
        return self.first_output + self.sockets.outputs.index(unique_id)


def read_request(widgets: Widgets) -> Request:
    """Read what stands in a node's widgets.

    Raises:
        WorkflowError, FileNotFoundError: says what is wrong.
    """
    paths = find_files(widgets.workflows)
    given = parse_values(widgets.values)
    port_types = find_port_types(paths, given)
    if not port_types.inputs and not port_types.outputs:
        raise WorkflowError(
            f"{', '.join(path.name for path in paths)} has no ports, and shows nothing. Put "
            "DiscomfortPort nodes where values are to go in and come out."
        )
    condition = None
    if widgets.stop_when.strip():
        condition = Condition(widgets.stop_when, {**port_types.inputs, **port_types.outputs})
    if widgets.collect not in job.COLLECT:
        raise WorkflowError(
            f"collect must be one of {', '.join(job.COLLECT)}, not {widgets.collect!r}."
        )
    return Request(
        paths=paths,
        port_types=port_types,
        sockets=sockets.read_sockets(widgets.sockets, port_types),
        values=given,
        first_output=widgets.first_output,
        iterations=_limit(widgets.iterations, condition),
        condition=condition,
        carried=_carried(widgets.carry, port_types),
        collect=widgets.collect,
    )


def find_files(workflows: str) -> tuple[Path, ...]:
    """The files that a widget names, one a line.

    Raises:
        WorkflowError, FileNotFoundError: says what is wrong.
    """
    if not isinstance(workflows, str):  # ComfyUI leaves what comes through the API as it is
        raise WorkflowError(f"A workflow is chosen by the name of its file, not {workflows!r}.")
    names = [line.strip() for line in workflows.split("\n") if line.strip()]
    allowed = allowed_folders.workflow_folders()
    return tuple(allowed_folders.find_workflow(name, allowed) for name in names or [""])


def _limit(iterations: int, condition: Condition | None) -> int | None:
    if iterations < 0:
        raise WorkflowError(
            f"iterations is {iterations}. Set how often the loop is to run, or 0 to run it until "
            "stop_when is true."
        )
    if not iterations and condition is None:
        raise WorkflowError(
            "iterations is 0 (no limit) and stop_when is empty: nothing would end the loop. Set "
            "one of the two."
        )
    return iterations or None


def _carried(carry: str, port_types: PortTypes) -> frozenset[str] | None:
    if carry.strip() == ALL:
        return None
    names = frozenset(name.strip() for name in carry.split(",") if name.strip())
    round_trip = [uid for uid in port_types.inputs if uid in port_types.outputs]
    unknown = sorted(names - set(round_trip))
    if unknown:
        raise WorkflowError(
            f"carry has {', '.join(map(repr, unknown))}. What can be carried is an input and an "
            f"output: {', '.join(map(repr, round_trip)) or 'nothing here'}. * carries all."
        )
    return names


def find_port_types(paths: tuple[Path, ...], given: Iterable[str] = ()) -> PortTypes:
    """The ports of the files, which are read again when they change.

    Args:
        given: names of values; those that are no ports may be addresses.

    Raises:
        WorkflowError: a file that can't be used, or an address of a node that has no such input.
    """
    return _find(paths, tuple(map(_stamp, paths)), tuple(given))


@lru_cache(maxsize=256)
def _find(paths: tuple[Path, ...], stamps: tuple[Any, ...], given: tuple[str, ...]) -> PortTypes:
    prepared = None
    if runs_this_installation():
        with contextlib.suppress(WorkflowError):  # reported when it is queued
            prepared = nested_prompt.prepare_all(paths)
    if prepared is None:
        found = [_discover(path, stamp) for path, stamp in zip(paths, stamps, strict=True)]
        return sockets.merge_port_types(found)
    named = nested_prompt.with_names(prepared, given)
    port_types = sockets.merge_port_types(_describe(p.ports) for p in named)
    addresses = {name: p.ports.input_type(name) for p in named for name in p.call.inputs}
    return replace(port_types, addresses=addresses)


def _describe(ports: Ports) -> dict[str, Any]:
    """As `discover_ports` does, without the addresses."""
    inputs = {}
    for uid, group in ports.inputs.items():
        if not group[0].is_for_call:
            default = ports.default(uid)
            inputs[uid] = {"type": ports.input_type(uid)}
            if default is not None:
                inputs[uid]["default"] = default.value
    outputs = {uid: {"type": port.type} for uid, port in ports.outputs.items()}
    return {"inputs": inputs, "outputs": outputs}


def _stamp(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=256)
def _discover(path: Path, stamp: tuple[int, int]) -> dict[str, Any]:
    try:
        return WorkflowTools().discover_ports(path)
    except (WorkflowError, ValueError) as e:
        reason = str(e).replace(str(path), path.name)  # a browser is told no path
        raise WorkflowError(f"{path.name}: {reason}") from e


@lru_cache(maxsize=1)
def _rules() -> dict[str, str]:
    return load_pass_by_rules()


def is_by_reference(kind: str) -> bool:
    return _rules().get(kind, "val") == "ref"


def is_object(kind: str) -> bool:
    """Whether values of this type are pictures, models and the like, which no text stands for."""
    return kind in TENSOR_TYPES or is_by_reference(kind)
