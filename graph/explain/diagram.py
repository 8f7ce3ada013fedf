"""What is drawn of a plan: cards with slots, their links, and which cards belong together.

Everything that a drawing says is decided here; `svg.py` only paints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ..ports.connections import PORT_INPUT
from ..ports.find_ports import Port, PortMode
from ..ports.port_types import ANY, type_name
from ..prompt import Prompt, PromptNode, Source, link_source, links_of
from .text import describe_port, show_value
from .workflow_plan import WorkflowPlan

_TIP_LINES = 24


class State(Enum):
    """What a run does with a node."""

    RUNS = "runs"
    CACHED = "cached"
    REFERENCE = "reference"  # only a reference that is made is made of it
    UNUSED = "unused"


class Slot(NamedTuple):
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Card:
    """A node or a port. `look` is "node", a port's mode, or "missing"; `badge` stands beside the
    title."""

    id: str
    title: str
    subtitle: str
    look: str
    state: State
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    tip: str
    badge: str = ""


class CardLink(NamedTuple):
    """A link: from the n-th output slot of a card to the n-th input slot of another."""

    origin: str
    output: int
    target: str
    input: int
    type: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """One workflow. `groups`: title -> ids of the cards of stitched references."""

    title: str
    summary: str
    cards: tuple[Card, ...]
    links: tuple[CardLink, ...]
    groups: Mapping[str, tuple[str, ...]]


def make_diagram(plan: WorkflowPlan, number: int) -> Diagram:
    """Decide what is drawn of one workflow of a plan."""
    return _DiagramMaker(plan).diagram(f"{number}  {plan.name}")


class _DiagramMaker:
    def __init__(self, plan: WorkflowPlan):
        self.plan = plan
        self.ports = {port.node_id: port for port in plan.drawn_ports.all()}
        self.lines = {node_id: line for line in plan.ports for node_id in line.node_ids}
        self.grafted: Prompt = {}
        for recipe in plan.recipes.values():
            self.grafted.update(recipe.nodes)
        self.nodes: Prompt = {**self.grafted, **plan.drawn}
        self.links = [
            (source, node_id, name)
            for node_id, node in self.nodes.items()
            for name, source in links_of(node)
            if source.node_id in self.nodes
        ]
        for node_id, port in self.ports.items():
            line = self.lines.get(node_id)
            if port.source is None and line is not None and line.how == "reference":
                self.links.append((plan.recipes[line.unique_id].source, node_id, PORT_INPUT))
        self.inputs = self._slots((target, name) for _, target, name in self.links)
        self.outputs = self._slots((s.node_id, s.slot) for s, _, _ in self.links)

    def diagram(self, title: str) -> Diagram:
        links = [
            CardLink(
                source.node_id,
                self.outputs[source.node_id].index(source.slot),
                target,
                self.inputs[target].index(name),
                self._type(source),
            )
            for source, target, name in self.links
        ]
        cards = tuple(self._card(node_id, node) for node_id, node in self.nodes.items())
        return Diagram(title, self._summary(), cards, tuple(links), self._groups())

    def _slots(self, used: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
        """node id -> its slots that have a link, in the order of the node."""
        found: dict[str, list[Any]] = {node_id: [] for node_id in self.nodes}
        for node_id, slot in used:
            if slot not in found[node_id]:
                found[node_id].append(slot)
        for slots in found.values():
            if slots and isinstance(slots[0], int):
                slots.sort()
        return found

    def _card(self, node_id: str, node: PromptNode) -> Card:
        port = self.ports.get(node_id)
        inputs = tuple(Slot("" if port else str(n), "") for n in self.inputs[node_id])
        outputs = tuple(
            Slot("", self._type(Source(node_id, slot))) for slot in self.outputs[node_id]
        )
        state = self._state(node_id)
        if port is not None:
            return self._port_card(port, state, inputs, outputs)
        title = (node.get("_meta") or {}).get("title") or node["class_type"]
        subtitle = "" if title == node["class_type"] else node["class_type"]
        tip, badge = _tip(node_id, node), self._badge(node_id, state)
        return Card(node_id, title, subtitle, "node", state, inputs, outputs, tip, badge)

    def _port_card(
        self, port: Port, state: State, inputs: tuple[Slot, ...], outputs: tuple[Slot, ...]
    ) -> Card:
        line = self.lines.get(port.node_id)
        if line is None:
            frozen = port.frozen if isinstance(port.frozen, Mapping) else {}
            subtitle = f"= {show_value(frozen['value'])}" if "value" in frozen else "frozen value"
        else:
            subtitle = describe_port(line, is_brief=True)
        look = "missing" if line is not None and line.how == "missing" else port.mode.value
        if state is State.RUNS and line is not None and line.how == "keep":
            state = State.REFERENCE
        tip = f"{port.mode.name} port {port.unique_id} of type {port.type}, node {port.node_id}"
        node_id, badge = port.node_id, self._badge(port.node_id, state)
        return Card(node_id, port.unique_id, subtitle, look, state, inputs, outputs, tip, badge)

    def _badge(self, node_id: str, state: State) -> str:
        if state is State.CACHED:
            return "cached"
        return "paid" if any(node.node_id == node_id for node in self.plan.paid) else ""

    def _state(self, node_id: str) -> State:
        port = self.ports.get(node_id)
        if node_id in self.plan.prompt:
            return State.CACHED if node_id in self.plan.cached else State.RUNS
        if port is None or port.mode is PortMode.OUTPUT:
            is_part = node_id in self.plan.for_references or node_id in self.grafted
            return State.REFERENCE if is_part else State.UNUSED
        # Ports vanish from the prompt: one is as alive as the liveliest that it feeds.
        states = {self._state(use.node_id) for use in port.uses}
        return next((state for state in State if state in states), State.UNUSED)

    def _type(self, source: Source) -> str:
        port = self.ports.get(source.node_id)
        if port is not None:
            return port.type
        types = self.plan.types.get(self.nodes[source.node_id]["class_type"], ())
        return type_name(types[source.slot]) if 0 <= source.slot < len(types) else ANY

    def _groups(self) -> dict[str, tuple[str, ...]]:
        """The cards of each reference; of those that share nodes together."""
        groups: list[tuple[list[str], set[str]]] = []
        for unique_id, recipe in self.plan.recipes.items():
            names, ids = [unique_id], set(recipe.nodes)
            for other in [g for g in groups if g[1] & ids]:
                groups.remove(other)
                names, ids = other[0] + names, ids | other[1]
            groups.append((names, ids))
        titles = [
            ("reference " if len(n) == 1 else "references ") + ", ".join(n) for n, _ in groups
        ]
        return {t: tuple(ids) for t, (_, ids) in zip(titles, groups, strict=True)}

    def _summary(self) -> str:
        plan = self.plan
        if plan.missing:
            names = ", ".join(port.unique_id for port in plan.missing)
            return f"missing: {names}"
        if not plan.prompt:
            return "nothing is queued"
        parts = [f"{len(plan.runs)} run"]
        parts += [f"{len(plan.paid)} paid"] if plan.paid else []
        parts += [f"{len(plan.cached)} cached"] if plan.cached else []
        parts += [f"{len(plan.pinned)} kept for later runs"] if plan.pinned else []
        return ", ".join(parts)


def _tip(node_id: str, node: PromptNode) -> str:
    """What a browser shows over a node: its id, class and the values typed into it."""
    lines = [f"{node_id}: {node['class_type']}"]
    for name, value in node["inputs"].items():
        if link_source(value) is None:
            lines.append(f"{name} = {show_value(value)}")
    return "\n".join(lines[:_TIP_LINES])
