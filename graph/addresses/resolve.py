"""What one call asks of each of its workflows, from the names in `inputs` and `outputs`.

Ports win; what is no port's name is an address. A workflow without an OUTPUT of its own gives what
its output nodes show or save.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ...errors import Problem, WorkflowError
from ..node_classes.object_info import ObjectInfo
from ..ports.find_ports import Ports
from ..prompt import Prompt, Source
from .call_ports import CallPorts
from .directory import Directory
from .find import Refused, closest, find_input, find_output
from .shown_values import shown_values

T = TypeVar("T")
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One workflow of a call. `directory` is asked for only where an address is looked up."""

    name: str
    ports: Ports
    prompt: Prompt
    info: ObjectInfo
    directory: Callable[[], Directory]


def resolve_call(
    parts: Sequence[Part],
    given: Iterable[str],
    asked: Sequence[str] | None,
    rules: Mapping[str, str],
) -> list[CallPorts]:
    """What is asked of each workflow, in their order.

    Args:
        given: the names of the inputs. One that names nothing is no address, and left out.
        asked: the outputs that are asked for; None: those that the workflows have, or show.
        rules: ComfyUI type -> "val" or "ref".

    Raises:
        WorkflowError: names a node that has no such input or output, or is muted; several nodes;
            or one input twice.
    """
    problems: list[Problem] = []
    known = {uid for part in parts for uid in _names_of_ports(part.ports)}
    names = [name for name in given if "." in name and name not in known]
    inputs = _resolve(parts, names, find_input, problems)
    wanted = [n for n in dict.fromkeys(asked or ()) if not any(n in p.ports.outputs for p in parts)]
    outputs = _resolve(parts, wanted, find_output, problems)
    problems += [_unknown_output(n, parts) for n in wanted if not _is_named(n, parts)]
    for part, of_part in zip(parts, inputs, strict=True):
        problems += _named_twice(part, of_part)
    if problems:
        raise WorkflowError("These addresses can't be used:", list(dict.fromkeys(problems)))
    calls = [CallPorts(i, o) for i, o in zip(inputs, outputs, strict=True)]
    return calls if asked is not None else _with_shown(parts, calls, rules)


def find_meant(parts: Sequence[Part], name: str) -> str | None:
    """The address that is most like a name which names nothing."""
    return next(filter(None, (closest(part.directory(), name) for part in parts)), None)


def is_address(parts: Sequence[Part], name: str) -> bool:
    """Whether a name that is no port's names an input of a node."""
    if "." not in name or any(name in _names_of_ports(part.ports) for part in parts):
        return False
    return any(isinstance(find_input(part.directory(), name), tuple) for part in parts)


def _names_of_ports(ports: Ports) -> set[str]:
    return {*ports.inputs, *ports.outputs, *ports.passthrus}


def _resolve(
    parts: Sequence[Part],
    names: Iterable[str],
    find: Callable[[Directory, str], T | Refused | None],
    problems: list[Problem],
) -> list[dict[str, T]]:
    """For each workflow what the names name in it. What none has joins the problems, and so does
    what one of them has more than once.
    """
    resolved: list[dict[str, T]] = [{} for _ in parts]
    for name in names:
        lacking: list[Problem] = []
        is_found = False
        for part, of_part in zip(parts, resolved, strict=True):
            found = find(part.directory(), name)
            if isinstance(found, Refused):
                (lacking if found.is_lacking else problems).extend(found.problems)
            elif found is not None:
                of_part[name] = found
                is_found = True
        if not is_found:
            problems += lacking
    return resolved


def _named_twice(part: Part, inputs: Mapping[str, Iterable[T]]) -> list[Problem]:
    """A problem for each input that two addresses name."""
    names: dict[T, list[str]] = {}
    for name, uses in inputs.items():
        for use in uses:
            names.setdefault(use, []).append(name)
    return [
        Problem(f"{' and '.join(map(repr, n))} are the same input in {part.name}; give one of them")
        for n in dict.fromkeys(tuple(n) for n in names.values() if len(n) > 1)
    ]


def _is_named(output: str, parts: Sequence[Part]) -> bool:
    return any(find_output(part.directory(), output) is not None for part in parts)


def _unknown_output(name: str, parts: Sequence[Part]) -> Problem:
    known = []
    for part in parts:
        directory = part.directory()
        known += part.ports.outputs
        known += [
            f"{node.title}.{names[0]}"
            for node in directory.nodes
            for names, _ in node.outputs
            if names and not node.idle
        ]
    listed = ", ".join(map(repr, known[:_LISTED])) or "nothing"
    return Problem(f"no workflow of this run has {name!r}. What could be asked for: {listed}")


def _with_shown(
    parts: Sequence[Part], calls: Sequence[CallPorts], rules: Mapping[str, str]
) -> list[CallPorts]:
    """With what output nodes show, where a workflow has no OUTPUT of its own.

    A name that another workflow of the call has too gets its workflow's beside it.
    """
    shown = [{} if part.ports.outputs else _shown(part, rules) for part in parts]
    # The same workflow twice has each name once: its last value counts, as with ports.
    owners = {
        (p.name, n) for p, s in zip(parts, shown, strict=True) for n in (*s, *p.ports.outputs)
    }
    count = Counter(name for _, name in owners)
    return [
        replace(
            call,
            outputs={
                (name if count[name] == 1 else f"{name} ({part.name})"): source
                for name, source in of_part.items()
            },
        )
        for part, call, of_part in zip(parts, calls, shown, strict=True)
    ]


def _shown(part: Part, rules: Mapping[str, str]) -> dict[str, Source]:
    return {s.name: s.source for s in shown_values(part.prompt, part.info, rules)}
