"""Where a widget's value stands in `widgets_values`, and a node with another value there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import WorkflowError
from ..workflow.model import Node
from .core_nodes import CUSTOM_COMBO
from .input_specs import MISSING
from .node_class import ClassSpec, Widget
from .object_info import ObjectInfo
from .widgets import read_widgets, saved_values, widget_values


def _spec_of(node: Node, info: ObjectInfo) -> ClassSpec:
    spec = info.spec(node.type)
    if spec is None:
        raise WorkflowError(
            "A widget can't be found:", [node.problem("the server does not know this node type")]
        )
    return spec


def widget_index(node: Node, info: ObjectInfo, input_name: str) -> int | None:
    """The place of a widget in `widgets_values`, as the file was saved.

    None: the class has no such widget, or it has no place there (also: values saved by name).
    """
    spec = _spec_of(node, info)
    saved = saved_values(node, spec)
    if isinstance(saved, dict):
        return None
    place = 0
    for widget, _ in read_widgets(spec, saved):
        if widget.name == input_name:
            return _file_place(place, node, spec) if widget.is_saved else None
        place += widget.is_saved
    return None


def _file_place(place: int, node: Node, spec: ClassSpec) -> int:
    """A place among today's widgets -> the place in a file that has forced inputs too."""
    mask = spec.force_input_mask
    if mask is None or len(mask) != len(node.widgets_values or ()):
        return place
    return [i for i, is_forced in enumerate(mask) if not is_forced][place]


def with_widget_value(node: Node, info: ObjectInfo, input_name: str, value: Any) -> Node:
    """A new node whose widget `input_name` has this value; the other widgets keep theirs.

    Raises:
        WorkflowError: the class has no such widget, or is unknown.
    """
    spec = _spec_of(node, info)
    saved = saved_values(node, spec)
    if spec.rules is not None or spec.has_formats:
        widget_values(node, spec)  # which see that the places are certain
    if spec.rules is not None and (spec.rules.rows is not None or spec.rules.decides(input_name)):
        raise WorkflowError(
            "A value can't be set:",
            [node.problem(f"its JavaScript decides what it sends as {input_name!r}")],
        )
    pairs = list(read_widgets(spec, saved))
    if not any(w.name == input_name and w.is_saved for w, _ in pairs):
        known = ", ".join(w.name for w, _ in pairs if w.is_sent) or "none"
        raise WorkflowError(
            "A value can't be set:",
            [node.problem(f"it has no widget {input_name!r}; its widgets: {known}")],
        )
    if isinstance(saved, dict):
        return replace(node, widgets_values={**saved, input_name: value})
    by_name = {w.name: v for w, v in pairs}
    by_name[input_name] = value
    if spec.class_type == CUSTOM_COMBO:
        return replace(node, widgets_values=[None if v is MISSING else v for v in by_name.values()])
    # Read anew by name: another value of a dynamic combo brings other widgets.
    values = [v for w, v in _by_full_name(spec, by_name) if w.is_saved]
    return replace(node, widgets_values=[None if v is MISSING else v for v in values])


def _by_full_name(spec: ClassSpec, by_name: dict[str, Any]) -> Iterator[tuple[Widget, Any]]:
    stack = list(reversed(spec.elements))
    while stack:
        widget = stack.pop()
        if isinstance(widget, Widget):
            value = by_name.get(widget.name, widget.default)
            yield widget, value
            if widget.brings_others:
                stack.extend(reversed(spec.sub_elements(widget, value)))
