"""What ComfyUI says of values that it refused, completed: where each came from, and what is taken.

Pure. Used by `submit.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import CHECK_HINT, Problem, ValidationFailed
from ..graph.needs.nearest import nearest_name
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.plan.swap_ports import Swapped

_LIMITS = ("value_bigger_than_max", "value_smaller_than_min")


def completed(error: ValidationFailed, swapped: Swapped, info: ObjectInfo) -> ValidationFailed:
    """The error, with the ports named whose values were refused, and what they take instead."""
    told = list(_errors_of(error.reply))
    others = len(error.problems) - len(told)  # one about the prompt as a whole stands before them
    if others not in (0, 1):
        return error
    problems = [*error.problems[:others]]
    for problem, about in zip(error.problems[others:], told, strict=True):
        more = _remedy(problem, about, info) + _origin(problem, about, swapped)
        problems.append(replace(problem, reason=f"{problem.reason}{more}"))
    if tuple(problems) == tuple(error.problems):
        return error
    first, *_, last = str(error).split("\n")
    lines = [first, *(f"  {problem}" for problem in problems)]
    lines += [last] if last == CHECK_HINT else []
    return ValidationFailed("\n".join(lines), **{**error.__dict__, "problems": tuple(problems)})


def _errors_of(reply: Any) -> Iterator[Mapping[str, Any]]:
    """ComfyUI's errors about nodes, in the order of the problems that were made of them."""
    node_errors = reply.get("node_errors") if isinstance(reply, Mapping) else None
    for about in node_errors.values() if isinstance(node_errors, Mapping) else ():
        yield from about.get("errors") or []


def _input_of(about: Mapping[str, Any]) -> str | None:
    name = (about.get("extra_info") or {}).get("input_name")
    return name if isinstance(name, str) else None


def _origin(problem: Problem, about: Mapping[str, Any], swapped: Swapped) -> str:
    """From which INPUT the value came, or those of its node where ComfyUI names no input."""
    wrong = _input_of(about)
    fed = [
        f"{name} comes from the address {unique_id!r}"
        if unique_id in swapped.addresses
        else f"{name} comes from the INPUT port {unique_id!r}"
        for (node_id, name), unique_id in swapped.literals.items()
        if node_id == problem.node_id and wrong in (None, name)
    ]
    return f" ({'; '.join(fed)})" if fed else ""


def _remedy(problem: Problem, about: Mapping[str, Any], info: ObjectInfo) -> str:
    """The whole range of a number, or the choice that was meant."""
    name = _input_of(about)
    spec = info.input_spec(problem.node_type, name) if problem.node_type and name else None
    if spec is None:
        return ""
    if about.get("type") in _LIMITS:
        least, most = spec[1].get("min"), spec[1].get("max")
        return f"; from {least} to {most}" if least is not None and most is not None else ""
    if about.get("type") == "value_not_in_list":
        options = spec[1].get("options")
        value = (about.get("extra_info") or {}).get("received_value")
        if isinstance(options, list) and isinstance(value, str):
            nearest = nearest_name(value, [o for o in options if isinstance(o, str)])
            return f"; did you mean {nearest!r}?" if nearest is not None else ""
    return ""
