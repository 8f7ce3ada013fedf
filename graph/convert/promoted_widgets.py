"""Values that an instance shows for widgets inside: its `widgets_values`, and `proxyWidgets`.

Files since front end 1.45 or so save one value for each input of the instance; older ones name
widgets inside in `properties.proxyWidgets`. The front end turns the old form into inputs when it
loads a file, and so does this.
"""

from __future__ import annotations

import re
from typing import Any

from ..node_classes.core_nodes import PRIMITIVE
from ..workflow.model import SUBGRAPH_INPUT, Link
from .bypass import fits, input_slots, type_name
from .editor_state import GraphState, NodeState, SubgraphInput, is_subgraph_input

_OLD_PREFIX = re.compile(r"^\d+: ?")


def read_promoted_values(instance: NodeState) -> None:
    """Give the instance's inputs with widgets the saved values, in order; linked ones count too."""
    saved = instance.node.widgets_values
    assert instance.definition is not None
    instance.promoted_values = {}
    # Without the inputs that other instances' proxyWidgets added: the file knows nothing of those.
    inputs = instance.definition.inputs[: instance.definition.saved_inputs]
    slots = [i for i, item in enumerate(inputs) if item.has_widget]
    if isinstance(saved, list):
        instance.promoted_values.update(zip(slots, saved, strict=False))
    elif isinstance(saved, dict):
        for slot in slots:
            name = instance.definition.inputs[slot].name
            if name in saved:
                instance.promoted_values[slot] = saved[name]


def migrate_proxies(instance: NodeState) -> None:
    """Turn `proxyWidgets` into inputs with values. An entry that names nothing has no effect."""
    proxies = instance.node.properties.get("proxyWidgets")
    saved = instance.node.widgets_values
    if not isinstance(proxies, list):
        return
    values = saved if isinstance(saved, list) else []
    for i, entry in enumerate(proxies):
        if not isinstance(entry, list) or len(entry) < 2:
            continue
        if not isinstance(entry[0], (int, str)) or not isinstance(entry[1], str):
            continue
        slot = _slot_of(instance, str(entry[0]), entry[1], entry[2:])
        if slot is not None and i < len(values) and values[i] is not None:
            assert instance.promoted_values is not None
            instance.promoted_values[slot] = values[i]


def _slot_of(instance: NodeState, source: str, name: str, hint: list[Any]) -> int | None:
    """The instance's input that stands for this widget; made when there is none yet."""
    definition = instance.definition
    assert definition is not None
    names = (name, _OLD_PREFIX.sub("", name))
    if source == "-1":
        slots = (definition.input_index(n) for n in names)
        return next((s for s in slots if s is not None and definition.inputs[s].has_widget), None)
    inner = definition.nodes.get(source)
    if inner is None:
        return None
    if inner.node.type == PRIMITIVE:
        return _promote_primitive(definition, inner)
    for candidate in names:
        if inner.definition is not None:
            candidate = _nested_name(inner, candidate, hint)
        if candidate is not None and inner.has_widget(candidate):
            link = definition.links.get(inner.links.get(candidate))
            if link is None:
                return _promote(definition, candidate, [(inner, candidate)], inner.value(candidate))
            return link.origin_slot if is_subgraph_input(link.origin_id) else None
    return None


def _nested_name(inner: NodeState, name: str, hint: list[Any]) -> str | None:
    """The input of a nested instance that stands for a widget, preferably of the node `hint`."""
    assert inner.definition is not None
    found = [e for e in inner.definition.inputs if e.has_widget and name in (e.name, e.widget_name)]
    if hint and isinstance(hint[0], (int, str)):
        hinted = [e for e in found if any(str(t.node.id) == str(hint[0]) for t, _ in e.targets)]
        found = hinted or found
    return found[0].name if found else None


def _promote_primitive(definition: GraphState, primitive: NodeState) -> int | None:
    """A PrimitiveNode shown outside: an input takes its place, with its first target's value.

    Here, and only here, the front end (1.49.6) trusts the slot numbers in `links`, counted in
    today's order of inputs. When one of them has another type, the PrimitiveNode stays.
    """
    targets = []
    for link in _links_from(definition, primitive):
        target = definition.nodes.get(str(link.target_id))
        slots = input_slots(target, definition) if target is not None else []
        if target is None or not isinstance(link.target_slot, int):
            return None
        if not 0 <= link.target_slot < len(slots):
            return None
        name, kind = slots[link.target_slot]
        if not fits(type_name(link.type), kind):
            return None
        targets.append((target, name))
    if not targets:
        return None
    for node in definition.nodes.values():
        for name, link_id in list(node.links.items()):
            link = definition.links.get(link_id)
            if link is not None and definition.origin(link) is primitive:
                del node.links[name]
    return _promote(definition, "value", targets, targets[0][0].value(targets[0][1]))


def _links_from(definition: GraphState, node: NodeState) -> list[Link]:
    """The links that leave a node's first output, in the order in which the output lists them."""
    found = {k: link for k, link in definition.links.items() if definition.origin(link) is node}
    listed = node.node.outputs[0].get("links") if node.node.outputs else None
    order = (
        [i for i in listed if isinstance(i, (int, str)) and i in found]
        if isinstance(listed, list)
        else []
    )
    return [found[i] for i in dict.fromkeys([*order, *found])]


def _promote(
    definition: GraphState, name: str, targets: list[tuple[NodeState, str]], value: Any
) -> int:
    """Add an input to the definition, linked to these widgets; all its instances get it."""
    slot = len(definition.inputs)
    unique, n = name, 0
    while definition.input_index(unique) is not None:
        n += 1
        unique = f"{name}_{n}"
    new = SubgraphInput(unique, None, targets)
    new.widget_name = name
    new.has_widget, new.initial = True, value
    link_id = f"\0promoted {slot}"
    # The links of the file are shared with the workflow: the first addition makes a copy.
    if definition.links is definition.graph.links:
        definition.links = dict(definition.links)
    definition.links[link_id] = Link(link_id, SUBGRAPH_INPUT, slot, targets[0][0].node.id, 0, None)
    definition.inputs.append(new)
    for node, input_name in targets:
        node.links[input_name] = link_id
    return slot
