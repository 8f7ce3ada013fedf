"""The values that a script gives to a run: the files that paths name are opened, and what can't be
what its ports ask for is refused, before anything is saved or queued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, WorkflowError
from ..graph.plan.run_plan import settle_value
from ..graph.ports.find_ports import Ports
from ..graph.ports.literals import NOT_LITERAL
from ..graph.ports.plain_values import is_plain_type
from ..store.encoding.describe import AsTensor
from ..values.checks import check_fit
from ..values.fit_link import items_of
from ..values.open_files import OPENED, is_pixels, names_files, open_files
from .bindings import is_given_by_reference

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
    """The inputs, with those paths among the saved ones that ports want opened."""
    wanted = {
        unique_id: paths
        for unique_id, paths in saved.items()
        if kinds_asked_for(unique_id, ports).keys() & OPENED.keys()
    }
    return {**wanted, **inputs} if wanted else inputs


@dataclass(frozen=True, slots=True)
class Given:
    """What a script gives, with what its files hold in place of their paths.

    pixels: the values that are arrays here, and are stored as the tensors that they stand for: a
        script that has no torch need not import it.
    """

    values: dict[str, Any]
    pixels: frozenset[str] = frozenset()

    def to_store(self, unique_id: str) -> Any:
        """A value as it is saved."""
        value = self.values[unique_id]
        if unique_id not in self.pixels:
            return value
        return [AsTensor(v) for v in value] if isinstance(value, list) else AsTensor(value)


def opened(inputs: Mapping[str, Any], ports: list[Ports]) -> Given:
    """The inputs, with the files opened that paths name for ports of pictures, sound and video.

    Raises:
        FileNotFoundError, ValueError: a path where there is no such file.
        WorkflowError: a path that could be opened in several ways.
    """
    values, pixels = dict(inputs), set()
    for unique_id, value in inputs.items():
        if not names_files(value):
            continue
        kind = _kind_to_open(unique_id, kinds_asked_for(unique_id, ports))
        if kind is not None:
            values[unique_id] = _open(unique_id, value, kind)
            if is_pixels(kind):
                pixels.add(unique_id)
    return Given(values, frozenset(pixels))


def _open(unique_id: str, value: Any, kind: str) -> Any:
    try:
        return open_files(value, kind)
    except FileNotFoundError as e:
        raise FileNotFoundError(f"The value of {unique_id!r}: {e}") from e
    except (OSError, ValueError) as e:
        raise ValueError(f"The value of {unique_id!r}: {e}") from e


def _kind_to_open(unique_id: str, kinds: Mapping[str, Ports]) -> str | None:
    """The type that a path's file is opened for; None: the path is a value itself."""
    exact = [kind for kind in kinds if not any(map(is_plain_type, kind.split(",")))]
    found = sorted({part for kind in exact for part in kind.split(",")} & OPENED.keys())
    if not found:
        return None
    if len(found) == 1 and (found[0] in exact or is_pixels(found[0])):
        return found[0]
    text = (
        f"a file is opened in one way, and ports of this name take {' and '.join(sorted(exact))}. "
        "Give ports names of their own, or the value itself."
    )
    problems = [p.problem(text) for of in kinds.values() for p in of.inputs[unique_id]]
    raise WorkflowError(f"The path of {unique_id!r} can't be opened:", problems)


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
