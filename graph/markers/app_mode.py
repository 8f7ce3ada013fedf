"""App mode: which widgets and output nodes `extra.linearData` of a workflow shows.

`{"inputs": [[node, widget], [node, widget, {...}]], "outputs": [node]}`; a node is its id,
`"graph:node:widget"`, or `"instance:node"` inside a subgraph.
Source: front end 1.58.1, its schema of a workflow and `appModeStore`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..addresses.directory import Directory, NamedNode
from ..addresses.shown_values import names_of_outputs, shown_inputs
from ..node_classes.core_nodes import UUID
from ..ports.connections import Use
from ..workflow.model import Workflow
from .model import APP_MODE, Marker

_MOST = 200  # entries that are looked at; the editor shows no such app


def app_markers(workflow: Workflow, directory: Directory) -> Iterator[Marker]:
    """What the app of a workflow has."""
    extra = workflow.data.get("extra")
    data = extra.get("linearData") if isinstance(extra, Mapping) else None
    if not isinstance(data, Mapping):
        return
    inputs, outputs = data.get("inputs"), data.get("outputs")
    found = [
        _input(entry, directory) for entry in (inputs[:_MOST] if isinstance(inputs, list) else ())
    ]
    yield from _told_apart(found, directory)
    names = names_of_outputs(directory.prompt, directory.info)
    for entry in outputs[:_MOST] if isinstance(outputs, list) else ():
        yield _output(entry, directory, names)


def _input(entry: Any, directory: Directory) -> Marker:
    if not isinstance(entry, list) or len(entry) < 2 or not _is_id(entry[0]):
        return _odd(str(entry)[:80], True, "the app's entry is no node and widget")
    if not isinstance(entry[1], str):
        return _odd(str(entry)[:80], True, "the app's entry is no node and widget")
    node_id, name = _split(str(entry[0])), entry[1]
    node = _node(directory, node_id)
    if node is None:
        return _inner(directory, node_id, name)
    if node.idle:
        return _odd(name, True, f"its node is {node.idle}", node.problem(""))
    uses = directory.uses(node, name)
    if not uses:
        return _odd(name, True, f"the node has no input {name!r}", node.problem(""))
    label = next((label for label, own in node.labels.items() if own == name), name)
    return Marker(label, APP_MODE, True, node.problem(""), uses)


def _inner(directory: Directory, node_id: str, name: str) -> Marker:
    """A widget of a node in a subgraph, by that node's own id, as older front ends wrote it."""
    inner = [n for n in directory.nodes if n.is_node and n.id.rpartition(":")[2] == node_id]
    found = [n for n in inner if Use(n.id, name) in directory.uses(n, name)]
    if len(found) == 1:
        return Marker(name, APP_MODE, True, found[0].problem(""), (Use(found[0].id, name),))
    reason = "several nodes in subgraphs may be meant" if found else "no node that runs has it"
    return _odd(name, True, f"{reason} (node {node_id})")


def _told_apart(found: list[Marker], directory: Directory) -> Iterator[Marker]:
    """Those of one name are no ports; each says under which address it can be had."""
    count = Counter(m.name for m in found if not m.reason)
    titles = Counter(node.title for node in directory.nodes if not node.idle)
    for marker in found:
        if marker.reason or count[marker.name] == 1:
            yield marker
            continue
        place = marker.place
        own = place.title if titles[place.title or ""] == 1 else place.node_id
        name = marker.uses[0].input_name if len(marker.uses) == 1 else marker.name
        reason = (
            f"{count[marker.name]} inputs of the app have this name; this one is "
            f"{f'{own}.{name}'!r}"
        )
        yield Marker(marker.name, APP_MODE, True, place, marker.uses, reason=reason)


def _output(entry: Any, directory: Directory, names: Mapping[str, str]) -> Marker:
    if not _is_id(entry):
        return _odd(str(entry)[:80], False, "the app's entry is no node")
    node = _node(directory, _split(str(entry)))
    if node is None:
        return _odd(str(entry), False, "there is no such node")
    name = names.get(node.id, node.title)
    if node.idle:
        return _odd(name, False, f"its node is {node.idle}", node.problem(""))
    shown = shown_inputs(directory.prompt, directory.info, node.id) if node.id in names else []
    if len(shown) != 1:
        count = "several values" if shown else "no value that is linked to it"
        return _odd(name, False, f"its node shows {count}", node.problem(""))
    at = (Use(node.id, shown[0][0]),)
    return Marker(name, APP_MODE, False, node.problem(""), at, shown[0][1])


def _odd(name: str, is_input: bool, reason: str, place: Problem | None = None) -> Marker:
    return Marker(name, APP_MODE, is_input, place or Problem(""), reason=reason)


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _split(node_id: str) -> str:
    """The node of `"graph:node:widget"`; any other id as it is."""
    graph, _, rest = node_id.partition(":")
    if rest and UUID.fullmatch(graph):
        found = re.match(r"-?\d+(?=:)", rest)
        return found.group() if found else rest.partition(":")[0]
    return node_id


def _node(directory: Directory, node_id: str) -> NamedNode | None:
    return next((node for node in directory.nodes if node.id == node_id), None)
