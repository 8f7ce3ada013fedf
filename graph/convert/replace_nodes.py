"""Nodes of classes that a newer ComfyUI, or a node pack, has replaced by others: exchanged as its
server does it in a prompt, and its editor in a workflow. Used before anything else looks at either.

Source: app/node_replace_manager.py of 0.33 (prompts: the first replacement of a class counts, and
only where its new class is there); behaviour of front end 1.58.1 (workflows).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..node_classes.core_nodes import VIRTUAL
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt, PromptNode, links_of
from ..workflow.edit import map_nodes
from ..workflow.model import Graph, Link, Node, NodeId, Subgraph, Workflow, with_graph

G = TypeVar("G", bound=Graph)


class Replacement(NamedTuple):
    """What takes the place of a class.

    Attributes:
        widgets: the old widgets' names, in the order of `widgets_values`.
        inputs: new name -> ("old_id", an old name) or ("set_value", a value); None: the names stay.
        outputs: old slot -> new slot; None: the slots stay.
    """

    new_class: str
    widgets: tuple[str, ...]
    inputs: Mapping[str, tuple[str, Any]] | None
    outputs: Mapping[int, int] | None


def read_replacements(answer: Any) -> dict[str, Replacement]:
    """What GET /node_replacements says; what can't be read is left out."""
    found = {}
    for old, entries in answer.items() if isinstance(answer, Mapping) else ():
        first = entries[0] if isinstance(entries, list) and entries else None
        if isinstance(first, Mapping) and isinstance(first.get("new_node_id"), str):
            found[old] = Replacement(
                first["new_node_id"],
                tuple(map(str, first.get("old_widget_ids") or ())),
                _input_map(first.get("input_mapping")),
                _output_map(first.get("output_mapping")),
            )
    return found


def _input_map(rows: Any) -> dict[str, tuple[str, Any]] | None:
    if not isinstance(rows, list):
        return None
    found = {}
    for row in rows:
        for how in ("set_value", "old_id"):
            if isinstance(row, Mapping) and isinstance(row.get("new_id"), str) and how in row:
                found[row["new_id"]] = (how, row[how])
                break
    return found


def _output_map(rows: Any) -> dict[int, int] | None:
    if not isinstance(rows, list):
        return None
    pairs = [(row.get("old_idx"), row.get("new_idx")) for row in rows if isinstance(row, Mapping)]
    return {old: new for old, new in pairs if type(old) is int and type(new) is int}


def lacks_classes(workflow: Workflow | Prompt, info: ObjectInfo) -> bool:
    """Whether it has a node that the server does not know, so that it may have a replacement."""
    if not isinstance(workflow, Workflow):
        return any(node["class_type"] not in info for node in workflow.values())
    known = VIRTUAL | workflow.subgraphs.keys()
    return any(
        node.type not in info and node.type not in known
        for graph in workflow.graphs()
        for node in graph.nodes
    )


# -- prompts ------------------------------------------------------------------------------------


def replace_in_prompt(
    prompt: Prompt, info: ObjectInfo, replacements: Mapping[str, Replacement]
) -> Prompt:
    """The prompt with new classes for those that the server does not have any more.

    A class whose replacement names no inputs keeps those that the new one has too: the editor does
    that, while the server would drop them all.
    """
    found = {
        node_id: replacements[node["class_type"]]
        for node_id, node in prompt.items()
        if _is_replaced(node["class_type"], info, replacements)
    }
    if not found:
        return prompt
    new = {
        node_id: _new_prompt_node(node, found[node_id], info) if node_id in found else node
        for node_id, node in prompt.items()
    }
    for node_id, node in new.items():
        moved = {
            name: [source.node_id, outputs[source.slot]]
            for name, source in links_of(node)
            if source.node_id in found
            and (outputs := found[source.node_id].outputs) is not None
            and source.slot in outputs
        }
        if moved:
            new[node_id] = {**node, "inputs": {**node["inputs"], **moved}}
    return new


def _is_replaced(kind: str, info: ObjectInfo, replacements: Mapping[str, Replacement]) -> bool:
    return kind not in info and kind in replacements and replacements[kind].new_class in info


def _new_prompt_node(node: PromptNode, by: Replacement, info: ObjectInfo) -> PromptNode:
    given = node["inputs"]
    if by.inputs is None:
        inputs = {k: v for k, v in given.items() if info.input_spec(by.new_class, k) is not None}
    else:
        inputs = {
            name: of if how == "set_value" else given[of]
            for name, (how, of) in by.inputs.items()
            if how == "set_value" or of in given
        }
    return {**node, "class_type": by.new_class, "inputs": inputs}


# -- workflows ----------------------------------------------------------------------------------


