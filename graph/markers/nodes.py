"""Input and output nodes of packs, as the table in `classes.py` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..addresses.directory import Directory, NamedNode
from ..addresses.shown_values import shown_inputs
from ..ports.connections import Use
from ..ports.literals import unwrapped
from ..prompt import PromptNode, Source, link_source, links_of
from ..workflow.model import PORT_TYPE
from .classes import COMFY_PACK, IDENTIFIER, INPUTS, OUTPUTS, TITLE, InputClass
from .model import Details, Marker
from .stand_ins import STAND_IN_INPUT

NOTHING: Mapping[Any, Any] = MappingProxyType({})
_NO_LIMIT = 1 << 62  # what packs write for "as large as you like"


def node_markers(
    directory: Directory, stood_for: Mapping[str, PromptNode] = NOTHING
) -> Iterator[Marker]:
    """What the input and output nodes in a workflow are.

    Args:
        stood_for: the nodes that others stand in for, since the server lacks their pack.
    """
    fed: dict[Source, list[Use]] | None = None
    taken: dict[bool, set[str]] = {True: set(), False: set()}
    for node in directory.nodes:
        if node.id in stood_for:
            yield _numbered(_stood_for(node, stood_for[node.id], directory), node, taken[True])
            continue
        rows = INPUTS.get(node.class_type, ())
        if rows and fed is None:
            fed = _fed(directory)
        for row in rows:
            found = _input(node, row, directory, fed or {})
            yield _numbered(found, node, taken[True])
        if node.class_type in OUTPUTS:
            yield _numbered(_output(node, directory), node, taken[False])


def _stood_for(node: NamedNode, original: PromptNode, directory: Directory) -> Marker:
    """The marker that a node stands in for: named and limited by it, and fed in its place."""
    kind = original["class_type"]
    prompt = {**directory.prompt, node.id: original}
    found = _input(
        replace(node, class_type=kind), INPUTS[kind][0], replace(directory, prompt=prompt), NOTHING
    )
    return replace(found, place=node.problem(""), uses=(Use(node.id, STAND_IN_INPUT),))


def _fed(directory: Directory) -> dict[Source, list[Use]]:
    """Source -> the inputs that are linked to it."""
    found: dict[Source, list[Use]] = {}
    for node_id, node in directory.prompt.items():
        for name, source in links_of(node):
            found.setdefault(source, []).append(Use(node_id, name))
    return found


def _input(
    node: NamedNode, row: InputClass, directory: Directory, fed: Mapping[Source, list[Use]]
) -> Marker:
    values = _values(node, directory)
    uses = fed.get(Source(node.id, row.slot), []) if not row.value else [Use(node.id, row.value)]
    name = _name(node, row.name, row.suffix, directory)
    limits = [_number(values.get(key)) for key in row.limits]
    shown = values.get(row.value or row.shown)
    value = _read(shown, values.get("type")) if node.class_type == "ETN_Parameter" else shown
    if node.class_type == "ETN_Parameter" and "number" not in str(values.get("type")):
        limits = [None, None, None]
    details = Details(*limits, choices=_choices(values.get(row.choices)))
    reason = _why_not(node, row, directory, uses)
    place = node.problem("")
    return Marker(
        name, row.tool, True, place, tuple(uses), details=details, value=value, reason=reason
    )


def _why_not(node: NamedNode, row: InputClass, directory: Directory, uses: list[Use]) -> str:
    if node.idle:
        return f"its node is {node.idle}"
    if row.needs:
        return row.needs
    if not uses:
        return "it feeds nothing"
    if any(directory.prompt[use.node_id]["class_type"] == PORT_TYPE for use in uses):
        return "it feeds a DiscomfortPort"
    return ""


def _output(node: NamedNode, directory: Directory) -> Marker:
    row = OUTPUTS[node.class_type]
    name = _name(node, row.name, "", directory)
    place = node.problem("")
    if node.idle:
        return Marker(name, row.tool, False, place, reason=f"its node is {node.idle}")
    shown = [] if node.id not in directory.prompt else _shown(node, directory)
    if len(shown) != 1:
        count = "several values" if shown else "no value that is linked to it"
        return Marker(name, row.tool, False, place, reason=f"its node shows {count}")
    at = (Use(node.id, shown[0][0]),)
    return Marker(name, row.tool, False, place, at, shown[0][1])


def _shown(node: NamedNode, directory: Directory) -> list[tuple[str, Source]]:
    found = shown_inputs(directory.prompt, directory.info, node.id)
    return found or list(links_of(directory.prompt[node.id]))


def _values(node: NamedNode, directory: Directory) -> dict[str, Any]:
    """The values that a node has itself."""
    inputs = directory.prompt[node.id]["inputs"] if node.id in directory.prompt else {}
    return {k: unwrapped(v) for k, v in inputs.items() if link_source(v) is None}


def _name(node: NamedNode, rule: str, suffix: str, directory: Directory) -> str:
    if suffix.startswith("="):
        return suffix[1:]
    if rule == IDENTIFIER:
        return _identifier(node, directory)
    values = _values(node, directory)
    raw = values.get("raw_id") if node.class_type.startswith("SwarmInput") else None
    name = raw or (node.title if rule == TITLE else values.get(rule))
    return f"{name.strip()}{suffix}" if isinstance(name, str) else ""


def _identifier(node: NamedNode, directory: Directory) -> str:
    """The name that comfy-pack gives an input or output: its title if that is an identifier, else
    after the input that it feeds, else after the title.
    """
    if node.title.isidentifier() and node.title != node.class_type:
        return node.title
    if node.class_type.startswith("CPackInput"):
        fed = [
            name
            for other in directory.prompt.values()
            for name, source in links_of(other)
            if source == Source(node.id, 0)
        ]
        if fed:
            return _as_identifier(fed[-1])
    return _as_identifier(node.title)


def _as_identifier(text: str) -> str:
    words = re.sub(r"_+", "_", re.sub(r"[^a-zA-Z0-9_]", "_", text)).strip("_").lower()
    return f"_{words}" if words[:1].isdigit() else words


def _numbered(marker: Marker, node: NamedNode, taken: set[str]) -> Marker:
    """comfy-pack tells those of one name apart by their nodes' ids."""
    name = marker.name
    if marker.tool == COMFY_PACK and not marker.reason and name:
        if name in taken:
            name = f"{name}_{node.id}"
        taken.add(name)
    return replace(marker, name=name)


def _number(value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < _NO_LIMIT else None


def _choices(text: Any) -> tuple[str, ...] | None:
    if not isinstance(text, str) or not text.strip():
        return None
    return tuple(part.strip() for part in re.split(r"[,\n]", text) if part.strip())[:1000]


def _read(text: Any, kind: Any) -> Any:
    """What krita's parameter makes of its default."""
    try:
        if kind == "number":
            return float(text)
        if kind == "number (integer)":
            return int(text)
    except (TypeError, ValueError, OverflowError):
        return text
    return text
