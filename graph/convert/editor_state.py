"""The graphs of a workflow as the editor has them in memory: nodes, links, promoted values.

Working state of one conversion, built by `load_graphs.py` and thrown away with it; the workflow is
never changed. An *instance* is a node that stands for a subgraph.
"""

from __future__ import annotations

from typing import Any

from ...errors import WorkflowError
from ..node_classes.core_nodes import REMEMBERED
from ..node_classes.input_specs import AUTOGROW, MISSING
from ..node_classes.node_class import ClassSpec, Widget
from ..node_classes.object_info import ObjectInfo
from ..node_classes.widgets import read_widgets, saved_values, widget_values
from ..workflow.model import SUBGRAPH_INPUT, Graph, Link, Node, NodeId, Subgraph


class NodeState:
    """One node: its class, its links by input name, its widgets' values (read when asked for)."""

    __slots__ = ("_values", "definition", "promoted_values", "links", "node", "prompt_id", "spec")

    def __init__(self, node: Node, spec: ClassSpec | None):
        self.node = node
        self.spec = spec
        self.prompt_id = str(node.id)
        self.definition: GraphState | None = None
        self.links: dict[str, Any] = {}
        for slot in node.inputs:
            link = slot.get("link")
            if link is not None:
                name = slot.get("name") or ""
                if spec is None or name in spec.inputs or not self._is_lost(slot, spec):
                    self.links[name] = link
        self.promoted_values: dict[int, Any] | None = None
        self._values: dict[str, Any] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the widgets that are sent, as the file has them."""
        if self._values is None:
            self._values = widget_values(self.node, self.spec) if self.spec is not None else {}
            if self.node.type in REMEMBERED:
                name, key = REMEMBERED[self.node.type]
                remembered = self.node.properties.get(key)
                if remembered and isinstance(remembered, str):
                    self._values[name] = remembered
        return self._values

    def widget(self, name: str) -> Widget | None:
        """The widget of that name that has a socket beside it."""
        spec = self.spec
        if spec is None:
            return None
        found = spec.by_name.get(name)
        if found is None and not spec.is_static:
            try:
                saved = saved_values(self.node, spec)
            except WorkflowError:
                return None
            found = next((w for w, _ in read_widgets(spec, saved) if w.name == name), None)
        return found if found is not None and found.has_socket else None

    def _is_lost(self, slot: dict[str, Any], spec: ClassSpec) -> bool:
        """Whether a slot of the file is the socket of a widget that the class does not have.

        Source: front end 1.49.6 drops it, and its link, when it loads the file.
        """
        name = slot.get("name") or ""
        if not slot.get("widget") or self.widget(name) is not None:
            return False
        return not any(
            name.startswith(f"{n}.") for n, (kind, _) in spec.inputs.items() if kind == AUTOGROW
        )

    def has_widget(self, name: str) -> bool:
        """Whether the input is the socket of a widget. Of an unknown class the file says so."""
        if self.definition is not None:
            slot = self.definition.input_index(name)
            return slot is not None and self.definition.inputs[slot].has_widget
        if self.spec is not None:
            return self.widget(name) is not None
        return any(s.get("name") == name and s.get("widget") for s in self.node.inputs)

    def value(self, name: str) -> Any:
        """The value behind a widget's socket; MISSING when there is none."""
        if self.definition is not None:
            slot = self.definition.input_index(name)
            return MISSING if slot is None else self.promoted_value(slot)
        try:
            return self.values.get(name, MISSING)
        except WorkflowError:  # reported when the node itself is converted
            return MISSING

    def promoted_value(self, slot: int) -> Any:
        """The promoted value of an instance's input: its own, else the one inside."""
        assert self.definition is not None
        found = self.promoted_values.get(slot, MISSING) if self.promoted_values else MISSING
        return self.definition.inputs[slot].initial if found is MISSING else found


class SubgraphInput:
    """One input of a definition. `targets` are what it feeds inside, in the order of `linkIds`."""

    __slots__ = ("has_widget", "initial", "name", "targets", "type", "widget_name")

    def __init__(self, name: str, type: Any, targets: list[tuple[NodeState, str]]):
        self.name = name
        self.type = type
        self.targets = targets
        self.widget_name = name
        self.has_widget = False
        self.initial: Any = MISSING

    def settle(self) -> None:
        """Find the first widget behind the input: it gives the first value."""
        for state, name in self.targets:
            if state.has_widget(name):
                self.has_widget = True
                self.initial = state.value(name)
                return


class GraphState:
    """The root or one definition. `nodes` goes by the ids in the file."""

    __slots__ = (
        "_index",
        "_indexed",
        "graph",
        "inputs",
        "links",
        "nodes",
        "outputs",
        "saved_inputs",
    )

    def __init__(self, graph: Graph, info: ObjectInfo | None):
        self.graph = graph
        self.links: dict[Any, Link] = graph.links
        spec = info.spec if info is not None else lambda _: None
        self.nodes: dict[str, NodeState] = {
            str(n.id): NodeState(n, spec(n.type)) for n in graph.nodes
        }
        self.inputs: list[SubgraphInput] = []
        self.saved_inputs = len(graph.inputs) if isinstance(graph, Subgraph) else 0
        self.outputs: list[dict[str, Any]] = graph.outputs if isinstance(graph, Subgraph) else []
        self._index: dict[str, int] = {}
        self._indexed = 0  # how many inputs are in it: promoted widgets add some later

    def input_index(self, name: str) -> int | None:
        if self._indexed < len(self.inputs):
            for i, entry in enumerate(self.inputs):
                self._index.setdefault(entry.name, i)
            self._indexed = len(self.inputs)
        return self._index.get(name)

    def origin(self, link: Link) -> NodeState | None:
        return self.nodes.get(str(link.origin_id))

    def name(self) -> str:
        graph = self.graph
        return f"subgraph {graph.name or graph.id!r}" if isinstance(graph, Subgraph) else "workflow"


def is_subgraph_input(node_id: NodeId) -> bool:
    """Whether the id is that of the input side of a subgraph."""
    return node_id == SUBGRAPH_INPUT or node_id == str(SUBGRAPH_INPUT)
