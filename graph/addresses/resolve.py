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
from ..node_classes.core_nodes import CUSTOM_COMBO
from ..node_classes.object_info import ObjectInfo
from ..ports.connections import Use
from ..ports.find_ports import Ports
from ..prompt import Prompt, Source
from .call_ports import CallPorts, put_in
from .directory import Directory, title_of
from .find import Refused, closest, find_input, find_output
from .shown_values import names_of_outputs, shown_values

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
    problems += _without_number(parts, inputs)
    wanted = [n for n in dict.fromkeys(asked or ()) if not any(n in p.ports.outputs for p in parts)]
    # What a node shows may be what is given to it.
    given_to = [_with_given(part, i) for part, i in zip(parts, inputs, strict=True)]
    outputs = _resolve(given_to, wanted, find_output, problems)
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


def _with_given(part: Part, inputs: Mapping[str, tuple[Use, ...]]) -> Part:
    """A workflow as it is with what is given to its nodes."""
    if not inputs:
        return part
    prompt = put_in(part.prompt, CallPorts(inputs))
    return replace(part, directory=lambda: replace(part.directory(), prompt=prompt))


def _without_number(
    parts: Sequence[Part], inputs: Sequence[Mapping[str, tuple[Use, ...]]]
) -> list[Problem]:
    """A problem for each choice of a CustomCombo that is given without its number, which the page
    finds: front end 1.58.1 sends both.
    """
    problems = []
    for part, of_part in zip(parts, inputs, strict=True):
        taken = {use for uses in of_part.values() for use in uses}
        for node_id, name in taken:
            node = part.prompt[node_id]
            is_choice = node["class_type"] == CUSTOM_COMBO and name == "choice"
            if is_choice and "index" in node["inputs"] and Use(node_id, "index") not in taken:
                reason = (
                    f"its choice goes with its number: give '{node_id}.index' too, 0 for the first "
                    "option"
                )
                title = title_of(part.prompt, node_id)
                problems.append(Problem(reason, node_id, CUSTOM_COMBO, title))
    return problems


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
    listed = list_of_asked(parts)
    return Problem(f"no workflow of this run has {name!r}. What could be asked for: {listed}")


def _with_shown(
    parts: Sequence[Part], calls: Sequence[CallPorts], rules: Mapping[str, str]
) -> list[CallPorts]:
    """With what output nodes show, where a workflow has no OUTPUT of its own."""
    return [
        call if part.ports.outputs else replace(call, outputs=_shown(part, call, of_part, rules))
        for part, call, of_part in zip(parts, calls, names_of_nodes(parts), strict=True)
    ]


def names_of_nodes(parts: Sequence[Part]) -> list[dict[str, str]]:
    """For each workflow of a call: node id -> the name of an output node in the results.

    A name that another workflow of the call has too gets its workflow's beside it. The same
    workflow twice has each name once: its last value counts, as with ports.
    """
    names = [names_of_outputs(part.prompt, part.info) for part in parts]
    owners = {
        (part.name, name)
        for part, of_part in zip(parts, names, strict=True)
        for name in (*of_part.values(), *part.ports.outputs)
    }
    count = Counter(name for _, name in owners)
    return [
        {i: n if count[n] == 1 else f"{n} ({part.name})" for i, n in of_part.items()}
        for part, of_part in zip(parts, names, strict=True)
    ]


def _shown(
    part: Part, call: CallPorts, names: Mapping[str, str], rules: Mapping[str, str]
) -> dict[str, Source]:
    prompt = put_in(part.prompt, call)  # with what is given to the output nodes themselves
    return {s.name: s.source for s in shown_values(prompt, part.info, names, rules)}


def what_can_be_asked(parts: Sequence[Part]) -> list[str]:
    """The names that `outputs=[...]` could have: the OUTPUT ports, then outputs of nodes."""
    known: dict[str, None] = {}
    for part in parts:
        known |= dict.fromkeys(part.ports.outputs)
        for node in part.directory().nodes:
            for names, _ in () if node.idle else node.outputs:
                known |= dict.fromkeys(f"{node.title}.{name}" for name in names[:1])
    return list(known)


def list_of_asked(parts: Sequence[Part]) -> str:
    """`what_can_be_asked` as a text, of which the first are named."""
    known = what_can_be_asked(parts)
    more = f", ... ({len(known)} in all)" if len(known) > _LISTED else ""
    return (", ".join(map(repr, known[:_LISTED])) or "nothing") + more
