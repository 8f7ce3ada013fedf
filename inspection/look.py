"""A prepared workflow becomes an `Inspection`. Pure: reading and asking is done by `inspect.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..graph.addresses.directory import Directory, NamedNode
from ..graph.addresses.find import find_input, find_output
from ..graph.addresses.shown_values import names_of_outputs, shown_values, source_type
from ..graph.markers.model import Marker
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.plan.list_outputs import Lists, is_list
from ..graph.ports.connections import Use
from ..graph.ports.find_ports import Port, Ports
from ..graph.ports.literals import unwrapped
from ..graph.ports.port_types import ANY, more_specific, type_name
from ..graph.prompt import Prompt, Source, link_source
from ..workflows.prepare import Prepared
from .inspection import Inspection
from .kinds import Kinds
from .model import (
    AddressedInput,
    AddressedOutput,
    InspectedPort,
    Limits,
    NoPort,
    Shown,
)

_OURS = "DiscomfortPort"
_VERIFIED = 400  # nodes; in a larger workflow every address begins with the node's id


def look_at(
    prepared: Prepared, directory: Directory, notes: Iterable[str], problems: Iterable[str] = ()
) -> Inspection:
    """All that can be told of a workflow.

    Args:
        directory: of the prompt without the ports of markers.
    """
    kinds = Kinds(directory.prompt, directory.info)
    names = names_of_outputs(directory.prompt, directory.info)
    namer = _Namer(directory)
    return Inspection(
        prepared.name,
        tuple(notes),
        tuple(problems),
        ports=tuple(_ports(prepared, directory, kinds)),
        no_ports=tuple(_no_port(marker) for marker in prepared.markers.refused),
        inputs=tuple(_inputs(directory, namer, kinds)),
        outputs=tuple(_outputs(directory, namer)),
        shown=tuple(
            Shown(
                s.name,
                s.node_id,
                source_type(directory.prompt, directory.info, s.source),
                _is_list(directory.prompt, s.source, directory.info),
            )
            for s in shown_values(directory.prompt, directory.info, names, {})
        ),
    )


def _is_list(prompt: Prompt, source: Source | None, info: ObjectInfo) -> bool:
    """Whether an output gives a ComfyUI list, as far as the classes say."""

    def lists_of(class_type: str, _: Mapping[str, Any]) -> Lists:
        found = info.raw.get(class_type)
        found = found if isinstance(found, Mapping) else {}
        gives = found.get("output_is_list")
        return Lists(
            bool(found.get("is_input_list")), gives if isinstance(gives, (list, tuple)) else ()
        )

    return source is not None and is_list(prompt, list(source), lists_of)


class _Namer:
    """Gives the address of an input or output: by its node's title where that says it, else by
    its id.
    """

    def __init__(self, directory: Directory):
        self._directory = directory
        self._titles = Counter(node.title for node in directory.nodes)
        self._is_small = len(directory.nodes) <= _VERIFIED

    def of_input(self, node: NamedNode, name: str, uses: tuple[Use, ...]) -> str:
        title = f"{node.title}.{name}"
        if self._may_use(node) and find_input(self._directory, title) == uses:
            return title
        return f"{node.id}.{name}"

    def of_output(self, node: NamedNode, name: str, source: Any) -> str:
        title = f"{node.title}.{name}"
        if self._may_use(node) and find_output(self._directory, title) == source:
            return title
        return f"{node.id}.{name}"

    def _may_use(self, node: NamedNode) -> bool:
        return self._is_small and self._titles[node.title] == 1 and "\n" not in node.title


def _ports(prepared: Prepared, directory: Directory, kinds: Kinds) -> Iterator[InspectedPort]:
    ports = prepared.ports
    markers = {(m.is_input, m.name): m for m in prepared.markers.ports}
    for name, group in ports.inputs.items():
        yield _input_port(name, group, ports, markers.get((True, name)), directory, kinds)
    for name, port in ports.outputs.items():
        line = _line(name, "output", port.type, (port,), markers.get((False, name)))
        yield replace(line, is_list=_is_list(prepared.prompt, port.source, directory.info))
    for name, group in ports.passthrus.items():
        yield _line(name, "passthru", group[0].type, group, None)


def _input_port(
    name: str,
    group: tuple[Port, ...],
    ports: Ports,
    marker: Marker | None,
    directory: Directory,
    kinds: Kinds,
) -> InspectedPort:
    uses = [use for port in group for use in port.uses if use.node_id in directory.prompt]
    default = ports.default(name)
    limits = _limits(uses, directory)
    if marker is not None:
        own = marker.details
        limits = Limits(
            limits.minimum if own.minimum is None else own.minimum,
            limits.maximum if own.maximum is None else own.maximum,
            limits.step if own.step is None else own.step,
            limits.choices if own.choices is None else own.choices,
        )
    line = _line(name, "input", ports.input_type(name), group, marker)
    return InspectedPort(
        line.name,
        line.mode,
        line.type,
        line.source,
        line.node_ids,
        line.titles,
        default=default.value if default is not None else None,
        has_default=default is not None,
        needs_value=default is None,
        limits=limits,
        tags=line.tags,
        kind=kinds.of(uses),
    )


def _line(
    name: str, mode: str, kind: str, group: tuple[Port, ...], marker: Marker | None
) -> InspectedPort:
    places = [port.place or port for port in group]
    return InspectedPort(
        name,
        mode,
        kind,
        marker.tool if marker is not None else _OURS,
        tuple(place.node_id or "" for place in places),
        tuple(place.title or "" for place in places),
        tags=tuple(dict.fromkeys(tag for port in group for tag in port.tags)),
    )


def _no_port(marker: Marker) -> NoPort:
    place = marker.place
    mode = "input" if marker.is_input else "output"
    return NoPort(
        marker.name, mode, marker.tool, place.node_id or "", place.title or "", marker.reason
    )


def _inputs(directory: Directory, namer: _Namer, kinds: Kinds) -> Iterator[AddressedInput]:
    """The inputs: those of subgraphs' instances first, then what is not one of theirs."""
    outside = [node for node in directory.nodes if not node.is_node]
    seen: set[Use] = set()
    for node in sorted(outside, key=lambda node: node.id.count(":")):
        for name, uses in node.inputs.items():
            if uses and not seen.issuperset(uses):
                seen.update(uses)
                yield _one_input(node, name, uses, directory, namer, kinds)
    for node in directory.nodes:
        if node.is_node:
            for name, uses in node.inputs.items():
                if not seen.issuperset(uses):
                    yield _one_input(node, name, uses, directory, namer, kinds)


