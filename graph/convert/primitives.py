"""What PrimitiveNodes write into the widgets that they are linked to.

They are never in a prompt. Source: behaviour of front end 1.49.6.
"""

from __future__ import annotations

from typing import Any

from ..node_classes.core_nodes import PRIMITIVE
from ..node_classes.input_specs import MISSING
from .editor_state import GraphState, NodeState
from .widget_values import primitive_number

REPLACE_PROPERTY = "Run widget replace on values"


def primitive_of(graph: GraphState, state: NodeState, name: str) -> NodeState | None:
    """The PrimitiveNode that is linked directly to this widget.

    One in front of a Reroute, or of a subgraph, has no effect.
    """
    link = graph.links.get(state.links.get(name))
    origin = graph.origin(link) if link is not None else None
    is_one = origin is not None and origin.node.type == PRIMITIVE and state.definition is None
    return origin if is_one else None


def primitive_value(graph: GraphState, state: NodeState, name: str) -> Any:
    """What the PrimitiveNode, if there is one, writes into the widget; MISSING otherwise.

    It does so even when it is muted or bypassed. Numbers pass the widget's rounding.
    """
    primitive = primitive_of(graph, state, name)
    widget = state.widget(name)
    saved = primitive.node.widgets_values if primitive is not None else None
    if not isinstance(saved, list) or not saved or widget is None:
        return MISSING
    return primitive_number(saved[0], widget.type, widget.options)
