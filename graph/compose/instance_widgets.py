"""The widgets that a subgraph instance shows for nodes inside it, when some of these nodes go.

Source: front end 1.49.6. An instance's input has a widget if one of the inner links from it ends
at a widget; its first value is that of the first such widget. `widgets_values` of the instance go
to these inputs in their order; after that, `proxyWidgets` of older files pair the values with
nodes inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..ports.locations import NodeLocation
from ..workflow.edit import Path, instance_slot
from ..workflow.model import SUBGRAPH_INPUT, Graph, Node, NodeId, Subgraph
from .link_paths import LinkPaths


class _Step(NamedTuple):
    """One node on the way from an input of a subgraph to a widget, and the link to it."""

    location: NodeLocation
    link_id: NodeId


def keep_widgets(paths: LinkPaths) -> None:
    """Keep the nodes, bare of other links, whose widgets give kept ones a value via an instance.

    Nothing is executed in them: they are the front end's way to store a value.
    """
    for path in sorted(paths.nodes, key=len, reverse=True):
        graph = paths.graph(path)[0]
        if path and isinstance(graph, Subgraph):
            for slot in sorted(_slots_in_need(paths, path, graph)):
                for step in widget_behind(paths, path, slot, kept=False):
                    paths.keep(step.location)
                    paths.links.setdefault(step.location.path, set()).add(step.link_id)


def fit_instance(paths: LinkPaths, path: Path, instance: Node) -> Node:
    """The instance for the definition that is left: values of widgets that are gone go too."""
    inside = (*path, instance.id)
    definition = paths.graph(inside)[0]
    assert isinstance(definition, Subgraph)
    proxies = instance.properties.get("proxyWidgets")
    if isinstance(proxies, list) and proxies:
        renamed = [_proxy_left(paths, inside, definition, entry) for entry in proxies]
        if renamed == proxies:
            return instance
        return replace(instance, properties={**instance.properties, "proxyWidgets": renamed})
    values = instance.widgets_values
    if not isinstance(values, list) or not values:
        return instance
    slots = _widget_slots(paths, inside, definition, kept=False)
    left = set(_widget_slots(paths, inside, definition, kept=True))
    values = [v for i, v in enumerate(values) if i >= len(slots) or slots[i] in left]
    return replace(instance, widgets_values=values)


def widget_behind(paths: LinkPaths, path: Path, slot: int, *, kept: bool) -> tuple[_Step, ...]:
    """The way from a definition's input to the first widget behind it; empty if there is none.

    Args:
        path: the instance whose definition it is.
        kept: follow only the links that are kept.
    """
    graph = paths.graph(path)[0]
    for node, item in _targets(graph, slot):
        if kept and item["link"] not in paths.links.get(path, ()):
            continue
        step = _Step(NodeLocation(path, node.id), item["link"])
        definition = paths.workflow.subgraphs.get(node.type)
        if definition is None:
            if item.get("widget"):
                return (step,)
            continue
        for inner, entry in enumerate(definition.inputs):
            if entry["name"] == item.get("name"):
                steps = widget_behind(paths, (*path, node.id), inner, kept=kept)
                if steps:
                    return (step, *steps)
                break
    return ()


def _targets(graph: Graph, slot: int) -> list[tuple[Node, dict[str, Any]]]:
    """What a definition's input feeds: node and input, in the order of `linkIds`."""
    assert isinstance(graph, Subgraph)
    found: dict[NodeId, tuple[Node, dict[str, Any]]] = {}
    for node in graph.nodes:
        for item in node.inputs:
            link = graph.links.get(item["link"]) if item.get("link") is not None else None
            if link and (link.origin_id, link.origin_slot) == (SUBGRAPH_INPUT, slot):
                found[link.id] = node, item
    order = [i for i in graph.inputs[slot].get("linkIds") or [] if i in found]
    return [found[i] for i in dict.fromkeys([*order, *found])]


def _widget_slots(paths: LinkPaths, path: Path, definition: Subgraph, *, kept: bool) -> list[int]:
    return [k for k in range(len(definition.inputs)) if widget_behind(paths, path, k, kept=kept)]


def _slots_in_need(paths: LinkPaths, path: Path, definition: Subgraph) -> set[int]:
    """The inputs of an instance whose value would be lost or another without their first widget."""
    instance = paths.graph(path[:-1])[1][path[-1]]
    values = instance.widgets_values if isinstance(instance.widgets_values, list) else []
    named = _named_by_proxies(instance, values)
    before = _widget_slots(paths, path, definition, kept=False)
    after = _widget_slots(paths, path, definition, kept=True)
    need: set[int] = set()
    for index, slot in enumerate(before):
        if not _shows_value(paths, path, instance, definition, slot):
            continue
        is_saved = index < len(values)
        name = definition.inputs[slot]["name"]
        first = widget_behind(paths, path, slot, kept=False)
        if (
            slot not in after
            or not is_saved
            and name not in named
            and widget_behind(paths, path, slot, kept=True) != first
        ):
            need.add(slot)
        if instance.properties.get("proxyWidgets") and name not in named:
            # The place in the list counts as well, and must not come to give another value.
            gone = set(before[:index]) - set(after)
            if values[index : index + 1] != values[index - len(gone) :][:1]:
                need |= gone
    return need


def _shows_value(
    paths: LinkPaths, path: Path, instance: Node, definition: Subgraph, slot: int
) -> bool:
    """Whether a kept node gets the instance's own value of an input, for want of a link."""
    outside = instance_slot(instance, definition, slot)
    if outside is not None and instance.inputs[outside].get("link") is not None:
        return False
    kept = paths.links.get(path, set())
    return any(item["link"] in kept for _, item in _targets(definition, slot))


def _named_by_proxies(instance: Node, values: list[Any]) -> set[str]:
    """The names of the instance's inputs to which `proxyWidgets` certainly gives a value."""
    proxies = instance.properties.get("proxyWidgets")
    pairs = zip(proxies if isinstance(proxies, list) else [], values, strict=False)
    return {
        entry[1]
        for entry, value in pairs
        if isinstance(entry, list)
        and len(entry) > 1
        and str(entry[0]) == "-1"
        and value is not None
    }


def _proxy_left(paths: LinkPaths, path: Path, definition: Subgraph, entry: Any) -> Any:
    """An entry of `proxyWidgets`; one for a node that is gone names the input that node hung on."""
    if not isinstance(entry, list) or len(entry) < 2 or str(entry[0]) == "-1":
        return entry
    for node in definition.nodes:
        if str(node.id) != str(entry[0]) or node.id in paths.nodes.get(path, ()):
            continue
        for item in node.inputs:
            link = definition.links.get(item["link"]) if item.get("link") is not None else None
            if link and item.get("name") == entry[1] and link.origin_id == SUBGRAPH_INPUT:
                return ["-1", definition.inputs[link.origin_slot]["name"]]
    return entry
