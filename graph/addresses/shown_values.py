"""What output nodes show or save, as values: the results of a workflow without OUTPUT ports.

A value is taken from the link that feeds the node, before it becomes a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..node_classes.object_info import ObjectInfo
from ..ports.port_types import ANY, more_specific, type_name
from ..prompt import Prompt, Source, links_of
from ..workflow.model import PORT_TYPE
from .directory import title_of

# What steers a node, and is not what it shows.
_STEERING = frozenset({"BOOLEAN", "VHS_BATCHMANAGER"})


class Shown(NamedTuple):
    """A value that an output node shows or saves, by the name that results have it under."""

    name: str
    source: Source
    node_id: str


def names_of_outputs(prompt: Prompt, info: ObjectInfo) -> dict[str, str]:
    """node id -> name, of all output nodes: the title, or `title (id)` where several share it."""
    ids = [
        node_id
        for node_id, node in prompt.items()
        if node["class_type"] != PORT_TYPE
        and node["class_type"] in info
        and info.is_output_node(node["class_type"])
    ]
    titles = {node_id: title_of(prompt, node_id) for node_id in ids}
    count = Counter(titles.values())
    names = {i: title for i, title in titles.items() if count[title] == 1}
    taken = set(names.values())
    for i, title in titles.items():
        if i not in names:
            name = f"{title} ({i})"
            while name in taken:  # another has that very title
                name += f" ({i})"
            names[i] = name
            taken.add(name)
    return {i: names[i] for i in titles}


def name_in_files(prompt: Prompt, names: Mapping[str, str], node_id: str) -> str:
    """The name of a node that reported files, which need not be one of the prompt's output nodes.

    Args:
        names: `names_of_outputs`.
        node_id: "5.0.2" was made by node 5, which it is named for.
    """
    of_prompt = node_id if node_id in prompt else node_id.split(".", 1)[0]
    if of_prompt in names:
        return names[of_prompt]
    return f"{title_of(prompt, of_prompt)} ({node_id})" if of_prompt in prompt else node_id


def shown_values(
    prompt: Prompt, info: ObjectInfo, names: Mapping[str, str], rules: Mapping[str, str]
) -> Iterator[Shown]:
    """All values that output nodes show or save.

    One that shows several has them as `title.input`.

    Args:
        names: node id -> name, of the output nodes.
        rules: ComfyUI type -> "val" or "ref"; what is passed by reference is no value.
    """
    for node_id, name in names.items():
        values = [
            (input_name, source)
            for input_name, source in shown_inputs(prompt, info, node_id)
            if rules.get(_type_of(prompt, info, node_id, input_name, source), "val") != "ref"
        ]
        for input_name, source in values:
            shown = name if len(values) == 1 else f"{name}.{input_name}"
            yield Shown(shown, source, node_id)


def shown_inputs(prompt: Prompt, info: ObjectInfo, node_id: str) -> list[tuple[str, Source]]:
    """The linked inputs of an output node that are what it shows, in the order of its class."""
    node = prompt[node_id]
    spec = info.spec(node["class_type"])
    order = list(spec.inputs) if spec is not None else []
    widgets = spec.by_name if spec is not None else {}
    # Where a node has sockets, a linked widget is a file name or a number of frames; one without
    # shows its text.
    has_sockets = any(name not in widgets for name in order)
    found = []
    for name, source in links_of(node):
        declared = info.input_spec(node["class_type"], name)
        is_steering = declared is not None and type_name(declared[0]) in _STEERING
        if not is_steering and not (has_sockets and name in widgets):
            found.append((name, source))
    return sorted(found, key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def _type_of(
    prompt: Prompt, info: ObjectInfo, node_id: str, input_name: str, source: Source
) -> str:
    """The type of what is shown: a port's is that of the input which it feeds."""
    declared = info.input_spec(prompt[node_id]["class_type"], input_name)
    wanted = ANY if declared is None else type_name(declared[0])
    return more_specific(source_type(prompt, info, source), wanted)


def source_type(prompt: Prompt, info: ObjectInfo, source: Source) -> str:
    """The type of an output, as the class says."""
    if source.node_id not in prompt:
        return ANY
    types = info.output_types(prompt[source.node_id]["class_type"])
    return type_name(types[source.slot]) if 0 <= source.slot < len(types) else ANY
