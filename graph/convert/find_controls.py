"""Which widgets of a prompt change when the editor queues it: those with a control beside them.

`seeds.py` says to what they change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from ..node_classes.node_class import Widget
from ..node_classes.widgets import read_widgets, saved_values
from .editor_state import NodeState
from .flatten import FlatGraph
from .seeds import Control, control_mode, next_value

_DRAWN = -1  # a seed of some packs that stands for "a new one each time"


def find_controls(
    flat: FlatGraph, of_primitives: Mapping[tuple[str, str], Any]
) -> Iterator[Control]:
    """Every widget in the prompt that has a control, and every seed that is drawn.

    Args:
        of_primitives: the controls of PrimitiveNodes, which win over the widget's own.
    """
    for node in flat.nodes.values():
        spec = node.state.spec
        assert spec is not None
        for name, widget in drawn_seeds(node.state):
            yield Control((node.id, name), "randomize", widget.type, {**widget.options, "min": 0})
        widgets: dict[str, Widget] = {}
        for widget, value in read_widgets(spec, saved_values(node.node, spec)):
            widgets[widget.name] = widget
            name, _, role = widget.name.partition("\0")
            if role == "control_after_generate":
                own = widgets[name]
                mode = control_mode(of_primitives.get((node.id, name), value))
                yield Control((node.id, name), mode, own.type, own.options)


def drawn_seeds(state: NodeState) -> Iterator[tuple[str, Widget]]:
    """The seeds of a node that are drawn when its prompt is queued, by a rule of its pack."""
    rules = state.spec.rules if state.spec is not None else None
    for name in rules.drawn if rules is not None else ():
        widget = state.widget(name)
        if widget is not None and state.value(name) == _DRAWN:
            yield name, widget


def draw_impossible(state: NodeState, inputs: dict[str, Any], key: str) -> None:
    """Draw the seeds, in place, that the server would refuse. The same for the same key."""
    for name, widget in drawn_seeds(state):
        least = widget.options.get("min")
        if inputs.get(name) == _DRAWN and isinstance(least, (int, float)) and least > _DRAWN:
            rng = random.Random(f"{key} {name}")
            inputs[name] = next_value(_DRAWN, "randomize", widget.type, widget.options, rng)
