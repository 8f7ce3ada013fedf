"""The bypass rule: which input of a bypassed node takes the place of its output.

Also the types and slots that it needs, in the editor's order. Source: behaviour of front end 1.49.6
(ExecutableNodeDTO).
"""

from __future__ import annotations

from typing import Any

from ..node_classes.input_specs import DYNAMIC_COMBO, MATCH_TYPE
from ..node_classes.node_class import ClassSpec, Element, Socket, Widget
from ..node_classes.widgets import read_widgets, saved_values
from .editor_state import GraphState, NodeState


def type_name(kind: Any) -> str:
    """A slot's type as text. Old files have the list of a combo's values there, or 0 for any."""
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return "COMBO"
    return str(kind) if type(kind) is int and kind else "*"


def fits(a: str, b: str) -> bool:
    """Whether a link may join the two types."""
    if a in ("", "*") or b in ("", "*"):
        return True
    a, b = a.lower(), b.lower()
    return a == b or not set(a.split(",")).isdisjoint(b.split(","))


def bypass_slot(inputs: list[str], output: str, wanted: str, slot: int) -> int | None:
    """The index of the input that output `slot` of a bypassed node passes on.

    Args:
        inputs: the types of all inputs, in the editor's order, sockets of widgets included.
        output: the type of the output.
        wanted: the type of the input that the output is linked to.
        slot: the index of the output.
    """
    if wanted in ("", "*"):
        return (slot if slot < len(inputs) else 0) if inputs else None
    if slot < len(inputs) and fits(inputs[slot], output) and fits(inputs[slot], wanted):
        return slot
    if wanted in inputs:
        return inputs.index(wanted)
    for i, kind in enumerate(inputs):
        if fits(kind, output) and fits(kind, wanted):
            return i
    return None


def input_slots(state: NodeState, graph: GraphState) -> list[tuple[str, str]]:
    """Names and types of all inputs of a node, in the editor's order.

    Sockets first, then those of widgets; what only the file has comes last.
    """
    if state.definition is not None:
        return [(e.name, type_name(e.type)) for e in state.definition.inputs]
    saved = [(s.get("name") or "", type_name(s.get("type"))) for s in state.node.inputs]
    if state.spec is None:
        return saved
    slots = [
        (e.name, _socket_type(state, e, graph))
        for e in state.spec.elements
        if isinstance(e, Socket)
    ]
    slots += _widget_slots(state, state.spec)
    known = {name for name, _ in slots}
    return slots + [s for s in saved if s[0] not in known]


def output_type(state: NodeState, slot: int, graph: GraphState) -> str:
    """The type of an output: the definition's, else the file's; "*" when neither has one."""
    if state.definition is not None:
        outputs = state.definition.outputs
        return type_name(outputs[slot].get("type")) if slot < len(outputs) else "*"
    if state.spec is not None and slot < len(state.spec.outputs):
        kind = state.spec.outputs[slot]
        if kind == MATCH_TYPE:
            groups = state.spec.output_groups
            return _group_type(state, groups[slot] if slot < len(groups) else None, "*", graph)
        return kind
    outputs = state.node.outputs
    return type_name(outputs[slot].get("type")) if slot < len(outputs) else "*"


def _socket_type(state: NodeState, socket: Socket, graph: GraphState) -> str:
    if socket.group is None:
        return socket.type
    return _group_type(state, socket.group, socket.type, graph)


def _group_type(state: NodeState, group: str | None, otherwise: str, graph: GraphState) -> str:
    """The one type of inputs that match each other: that of what is connected to them."""
    assert state.spec is not None
    found: set[str] = set()
    for element in state.spec.elements:
        if isinstance(element, Socket) and element.group == group:
            link = graph.links.get(state.links.get(element.name))
            if link is not None:
                found.add(type_name(link.type))
    found.discard("*")
    return found.pop() if len(found) == 1 else otherwise


def _widget_slots(state: NodeState, spec: ClassSpec) -> list[tuple[str, str]]:
    if spec.is_static:
        return [(w.name, w.slot_type) for w in spec.widgets if w.has_socket]
    slots: list[tuple[str, str]] = []
    values = {w.name: v for w, v in read_widgets(spec, saved_values(state.node, spec))}
    stack: list[Element] = list(reversed(spec.widgets))
    while stack:
        element = stack.pop()
        if isinstance(element, Socket):
            slots.append((element.name, element.type))
            continue
        # A dynamic combo has no socket of its own, unless the file has one.
        if element.type != DYNAMIC_COMBO and element.has_socket:
            slots.append((element.name, element.slot_type))
        if element.brings_others:
            inner = spec.sub_elements(element, values.get(element.name))
            stack.extend(reversed([e for e in inner if isinstance(e, (Socket, Widget))]))
    return slots
