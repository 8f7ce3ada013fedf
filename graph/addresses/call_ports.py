"""Ports that a workflow has for one call alone: INPUTs at addresses, OUTPUTs for results.

They are put into the prompt as DiscomfortPorts, so that all that holds for ports holds for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ...errors import Problem
from ..node_classes.object_info import ObjectInfo
from ..ports.connections import PORT_INPUT, Use
from ..ports.defaults import with_defaults
from ..ports.find_ports import Port, PortMode, Ports
from ..ports.port_types import ANY, more_specific, type_name
from ..prompt import Prompt, PromptNode, Source, link_source, links_of
from ..workflow.model import PORT_TYPE
from .directory import title_of
from .shown_values import source_type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallPorts:
    """What a call asks of one workflow beside its ports, by the name that it is given or had under.

    Attributes:
        inputs: the inputs of nodes that a value is for.
        outputs: the outputs of nodes that are results.
        prefix: of the ids of its ports, which are the same whatever other ports there are.
    """

    inputs: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Source] = field(default_factory=dict)
    prefix: str = "discomfort-"

    @property
    def taken(self) -> frozenset[Use]:
        return frozenset(use for uses in self.inputs.values() for use in uses)

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs)


def put_in(prompt: Prompt, call: CallPorts, left_out: Collection[str] = ()) -> Prompt:
    """The prompt with the ports of a call; links that they take the place of are gone.

    Args:
        left_out: the inputs whose ports are not put in; the ids of the others are the same.
    """
    made = dict(prompt)
    for node_id, (name, uses) in _by_id(prompt, call.prefix + "in", call.inputs):
        if name in left_out:
            continue
        made[node_id] = _port_node(name)
        for use in uses:
            node = made[use.node_id]
            inputs = {**node["inputs"], use.input_name: [node_id, 0]}
            made[use.node_id] = {**node, "inputs": inputs}
    for node_id, (name, source) in _by_id(prompt, call.prefix + "out", call.outputs):
        made[node_id] = _port_node(name, source)
    return made


def ports_with(
    ports: Ports,
    call: CallPorts,
    prompt: Prompt,
    info: ObjectInfo,
    under: Mapping[tuple[str, str], Any],
) -> Ports:
    """The ports of a workflow with those of a call, which must have other names.

    Args:
        prompt: without the ports of the call.
        under: what the widgets have that ports feed: with fewer to feed, a port's default may be
            another.
    """
    left = with_defaults(_without(ports, call.taken), under)
    inputs = {
        name: (_input_port(name, node_id, uses, prompt, info),)
        for node_id, (name, uses) in _by_id(prompt, call.prefix + "in", call.inputs)
    }
    given = {group[0].node_id: group[0] for group in inputs.values()}
    outputs = {
        name: _shown_input(name, node_id, given[source.node_id], source)
        if source.node_id in given
        else _output_port(name, node_id, source, prompt, info)
        for node_id, (name, source) in _by_id(prompt, call.prefix + "out", call.outputs)
    }
    return replace(left, inputs={**left.inputs, **inputs}, outputs={**left.outputs, **outputs})


def shown_anew(before: Prompt, prompt: Prompt, ports: Ports) -> tuple[Prompt, Ports]:
    """Outputs that other tools' markers are, at nodes that a call gives something to show.

    Args:
        before: without the ports of the call; `prompt` and `ports` have them.
    """
    made, outputs = dict(prompt), dict(ports.outputs)
    for name, port in ports.outputs.items():
        if port.place is None or port.is_for_call or port.place.node_id is None:
            continue
        now = prompt[port.place.node_id]["inputs"]
        for input_name, source in links_of(before[port.place.node_id]):
            given = link_source(now[input_name])
            if source == port.source and given is not None and given != source:
                made[port.node_id] = _port_node(name, given)
                outputs[name] = replace(port, source=given)
    return made, replace(ports, outputs=outputs)


def _by_id(
    prompt: Prompt, kind: str, asked: Mapping[str, T]
) -> Iterator[tuple[str, tuple[str, T]]]:
    """What is asked, each with the id of its port: the same every time, so that ComfyUI's cache
    knows it again.
    """
    for number, item in enumerate(asked.items()):
        yield _free_id(prompt, f"{kind}-{number}"), item


def _free_id(prompt: Prompt, name: str) -> str:
    while name in prompt:
        name += "+"
    return name


def _port_node(name: str, source: Source | None = None) -> PromptNode:
    inputs = {"unique_id": name, "tags": ""}
    linked = {} if source is None else {PORT_INPUT: list(source)}
    return {"class_type": PORT_TYPE, "inputs": {**inputs, **linked}, "_meta": {"title": name}}


def _input_port(
    name: str, node_id: str, uses: tuple[Use, ...], prompt: Prompt, info: ObjectInfo
) -> Port:
    kind = ANY
    for use in uses:
        declared = info.input_spec(prompt[use.node_id]["class_type"], use.input_name)
        kind = more_specific(kind, type_name(declared[0]) if declared else ANY)
    return Port(
        unique_id=name,
        node_id=node_id,
        mode=PortMode.INPUT,
        tags=(),
        input_type=kind,
        output_type=kind,
        source=None,
        uses=uses,
        title=name,
        place=_place(prompt, uses[0].node_id),
        is_for_call=True,
    )


def _output_port(name: str, node_id: str, source: Source, prompt: Prompt, info: ObjectInfo) -> Port:
    return Port(
        unique_id=name,
        node_id=node_id,
        mode=PortMode.OUTPUT,
        tags=(),
        input_type=source_type(prompt, info, source),
        output_type=ANY,
        source=source,
        uses=(),
        title=name,
        place=_place(prompt, source.node_id),
        is_for_call=True,
    )


def _shown_input(name: str, node_id: str, given: Port, source: Source) -> Port:
    """What is given to an output node itself, and comes back as what it shows."""
    return replace(
        given, unique_id=name, node_id=node_id, mode=PortMode.OUTPUT, source=source, uses=()
    )


def _place(prompt: Prompt, node_id: str) -> Problem:
    return Problem("", node_id, prompt[node_id]["class_type"], title_of(prompt, node_id))


def _without(ports: Ports, taken: frozenset[Use]) -> Ports:
    """The ports without the links that a call takes the place of; one that feeds nothing any more
    is not needed.
    """
    if not taken:
        return ports
    gone: set[str] = set()
    kept = {port.node_id: port for port in ports.all()}
    lost = set(taken)
    while lost:
        for node_id, port in list(kept.items()):
            left = tuple(use for use in port.uses if use not in lost)
            if len(left) < len(port.uses):
                kept[node_id] = replace(port, uses=left)
                if not left:
                    gone.add(node_id)
        lost = {Use(node_id, PORT_INPUT) for node_id in gone if kept.pop(node_id, None)}
    return Ports(
        inputs=_groups(ports.inputs, kept),
        outputs=ports.outputs,
        passthrus=_groups(ports.passthrus, kept),
        frozen=tuple(kept[p.node_id] for p in ports.frozen if p.node_id in kept),
    )


def _groups(
    groups: Mapping[str, tuple[Port, ...]], kept: Mapping[str, Port]
) -> dict[str, tuple[Port, ...]]:
    found = {
        name: tuple(kept[port.node_id] for port in group if port.node_id in kept)
        for name, group in groups.items()
    }
    return {name: group for name, group in found.items() if group}
