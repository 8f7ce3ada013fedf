"""Finds the markers of a workflow, and makes ports of those that can be.

A DiscomfortPort wins over a marker of its name; what two markers claim, or what is odd, is no port:
a marker never refuses a workflow that runs without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...errors import WorkflowError
from ..addresses.call_ports import CallPorts, ports_with, put_in
from ..addresses.directory import Directory
from ..node_classes.input_specs import MISSING
from ..node_classes.object_info import ObjectInfo
from ..ports.connections import Use
from ..ports.find_ports import Default, Ports
from ..ports.literals import unwrapped
from ..ports.native_loops import START, refuse_outputs_in_loops
from ..prompt import Prompt, PromptNode, Source, link_source
from ..workflow.model import PORT_TYPE, Workflow
from .app_mode import app_markers
from .classes import INPUTS, OUTPUTS
from .model import Marker, Markers
from .nodes import NOTHING, node_markers
from .titles import title_markers

_PREFIX = "discomfort-marker-"
_LONGEST = 200


def may_have_markers(prompt: Prompt, workflow: Workflow | None) -> bool:
    """Whether it is worth looking; cheap."""
    if workflow is not None:
        extra = workflow.data.get("extra")
        if isinstance(extra, Mapping) and isinstance(extra.get("linearData"), Mapping):
            return True
        if any("$" in node.title for graph in workflow.graphs() for node in graph.nodes):
            return True
    return any(
        node["class_type"] in INPUTS or node["class_type"] in OUTPUTS or "$" in _title(node)
        for node in prompt.values()
    )


def find_markers(
    directory: Directory,
    ports: Ports,
    workflow: Workflow | None,
    stood_for: Mapping[str, PromptNode] = NOTHING,
) -> Markers:
    """The markers of a workflow.

    Args:
        directory: of the prompt without them.
        ports: its DiscomfortPorts.
        stood_for: as of `node_markers`.
    """
    found: list[Marker] = []
    if workflow is not None:
        found += app_markers(workflow, directory)
    found += title_markers(directory)
    found += node_markers(directory, stood_for)
    is_in_loop = _loop_check(directory.prompt, ports, directory.info)
    names = {*ports.inputs, *ports.outputs, *ports.passthrus}
    kept: list[Marker] = []
    refused: list[Marker] = []
    claimed: dict[Use, Marker] = {}
    # The inputs first: an output that shows what one of them gives is none.
    for marker in sorted(_told_apart(found), key=lambda marker: not marker.is_input):
        other = next((claimed[use] for use in marker.uses if use in claimed), None)
        reason = marker.reason or _why_not(marker, names, directory)
        if not reason and other is not None:
            if marker.is_input and other.name == marker.name and {*other.uses} == {*marker.uses}:
                continue  # two tools say the same
            what = "it is the same input as" if marker.is_input else "what it shows is the input"
            reason = f"{what} {other.name!r} of {other.tool}"
        if not reason and not marker.is_input and is_in_loop(marker):
            reason = "it stands inside a loop, where ComfyUI takes no outputs from"
        if reason:
            refused.append(replace(marker, reason=reason))
            continue
        if marker.is_input:
            claimed.update(dict.fromkeys(marker.uses, marker))
        kept.append(marker)
    call = CallPorts(
        {m.name: m.uses for m in kept if m.is_input},
        {m.name: m.source for m in kept if m.source is not None},
        _PREFIX,
    )
    return Markers(tuple(kept), tuple(refused), call)


def with_marker_ports(
    ports: Ports,
    markers: Markers,
    prompt: Prompt,
    info: ObjectInfo,
    under: Mapping[tuple[str, str], Any],
) -> Ports:
    """The ports of a workflow with those of its markers. An input has, while it is given nothing,
    whatever the file has.

    Args:
        prompt: without the markers' ports.
        under: what the widgets have that ports feed.
    """
    made = ports_with(ports, markers.call, prompt, info, under)
    inputs = dict(made.inputs)
    outputs = dict(made.outputs)
    for marker in markers.ports:
        if not marker.is_input:
            port = outputs[marker.name]
            outputs[marker.name] = replace(port, place=marker.place, is_for_call=False)
            continue
        port = made.inputs[marker.name][0]
        had = {use: prompt[use.node_id]["inputs"].get(use.input_name, MISSING) for use in port.uses}
        first = next(iter(had.values()))
        is_plain = first is not MISSING and link_source(first) is None
        value = unwrapped(first) if is_plain else marker.value
        default = Default(value, had)
        made_port = replace(port, default=default, place=marker.place, is_for_call=False)
        inputs[marker.name] = (made_port,)
    return replace(made, inputs=inputs, outputs=outputs)


def _told_apart(found: Iterable[Marker]) -> Iterator[Marker]:
    """The markers; those of one name at different places are none."""
    found = list(found)
    places: dict[tuple[bool, str], set[Any]] = {}
    for marker in found:
        if not marker.reason:
            place = frozenset(marker.uses) if marker.is_input else marker.source
            places.setdefault((marker.is_input, marker.name), set()).add(place)
    seen: Counter[tuple[bool, str]] = Counter()
    for marker in found:
        key = marker.is_input, marker.name
        if not marker.reason and len(places[key]) > 1:
            yield replace(marker, reason="several markers have this name; rename them")
        elif not marker.reason and not marker.is_input and seen[key]:
            continue
        else:
            yield marker
        seen[key] += not marker.reason


def _why_not(marker: Marker, names: set[str], directory: Directory) -> str:
    """Why a marker by itself is no port; "" where it is one."""
    if not marker.name.strip():
        return "it has no name"
    if len(marker.name) > _LONGEST:
        return f"its name has more than {_LONGEST} characters"
    if marker.name in names:
        return "a DiscomfortPort has this name"
    if any(_is_of_port(directory, directory.value(use)) for use in marker.uses):
        return "a DiscomfortPort feeds it already"
    source = marker.source
    if source is not None and _is_port(directory, source):
        return "what it shows comes from a DiscomfortPort"
    return ""


def _is_of_port(directory: Directory, value: Any) -> bool:
    source = link_source(value)
    return source is not None and _is_port(directory, source)


def _is_port(directory: Directory, source: Source) -> bool:
    node = directory.prompt.get(source.node_id)
    return node is not None and node["class_type"] == PORT_TYPE


def _loop_check(prompt: Prompt, ports: Ports, info: ObjectInfo) -> Callable[[Marker], bool]:
    """Whether an output stands in a loop of ComfyUI's own."""
    if not any(node["class_type"] == START for node in prompt.values()):
        return lambda marker: False

    def is_in_loop(marker: Marker) -> bool:
        assert marker.source is not None
        call = CallPorts({}, {marker.name: marker.source}, _PREFIX)
        from_marker = ports_with(replace(ports, outputs={}), call, prompt, info, {})
        try:
            refuse_outputs_in_loops(put_in(prompt, call), from_marker, "")
        except WorkflowError:
            return True
        return False

    return is_in_loop


def _title(node: Mapping[str, Any]) -> str:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) else ""