def replace_in_workflow(
    workflow: Workflow, info: ObjectInfo, replacements: Mapping[str, Replacement]
) -> Workflow:
    """The workflow with new classes for those that the server does not have any more, as the editor
    makes it at a click; dynamic inputs ("images.image0") are taken over too, as the server does.
    """
    for graph in list(workflow.graphs()):
        found = {
            node.id: replacements[node.type]
            for node in graph.nodes
            if _is_replaced(node.type, info, replacements)
        }
        if not found:
            continue
        current = workflow if isinstance(graph, Workflow) else graph
        workflow = with_graph(workflow, graph, _replace_in_graph(current, found, info))
        if isinstance(graph, Subgraph):
            workflow = map_nodes(workflow, partial(_rename_promoted, graph.id, found))
    return workflow


def _replace_in_graph(graph: G, found: Mapping[NodeId, Replacement], info: ObjectInfo) -> G:
    slots = {
        node.id: _slots_of(node, found[node.id], info) for node in graph.nodes if node.id in found
    }
    links: dict[NodeId, Link] = {}
    cut: set[NodeId] = set()  # as in the editor, when the new class has no output for it
    for link_id, link in graph.links.items():
        if link.origin_id not in slots:
            links[link_id] = link
        elif (slot := slots[link.origin_id].get(link.origin_slot)) is not None:
            links[link_id] = link._replace(origin_slot=slot)
        else:
            cut.add(link_id)
    nodes = [
        _without_links(_new_node(node, found[node.id], info) if node.id in found else node, cut)
        for node in graph.nodes
    ]
    return replace(graph, nodes=nodes, links=links)


def _rename_promoted(subgraph_id: str, found: Mapping[NodeId, Replacement], instance: Node) -> Node:
    """An instance whose older list of promoted widgets names the new class's widgets."""
    proxies = instance.properties.get("proxyWidgets")
    if instance.type != subgraph_id or not isinstance(proxies, list):
        return instance
    names = {
        (str(node_id), of): name
        for node_id, by in found.items()
        for name, (how, of) in (by.inputs or {}).items()
        if how == "old_id"
    }
    renamed = [
        [p[0], names.get((str(p[0]), p[1]), p[1]), *p[2:]]
        if isinstance(p, list) and len(p) >= 2 and isinstance(p[1], str)
        else p
        for p in proxies
    ]
    return replace(instance, properties={**instance.properties, "proxyWidgets": renamed})


def _slots_of(node: Node, by: Replacement, info: ObjectInfo) -> dict[int, int]:
    """Old output slot -> new one."""
    if by.outputs is not None:
        return dict(by.outputs)
    count = len(info.output_types(by.new_class))
    if by.inputs is not None:
        return {slot: slot for slot in range(count)}
    names = [slot.get("name") for slot in node.outputs]
    new_names = _output_names(by.new_class, info)
    return {slot: new_names.index(name) for slot, name in enumerate(names) if name in new_names}


def _output_names(kind: str, info: ObjectInfo) -> list[str]:
    definition = info.raw.get(kind)
    names = definition.get("output_name") if isinstance(definition, Mapping) else None
    return list(names) if names else list(info.output_types(kind))


def _without_links(node: Node, cut: set[NodeId]) -> Node:
    if not any(slot.get("link") in cut for slot in node.inputs):
        return node
    inputs = [{**s, "link": None} if s.get("link") in cut else s for s in node.inputs]
    return replace(node, inputs=inputs)


def _new_node(node: Node, by: Replacement, info: ObjectInfo) -> Node:
    names, types = _output_names(by.new_class, info), info.output_types(by.new_class)
    outputs = [{"name": n, "type": t} for n, t in zip(names, types, strict=False)]
    new = replace(node, type=by.new_class, outputs=outputs)
    if by.inputs is None:  # widgets have the places they had
        kept = [s for s in node.inputs if info.input_spec(by.new_class, s.get("name") or "")]
        return replace(new, inputs=kept)
    old_slots = {slot.get("name"): slot for slot in node.inputs}
    old_values = dict(_old_values(node, by))
    inputs, values = [], {}
    for name, (how, of) in by.inputs.items():
        if how == "set_value":
            values[name] = of
            continue
        if of in old_values:
            values[name] = old_values[of]
        if of in old_slots:
            slot = {**old_slots[of], "name": name}
            inputs.append({**slot, "widget": {"name": name}} if slot.get("widget") else slot)
    return replace(new, inputs=inputs, widgets_values=values)


def _old_values(node: Node, by: Replacement) -> Iterator[tuple[str, Any]]:
    """The old widgets' values by name: as the replacement names them, else as the file does."""
    saved = node.widgets_values
    if isinstance(saved, Mapping):
        yield from saved.items()
    elif isinstance(saved, list):
        of_file = [slot["name"] for slot in node.inputs if slot.get("widget")]
        names = by.widgets or of_file
        if not names and by.inputs is not None and len(saved) == 1:
            sockets = {slot.get("name") for slot in node.inputs}
            asked = {of for how, of in by.inputs.values() if how == "old_id" and of not in sockets}
            names = list(asked) if len(asked) == 1 else []
        yield from zip(names, saved, strict=False)
