"""%Node.widget% and %date:...% in the file names of one workflow, as conversion fills them in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..node_classes.input_specs import MISSING
from .editor_state import GraphState, NodeState
from .primitives import primitive_value
from .widget_values import replace_patterns


class Patterns:
    """What fills them in.

    Args:
        now: None: the clock, once for all of them.
    """

    def __init__(self, root: GraphState, now: datetime | None):
        self._root, self._now = root, now
        self._named: dict[str, tuple[GraphState, NodeState]] | None = None

    def fill_in(self, text: str) -> tuple[str, str]:
        """The text with its %patterns% replaced, and the same with the dates left as they are."""
        if "%" not in text:
            return text, text
        if self._now is None:
            self._now = datetime.now()
        filled = replace_patterns(text, self._find_value, self._now)
        return filled, replace_patterns(text, self._find_value, None)

    def _find_value(self, node_name: str, widget_name: str) -> Any:
        """The value of a widget by its node's name: the first node that has it, over all graphs.

        Raises:
            LookupError: no such node, or it has no such widget.
        """
        if self._named is None:
            self._named = _named_nodes(self._root)
        graph, state = self._named[node_name]
        value = primitive_value(graph, state, widget_name)
        if value is MISSING:
            value = state.value(widget_name)
        if value is MISSING:
            raise LookupError(widget_name)
        return value


def _named_nodes(root: GraphState) -> dict[str, tuple[GraphState, NodeState]]:
    """Nodes by the names that %Node.widget% may use: "Node name for S&R", else the title.

    The first of each name counts, over the root and every definition in use.
    """
    called: dict[str, tuple[GraphState, NodeState]] = {}
    titled: dict[str, tuple[GraphState, NodeState]] = {}
    for graph, state in _all_nodes(root):
        name = state.node.properties.get("Node name for S&R", state.node.type)
        title = state.node.data.get("title") or (state.spec and state.spec.display_name)
        for names, found in ((called, name), (titled, title)):
            if isinstance(found, str):
                names.setdefault(found, (graph, state))
    return {**titled, **called}


def _all_nodes(root: GraphState) -> Iterator[tuple[GraphState, NodeState]]:
    """The nodes of the root and of every definition in use, each with its graph."""
    graphs = [root]
    for graph in graphs:  # which grows by what is found
        for state in graph.nodes.values():
            yield graph, state
            if state.definition is not None and state.definition not in graphs:
                graphs.append(state.definition)
