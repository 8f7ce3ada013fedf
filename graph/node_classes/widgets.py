"""Which widgets a node has, and which value of `widgets_values` belongs to which.

`widgets_values` is positional, and one misjudged place moves every later value: so the places are
worked out from `/object_info` alone, left to right (a dynamic combo's value decides what follows
it).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import WorkflowError
from ..workflow.model import Node
from .core_nodes import CUSTOM_COMBO
from .input_specs import DYNAMIC_COMBO, MISSING
from .node_class import ClassSpec, Widget
from .object_info import ObjectInfo, index_object_info
from .pack_widgets import apply_rules, named_values

__all__ = [
    "ObjectInfo",
    "index_object_info",
    "read_widgets",
    "saved_values",
    "widget_values",
]

_UNPLAIN = frozenset({"COMBO", DYNAMIC_COMBO})

_BY_JAVASCRIPT = (
    "the node's own JavaScript made them, so what it sends can't be known. Export this workflow in "
    "the browser (Export (API)) and use that file"
)


def widget_values(node: Node, spec: ClassSpec) -> dict[str, Any]:
    """The value of every widget that is in the prompt, by name. Absent ones are left out.

    Raises:
        WorkflowError: the saved values can't be matched with the class's widgets.
    """
    if spec.is_custom:
        _check_sockets(node, spec)
    saved = saved_values(node, spec)
    if spec.rules is not None:
        values = _by_reading(spec, saved)
        if type(saved) is list and not spec.rules.ignores_surplus and spec.rules.rows is None:
            _check_length(node, spec, saved)
        apply_rules(values, node, spec, spec.rules, saved)
        return values
    if spec.is_static and type(saved) is list:
        # The commonest case by far, without a generator.
        values: dict[str, Any] = {}
        place, count = 0, len(saved)
        for widget in spec.widgets:
            if widget.is_saved and place < count:
                value = saved[place]
                place += 1
                if value is None:
                    value = _instead_of_null(widget)
                elif type(value) is dict:
                    value = _choice(widget, value)
            else:
                value = widget.default
            if widget.is_sent and value is not MISSING:
                values[widget.name] = value
        if place < count and spec.is_custom:
            _check_surplus(node, spec, saved[place:])
        return values
    if spec.has_formats and type(saved) is list:
        _check_length(node, spec, saved)
    return _by_reading(spec, saved)


def _by_reading(spec: ClassSpec, saved: list[Any] | dict[str, Any]) -> dict[str, Any]:
    return {
        w.name: value
        for w, value in read_widgets(spec, saved)
        if w.is_sent and value is not MISSING
    }


def _check_length(node: Node, spec: ClassSpec, saved: list[Any]) -> None:
    """See that a list has the values of today's widgets, and no shift is possible.

    A class whose old files have other places has a list here only if it is too short for these; so
    have widgets that a combo's choice brings.
    """
    count = sum(w.is_saved for w, _ in read_widgets(spec, saved))
    had_others = spec.rules is not None and bool(spec.rules.old_places)
    if (had_others or spec.has_formats) and saved and len(saved) != count:
        raise WorkflowError(
            "Widget values can't be read:",
            [
                node.problem(
                    f"the file has {len(saved)} values for its {count} widgets, and which belongs "
                    "to which can't be known. Load and save the file again in the browser, or "
                    "export it there (Export (API)) and use that file"
                )
            ],
        )
    if len(saved) > count and spec.is_custom:
        _check_surplus(node, spec, saved[count:])


def saved_values(node: Node, spec: ClassSpec) -> list[Any] | dict[str, Any]:
    """`widgets_values` as this class's widgets read it.

    Old files have places for forced inputs too, which are left out.

    Source: behaviour of `migrateWidgetsValues` in front end 1.49.6 (files from before 1.16).
    """
    saved = node.widgets_values
    if saved is None:
        return []
    if spec.rules is not None:
        saved = named_values(saved, spec.rules)
    if isinstance(saved, dict):
        _check_names(node, spec, saved)
        return saved
    if not isinstance(saved, list):
        raise WorkflowError(
            "Widget values can't be read:",
            [node.problem(f"widgets_values must be a list, not {type(saved).__name__}")],
        )
    mask = spec.force_input_mask
    if mask is not None and len(mask) == len(saved):
        return [v for v, is_forced in zip(saved, mask, strict=True) if not is_forced]
    return saved


def read_widgets(
    spec: ClassSpec, saved: list[Any] | dict[str, Any]
) -> Iterator[tuple[Widget, Any]]:
    """Every widget of a node with its value, in order, also those that are only in the file."""
    if spec.class_type == CUSTOM_COMBO and isinstance(saved, list):
        yield from _custom_combo(spec, saved)
        return
    place = 0
    stack = list(reversed(spec.elements))
    while stack:
        widget = stack.pop()
        if not isinstance(widget, Widget):
            continue
        value = widget.default
        if isinstance(saved, dict):
            value = saved.get(_plain_name(widget), value)
        elif widget.is_saved and place < len(saved):
            value = saved[place]
            place += 1
        if value is None:
            value = _instead_of_null(widget)
        elif type(value) is dict:
            value = _choice(widget, value)
        yield widget, value
        if widget.brings_others:
            stack.extend(reversed(spec.sub_elements(widget, value)))


def _instead_of_null(widget: Widget) -> Any:
    """A combo never holds null, nor does a text area; other widgets do."""
    if widget.type in _UNPLAIN:
        choices = widget.options.get("options")
        if widget.type == DYNAMIC_COMBO:
            return widget.default
        if isinstance(choices, (list, tuple)):
            return choices[0] if choices else None
        return None
    if widget.type == "STRING" and widget.options.get("multiline"):
        return ""
    return None


def _choice(widget: Widget, value: dict[str, Any]) -> Any:
    """The choice in `{"content": choice, "image": ...}`; other objects as they are.

    Source: files of Custom-Scripts, which once showed a picture beside each choice.
    """
    content = value.get("content")
    is_choice = widget.type == "COMBO" and "image" in value and isinstance(content, str)
    return content if is_choice else value


def _custom_combo(spec: ClassSpec, saved: list[Any]) -> Iterator[tuple[Widget, Any]]:
    """choice, index, option1 ... optionN and an empty one; the index is computed, not read.

    Source: /object_info shows `choice` only (comfy_extras/nodes_logic.py of 0.33.0 uses `index`).
    """
    options = list(saved[2:])
    if not options or options[-1] != "":
        options.append("")
    choices = [o for o in options if o and isinstance(o, str)]
    choice = saved[0] if saved else MISSING
    if choice is None or choice is MISSING:
        choice = choices[0] if choices else MISSING
    yield spec.by_name.get("choice", Widget("choice", "COMBO", "COMBO")), choice
    index = choices.index(choice) if isinstance(choice, str) and choice in choices else -1
    yield Widget("index", "INT", "INT", default=-1, has_socket=False), index
    for i, option in enumerate(options):
        yield Widget(f"option{i + 1}", "STRING", "STRING", default="", has_socket=False), option


def _plain_name(widget: Widget) -> str:
    return widget.name.rpartition("\0")[2]


def _check_names(node: Node, spec: ClassSpec, saved: dict[str, Any]) -> None:
    """Named values are read only when every name is a widget of the class.

    Packs that are known to save by name have names that are of the page only.
    """
    if spec.rules is not None and spec.rules.named_only:
        return
    known = {_plain_name(w) for w, _ in read_widgets(spec, saved)}
    extra = [str(name) for name in saved if name not in known]
    if extra:
        raise WorkflowError(
            "Widget values can't be read:",
            [
                node.problem(
                    "its widgets_values are saved by name, and the server's definition has no "
                    f"widget {_names(extra)}: {_BY_JAVASCRIPT}"
                )
            ],
        )


def _names(names: list[str]) -> str:
    return ", ".join(map(repr, names[:6])) + (" ..." if len(names) > 6 else "")


def _check_sockets(node: Node, spec: ClassSpec) -> None:
    """Refuse widgets of types that a pack invented: the file marks their sockets."""
    taken_away = spec.rules.sockets if spec.rules is not None else ()
    strange = [
        s["name"]
        for s in node.inputs
        if s.get("widget")
        and s.get("name") in spec.inputs
        and s["name"] not in spec.by_name
        and s["name"] not in taken_away
        and not spec.inputs[s["name"]][1].get("forceInput")
    ]
    if strange:
        raise WorkflowError(
            "Widget values can't be read:",
            [
                node.problem(
                    f"the server's definition has no widget for its inputs {_names(strange)}, but "
                    f"the file has: {_BY_JAVASCRIPT}"
                )
            ],
        )


def _is_forced(spec: ClassSpec, name: Any) -> bool:
    return name in spec.inputs and bool(spec.inputs[name][1].get("forceInput"))


def _check_surplus(node: Node, spec: ClassSpec, surplus: list[Any]) -> None:
    """Refuse further values of a pack's node that show that its JavaScript makes more widgets.

    They do if one is an object, or if the file does not have a required socket as one: then it
    is a widget there. All others are ignored, as in the browser: what is shown after a run, and
    widgets that the class had once.
    """
    sockets = {
        s.get("name")
        for s in node.inputs
        if s.get("link") is not None or not s.get("widget") or _is_forced(spec, s.get("name"))
    }
    is_strange = any(isinstance(v, dict) and v for v in surplus)
    if is_strange or not sockets.issuperset(spec.required_sockets):
        raise WorkflowError(
            "Widget values can't be read:",
            [
                node.problem(
                    "its widgets_values hold more than the server's definition has widgets: "
                    f"{_BY_JAVASCRIPT}"
                )
            ],
        )