def _one_input(
    node: NamedNode,
    name: str,
    uses: tuple[Use, ...],
    directory: Directory,
    namer: _Namer,
    kinds: Kinds,
) -> AddressedInput:
    called = next((label for label, own in node.labels.items() if own == name), name)
    if directory.uses(node, called) != uses:
        called = name
    values = [directory.value(use) for use in uses]
    is_linked = link_source(values[0]) is not None
    return AddressedInput(
        namer.of_input(node, called, uses),
        node.id,
        node.title,
        node.class_type,
        called,
        _type_of(uses, directory),
        value=None if is_linked else unwrapped(values[0]),
        is_linked=is_linked,
        is_widget=any(_is_widget(use, directory) for use in uses),
        limits=_limits(uses, directory),
        kind=kinds.of(uses),
    )


def _outputs(directory: Directory, namer: _Namer) -> Iterator[AddressedOutput]:
    for node in directory.nodes:
        names = [found[0] if found else str(slot) for slot, (found, _) in enumerate(node.outputs)]
        for slot, (_, source) in enumerate(node.outputs):
            name = names[slot] if names.count(names[slot]) == 1 else str(slot)
            yield AddressedOutput(
                namer.of_output(node, name, source),
                node.id,
                node.title,
                node.class_type,
                source_type(directory.prompt, directory.info, source),
            )


def _spec(use: Use, directory: Directory) -> tuple[str, Mapping[str, Any]] | None:
    return directory.info.input_spec(directory.prompt[use.node_id]["class_type"], use.input_name)


def _is_widget(use: Use, directory: Directory) -> bool:
    spec = directory.info.spec(directory.prompt[use.node_id]["class_type"])
    if spec is not None and use.input_name in spec.by_name:
        return True
    value = directory.value(use)
    return value is not None and link_source(value) is None


def _type_of(uses: Iterable[Use], directory: Directory) -> str:
    kind = ANY
    for use in uses:
        spec = _spec(use, directory)
        kind = more_specific(kind, type_name(spec[0]) if spec is not None else ANY)
    return kind


def _limits(uses: Iterable[Use], directory: Directory) -> Limits:
    """What all of some inputs take."""
    specs = [spec for use in uses if (spec := _spec(use, directory)) is not None]
    least, most, steps = ([s[1][k] for s in specs if _has(s[1], k)] for k in ("min", "max", "step"))
    lists = [s[1]["options"] for s in specs if isinstance(s[1].get("options"), list)]
    return Limits(
        max(least, default=None),
        min(most, default=None),
        steps[0] if steps else None,
        tuple(_choice(choice) for choice in lists[0]) if lists else None,
    )


def _choice(choice: Any) -> Any:
    """A choice; of a dynamic dropdown, which brings inputs with it, its name."""
    return choice.get("key") if isinstance(choice, Mapping) else choice


def _has(options: Mapping[str, Any], key: str) -> bool:
    value = options.get(key)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
