"""What `inspect` says of workflows becomes the shape of a function. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..graph.ports.port_types import more_specific
from ..inspection.inspection import Inspection
from ..inspection.model import InspectedPort, Limits
from ..run.results import Results
from .identifiers import find_identifiers, to_identifier
from .shape import Parameter, Result, Shape

# What the results have already: an attribute of that name would never be the value. And what stubs
# write in the class of results.
TAKEN_BY_RESULTS = frozenset({*dir(Results), "property", "_d", "_f", "_sync", "_t"})


class _Output(NamedTuple):
    name: str
    type: str
    is_list: bool
    tags: tuple[str, ...]
    is_port: bool


def read_shape(inspections: Sequence[Inspection]) -> Shape:
    """The function that runs these workflows in turn."""
    inputs = _inputs(inspections)
    outputs = _outputs(inspections)
    arguments = find_identifiers(inputs)
    attributes = find_identifiers(outputs, TAKEN_BY_RESULTS)
    parameters = [_parameter(arguments[name], group) for name, group in inputs.items()]
    return Shape(
        function_name(inspections[0].name) if len(inspections) == 1 else "workflows",
        ", ".join(i.name for i in inspections),
        tuple(sorted(parameters, key=lambda parameter: parameter.has_default)),
        tuple(
            Result(o.name, attributes[o.name], o.type, o.is_list, o.tags) for o in outputs.values()
        ),
        tuple(dict.fromkeys(note for i in inspections for note in i.notes)),
        tuple(problem for i in inspections for problem in i.problems),
    )


def function_name(file_name: str) -> str:
    """What the function of a file is called: "Sharpen a picture.json" -> "Sharpen_a_picture"."""
    stem = file_name.rpartition(".")[0] or file_name
    name = to_identifier(stem, "workflow")
    return f"workflow{name}" if name.startswith("_") else name


def _inputs(inspections: Iterable[Inspection]) -> dict[str, list[InspectedPort]]:
    """The inputs by name, without those that an earlier workflow makes."""
    found: dict[str, list[InspectedPort]] = {}
    made: set[str] = set()
    for inspection in inspections:
        for port in inspection.ports:
            if port.mode == "input" and port.name not in made:
                found.setdefault(port.name, []).append(port)
        made |= {port.name for port in inspection.ports if port.mode == "output"}
    return found


def _parameter(identifier: str, group: Sequence[InspectedPort]) -> Parameter:
    """The parameter of all ports of one name: the first says what it is."""
    first, kind = group[0], group[0].type
    for port in group[1:]:
        kind = more_specific(kind, port.type)
    has_default = not any(port.needs_value for port in group)
    return Parameter(
        first.name,
        identifier,
        kind,
        has_default,
        first.default if has_default else None,
        next((port.limits for port in group if port.limits != Limits()), first.limits),
        tuple(dict.fromkeys(tag for port in group for tag in port.tags)),
    )


def _outputs(inspections: Sequence[Inspection]) -> dict[str, _Output]:
    """The outputs by name; the last of a name counts. What nodes show has its file beside it where
    another has that name, too.
    """
    found = [(i.name, output) for i in inspections for output in _outputs_of(i)]
    count = Counter(name for _, name in {(file, output.name) for file, output in found})
    outputs: dict[str, _Output] = {}
    for file, output in found:
        is_alone = output.is_port or count[output.name] == 1
        name = output.name if is_alone else f"{output.name} ({file})"
        outputs[name] = output._replace(name=name)
    return outputs


def _outputs_of(inspection: Inspection) -> Iterator[_Output]:
    ports = [port for port in inspection.ports if port.mode == "output"]
    if ports:
        yield from (_Output(p.name, p.type, p.is_list, p.tags, True) for p in ports)
    else:
        yield from (_Output(s.name, s.type, s.is_list, (), False) for s in inspection.shown)
