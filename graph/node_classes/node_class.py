"""One node class of `/object_info`: its sockets and widgets, in the editor's order.

Compiled by `object_info.py`; read by `widgets.py` (values) and `bypass.py` (types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..packs.rules import ClassRules
from . import core_nodes
from .core_nodes import CUSTOM_COMBO, SAVE_NODES, UNKNOWN_WIDGET_TYPES, WIDGET_TYPES
from .input_specs import (
    AUTOGROW,
    DYNAMIC_COMBO,
    DYNAMIC_GROUP,
    MATCH_TYPE,
    MISSING,
    MULTI_COMBO,
    NO_OPTIONS,
    default_value,
    dicts_of,
    items_of,
    normal_spec,
)

_MOST_ROWS = 1000  # of a group that names no limit: a damaged file could ask for any number
_UPLOAD_FLAGS = ("image_upload", "video_upload", "animated_image_upload")


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


@dataclass(slots=True)
class ClassSpec:
    """One node class, compiled. `elements` are its inputs in the editor's order, top level only."""

    class_type: str
    elements: tuple[Element, ...]
    outputs: tuple[str, ...]
    output_groups: tuple[str | None, ...]
    is_output_node: bool
    is_custom: bool
    display_name: str
    inputs: dict[str, tuple[str, dict[str, Any]]]
    # Which places of an old file belong to inputs that are sockets today (None: no such input).
    force_input_mask: tuple[bool, ...] | None
    required_sockets: tuple[str, ...]
    rules: ClassRules | None = None
    is_static: bool = True
    has_formats: bool = False
    # Texts of these inputs are file names in which %patterns% are filled in.
    patterns: frozenset[str] = frozenset()
    widgets: tuple[Widget, ...] = ()
    by_name: dict[str, Widget] = field(default_factory=dict)
    _options: dict[tuple[str, str], tuple[Element, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.widgets = tuple(e for e in self.elements if isinstance(e, Widget))
        self.by_name = {w.name: w for w in self.widgets}
        self.is_static = (
            not any(w.brings_others for w in self.widgets) and self.class_type != CUSTOM_COMBO
        )
        is_saver = self.class_type in SAVE_NODES or (self.is_custom and self.is_output_node)
        own = self.rules.patterns if self.rules is not None else ()
        self.patterns = frozenset((*own, *(("filename_prefix",) if is_saver else ())))
        self.has_formats = any(w.type == "COMBO" and w.brings_others for w in self.widgets)

    def sub_elements(self, combo: Widget, key: Any) -> tuple[Element, ...]:
        """The inputs that the option `key` of a dynamic combo brings. Unknown key: none."""
        if combo.type == DYNAMIC_GROUP:
            key = str(_group_size(combo.options, key))
        if not isinstance(key, str):
            return ()
        at = (combo.name, key)
        if at not in self._options and combo.type == DYNAMIC_GROUP:
            self._options[at] = tuple(_group_rows(combo.name, combo.options, int(key)))
        if at not in self._options and combo.type == "COMBO":
            self._options[at] = tuple(
                element
                for spec in combo.options["formats"].get(key) or ()
                for element in _elements(spec[0], spec[1:])
            )
        if at not in self._options:
            options = dicts_of(combo.options.get("options"))
            option = next((o for o in options if o.get("key") == key), None)
            if option is None:
                return ()
            sections = option.get("inputs")
            sections = sections if isinstance(sections, Mapping) else NO_OPTIONS
            self._options[at] = tuple(
                element
                for section in ("required", "optional")
                for name, spec in items_of(sections.get(section))
                for element in _elements(f"{combo.name}.{name}", spec)
            )
        return self._options[at]


def compile_class(
    class_type: str, definition: Mapping[str, Any], rules: ClassRules | None = None
) -> ClassSpec:
    sections = definition.get("input")
    sections = sections if isinstance(sections, Mapping) else {}
    required = dict(items_of(sections.get("required")))
    optional = dict(items_of(sections.get("optional")))
    _add_core_inputs(class_type, required)
    specs = {**optional, **required}
    inputs = {name: normal_spec(spec) for name, spec in specs.items()}
    by_file = [*required, *(n for n in optional if n not in required)]
    order = _ordered(definition.get("input_order"), required, optional, by_file)
    elements = tuple(e for name in order for e in _elements(name, specs[name]))
    pickers = tuple(e.name for e in elements if isinstance(e, Widget) and _is_picker(e))
    if pickers:
        rules = replace(rules or ClassRules(), first_choice=pickers)
    unknown = sorted({kind for kind, _ in inputs.values()} & UNKNOWN_WIDGET_TYPES)
    if unknown:
        rules = replace(
            rules or ClassRules(),
            refusal=f"it has a widget of a newer front end, {unknown[0]}, and what that sends is "
            "not known here. Export the workflow in the browser (Export (API)) and use that file",
        )
    groups = definition.get("output_matchtypes")
    outputs = definition.get("output")
    outputs = outputs if isinstance(outputs, (list, tuple)) else ()
    return ClassSpec(
        class_type,
        _with_core_widgets(elements),
        tuple("COMBO" if isinstance(o, (list, tuple)) else str(o) for o in outputs),
        tuple(groups) if isinstance(groups, (list, tuple)) else (),
        bool(definition.get("output_node")),
        str(definition.get("python_module")).startswith("custom_nodes"),
        str(definition.get("display_name") or definition.get("name") or class_type),
        inputs,
        _force_input_mask(by_file, inputs, elements),
        tuple(e.name for e in elements if isinstance(e, Socket) and e.name in required),
        rules,
    )


def _is_picker(widget: Widget) -> bool:
    """Whether a combo adds something to a text beside it, and goes back to its first option.

    Source: the wildcard nodes of Impact Pack, Inspire Pack and Easy-Use.
    """
    choices = widget.options.get("options")
    return (
        widget.type == "COMBO"
        and widget.name.startswith("Select to add ")
        and isinstance(choices, (list, tuple))
        and bool(choices)
        and str(choices[0]).startswith("Select ")
    )


def _add_core_inputs(class_type: str, required: dict[str, Any]) -> None:
    """Add what core JavaScript adds to a class: viewers, and the button beside a media combo.

    They are not in `input_order`, so they come last where there is one.
    """
    for name, kind in core_nodes.EXTRA_INPUTS.get(class_type, ()):
        required[name] = [kind, {}]
    for spec in list(required.values()):
        kind, options = normal_spec(spec)
        if kind == "COMBO" and any(options.get(flag) is True for flag in _UPLOAD_FLAGS):
            required["upload"] = ["IMAGEUPLOAD", {}]
            return
    if normal_spec(required.get("audio"))[1].get("audio_upload"):
        required["upload"] = ["AUDIOUPLOAD", {}]


def _ordered(
    input_order: Any, required: dict[str, Any], optional: dict[str, Any], by_file: list[str]
) -> list[str]:
    if not isinstance(input_order, Mapping):
        return by_file
    names: dict[str, None] = {}
    for section, known in (("required", required), ("optional", optional)):
        for name in input_order.get(section) or ():
            if name in known:
                names[name] = None
    for name in by_file:
        names.setdefault(name)
    return list(names)


def _force_input_mask(
    by_file: list[str], inputs: dict[str, tuple[str, dict[str, Any]]], elements: tuple[Element, ...]
) -> tuple[bool, ...] | None:
    """Places in files from before front end 1.16, where forced inputs had one too."""
    if not any(options.get("forceInput") for _, options in inputs.values()):
        return None
    widgets = {e.name for e in elements if isinstance(e, Widget)}
    mask: list[bool] = []
    for name in by_file:
        options = inputs[name][1]
        is_forced = bool(options.get("forceInput"))
        if name in widgets or is_forced:
            mask += [is_forced, False] if options.get("control_after_generate") else [is_forced]
    return tuple(mask)


def _elements(name: str, spec: Any) -> tuple[Element, ...]:
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
                _group_size(options, None),
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


def _group_size(options: dict[str, Any], saved: Any) -> int:
    """How many rows a group has: what is saved, within its limits."""
    least, most = options.get("min"), options.get("max")
    least = least if type(least) is int else 0
    size = int(saved) if type(saved) in (int, float) and saved == saved // 1 else least
    return max(least, min(size, most if type(most) is int else _MOST_ROWS))


def _group_rows(name: str, options: dict[str, Any], rows: int) -> Iterator[Element]:
    """The fields of a group's rows: "group.0.field", required ones first."""
    template = options.get("template")
    template = template if isinstance(template, Mapping) else NO_OPTIONS
    fields = [i for s in ("required", "optional") for i in items_of(template.get(s))]
    for row in range(rows):
        for inner, spec in fields:
            yield from _elements(f"{name}.{row}.{inner}", spec)


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
            found += _elements(f"{name}.{names[row] if names else f'{prefix}{row}'}", spec)
    return tuple(found)


def _with_core_widgets(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    if not any(e.name == "model_file" for e in elements):
        return elements
    found: list[Element] = []
    for element in elements:
        if isinstance(element, Widget) and element.type == "LOAD_3D":
            found += [
                Widget(name, "BUTTON", "", default=value, has_socket=False)
                for name, value in core_nodes.LOAD_3D_BUTTONS
            ]
        found.append(element)
    return tuple(found)
