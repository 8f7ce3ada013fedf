"""One node class of `/object_info`: its sockets and widgets, in the editor's order.

Compiled by `object_info.py`; read by `widgets.py` (values) and `bypass.py` (types).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..packs.rules import ClassRules
from . import core_nodes
from .core_nodes import CUSTOM_COMBO, SAVE_NODES, UNKNOWN_WIDGET_TYPES
from .elements import Element, Socket, Widget, group_rows, group_size, make_elements
from .input_specs import (
    DYNAMIC_GROUP,
    NO_OPTIONS,
    dicts_of,
    items_of,
    normal_spec,
)

_UPLOAD_FLAGS = ("image_upload", "video_upload", "animated_image_upload")


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
            key = str(group_size(combo.options, key))
        if not isinstance(key, str):
            return ()
        at = (combo.name, key)
        if at not in self._options and combo.type == DYNAMIC_GROUP:
            self._options[at] = tuple(group_rows(combo.name, combo.options, int(key)))
        if at not in self._options and combo.type == "COMBO":
            self._options[at] = tuple(
                element
                for spec in combo.options["formats"].get(key) or ()
                for element in make_elements(spec[0], spec[1:])
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
                for element in make_elements(f"{combo.name}.{name}", spec)
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
    if rules is not None:
        specs = _with_page_widgets(specs, rules)
    elements = tuple(e for name in order for e in make_elements(name, specs[name]))
    pickers = tuple(e.name for e in elements if isinstance(e, Widget) and _is_picker(e))
    if pickers:
        rules = rules or ClassRules()
        rules = replace(rules, first_choice=(*rules.first_choice, *pickers))
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


def _with_page_widgets(specs: dict[str, Any], rules: ClassRules) -> dict[str, Any]:
    """The inputs with the widgets that the pack's JavaScript makes, without those it takes away."""
    changed = dict(specs)
    for name in specs.keys() & {*rules.widgets, *rules.sockets}:
        kind, options = normal_spec(specs[name])
        if name in rules.sockets:
            changed[name] = [kind, {**options, "forceInput": True}]
        else:
            own = {"widgetType": kind, "default": rules.widgets[name]}
            changed[name] = [kind, {**options, **own}]
    return changed


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
