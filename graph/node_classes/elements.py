"""What the editor builds for one input of a class: a socket, or a widget and what follows it.

Used by `node_class.py`, which puts the inputs of a class together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import core_nodes
from .core_nodes import WIDGET_TYPES
from .input_specs import (
    AUTOGROW,
    DYNAMIC_COMBO,
    DYNAMIC_GROUP,
    MATCH_TYPE,
    MISSING,
    MULTI_COMBO,
    NO_OPTIONS,
    default_value,
    items_of,
    normal_spec,
)

_MOST_ROWS = 1000  # of a group that names no limit: a damaged file could ask for any number


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget of a node class.

    `is_saved`: it has a place in widgets_values. `is_sent`: it is in the prompt. `default` may be
    MISSING: then the input is absent. `type` chooses the widget, `slot_type` is the type of the
    socket beside it.
    """

    name: str
    type: str
    slot_type: str
    options: dict[str, Any] = field(default_factory=dict)
    default: Any = MISSING
    is_saved: bool = True
    is_sent: bool = True
    has_socket: bool = True
    # Its value decides which further widgets there are behind it.
    brings_others: bool = False


@dataclass(frozen=True, slots=True)
class Socket:
    """An input without a widget. `group` is the template id of inputs that share one type."""

    name: str
    type: str
    group: str | None = None


Element = Widget | Socket


def make_elements(name: str, spec: Any) -> tuple[Element, ...]:
    """What the editor builds for one input: a socket, or a widget and what follows it."""
    kind, options = normal_spec(spec)
    if kind == AUTOGROW:
        return _autogrow(name, options)
    if kind == DYNAMIC_GROUP:
        return (
            Widget(
                name,
                kind,
                kind,
                options,
                group_size(options, None),
                is_sent=False,
                has_socket=False,
                brings_others=True,
            ),
        )
    if kind == MATCH_TYPE:
        template = options.get("template")
        template = template if isinstance(template, Mapping) else NO_OPTIONS
        return (
            Socket(name, str(template.get("allowed_types") or "*"), template.get("template_id")),
        )
    wanted = options.get("widgetType")
    # A class that names a widget type of its own has the JavaScript that makes it.
    widget_type = wanted if isinstance(wanted, str) else kind
    is_widget = widget_type in WIDGET_TYPES or widget_type is wanted
    if not is_widget and options.get("socketless"):
        return ()  # it shows something, and has neither a place nor a value
    if not is_widget or options.get("forceInput"):
        return (Socket(name, kind),)
    if widget_type == "COMBO" and isinstance(options.get("multi_select"), Mapping):
        widget_type = MULTI_COMBO
    widget = Widget(
        name,
        widget_type,
        kind,
        options,
        default_value(widget_type, options),
        is_saved=widget_type not in core_nodes.UNSAVED_WIDGET_TYPES,
        is_sent=widget_type not in ("IMAGEUPLOAD", "AUDIOUPLOAD"),
        has_socket=not options.get("socketless"),
        brings_others=widget_type == DYNAMIC_COMBO
        or (widget_type == "COMBO" and _has_formats(options.get("formats"))),
    )
    return (widget, *_followers(widget))


def group_size(options: dict[str, Any], saved: Any) -> int:
    """How many rows a group has: what is saved, within its limits."""
    least, most = options.get("min"), options.get("max")
    least = least if type(least) is int else 0
    size = int(saved) if type(saved) in (int, float) and saved == saved // 1 else least
    return max(least, min(size, most if type(most) is int else _MOST_ROWS))


def group_rows(name: str, options: dict[str, Any], rows: int) -> Iterator[Element]:
    """The fields of a group's rows: "group.0.field", required ones first."""
    template = options.get("template")
    template = template if isinstance(template, Mapping) else NO_OPTIONS
    fields = [i for s in ("required", "optional") for i in items_of(template.get(s))]
    for row in range(rows):
        for inner, spec in fields:
            yield from make_elements(f"{name}.{row}.{inner}", spec)


def _has_formats(formats: Any) -> bool:
    """Whether a combo's choices bring further widgets: `{choice: [[name, type, options], ...]}`.

    Source: /object_info of VideoHelperSuite, whose JavaScript makes them.
    """
    return (
        isinstance(formats, Mapping)
        and any(formats.values())
        and all(
            isinstance(row, list) and len(row) > 1 and isinstance(row[0], str)
            for rows in formats.values()
            if isinstance(rows, list)
            for row in rows
        )
        and all(isinstance(rows, list) for rows in formats.values())
    )


def _followers(widget: Widget) -> Iterator[Widget]:
    """What stands behind a widget in widgets_values; most of it is not in the prompt."""
    remote = widget.options.get("remote")
    if widget.type == "COMBO" and isinstance(remote, Mapping):
        extras = [core_nodes.REMOTE_TOGGLE]
        if remote.get("refresh_button"):
            extras.append(core_nodes.REMOTE_BUTTON)
        for name, value, is_sent in extras:
            yield Widget(name, "BUTTON", "", default=value, is_sent=is_sent, has_socket=False)
    control = widget.options.get("control_after_generate")
    if control is None:
        control = widget.type == "INT" and widget.name in ("seed", "noise_seed")
    if control and widget.type in ("INT", "FLOAT", "COMBO", MULTI_COMBO):
        mode = control if isinstance(control, str) and widget.type != "FLOAT" else "randomize"
        yield _unsent(widget, "control_after_generate", "fixed" if widget.type == "FLOAT" else mode)
        if widget.type == "COMBO":
            yield _unsent(widget, "control_filter_list", "")
    if widget.type == "BOUNDING_BOX":
        for name in core_nodes.EDIT_BOXES:
            yield _unsent(widget, name, 0)


def _unsent(widget: Widget, role: str, value: Any) -> Widget:
    """A companion of a widget. Its name holds that of the widget, which is unique."""
    return Widget(
        f"{widget.name}\0{role}", "CONTROL", "", default=value, is_sent=False, has_socket=False
    )


def _autogrow(name: str, options: dict[str, Any]) -> tuple[Element, ...]:
    """The rows that the editor makes at first; more come from the file's own sockets."""
    template = options.get("template")
    if not isinstance(template, Mapping):
        return ()
    sections = template.get("input")
    sections = sections if isinstance(sections, Mapping) else {}
    specs = [i for s in ("required", "optional") for i in items_of(sections.get(s))]
    names = template.get("names")
    names = names if isinstance(names, (list, tuple)) else None
    least = template.get("min")
    rows = max(1, (least if isinstance(least, int) else 0) + 1)
    limit = len(names) if names is not None else template.get("max")
    if isinstance(limit, int):
        rows = min(rows, limit)
    found: list[Element] = []
    for row in range(rows):
        for inner, spec in specs:
            prefix = (template.get("prefix") or "") if len(specs) == 1 else inner
            found += make_elements(f"{name}.{names[row] if names else f'{prefix}{row}'}", spec)
    return tuple(found)
