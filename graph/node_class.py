"""One node class of `/object_info`: its sockets and widgets, in the editor's order.

Compiled by `object_info.py`; read by `widgets.py` (values) and `bypass.py` (types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import core_nodes
from .core_nodes import CUSTOM_COMBO, WIDGET_TYPES

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__slots__": ()})()

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
MATCH_TYPE = "COMFY_MATCHTYPE_V3"
_UPLOAD_FLAGS = ("image_upload", "video_upload", "animated_image_upload")
_NO_OPTIONS: dict[str, Any] = {}


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
    is_static: bool = True
    widgets: tuple[Widget, ...] = ()
    by_name: dict[str, Widget] = field(default_factory=dict)
    _options: dict[tuple[str, str], tuple[Element, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.widgets = tuple(e for e in self.elements if isinstance(e, Widget))
        self.by_name = {w.name: w for w in self.widgets}
        self.is_static = (
            not any(w.type == DYNAMIC_COMBO for w in self.widgets)
            and self.class_type != CUSTOM_COMBO
        )

    def sub_elements(self, combo: Widget, key: Any) -> tuple[Element, ...]:
        """The inputs that the option `key` of a dynamic combo brings. Unknown key: none."""
        if not isinstance(key, str):
            return ()
        at = (combo.name, key)
        found = self._options.get(at)
        if found is None:
            found = ()
            for option in dicts_of(combo.options.get("options")):
                if option.get("key") == key:
                    sections = option.get("inputs")
                    if isinstance(sections, Mapping):
                        names = [
                            (f"{combo.name}.{n}", spec, s == "optional")
                            for s in ("required", "optional")
                            for n, spec in items_of(sections.get(s))
                        ]
                        found = tuple(e for n in names for e in _elements(*n))
                    break
            self._options[at] = found
        return found


def normal_spec(spec: Any) -> tuple[str, dict[str, Any]]:
    """`["INT", {...}]`, `["MODEL"]`, `[["a", "b"], {...}]` or a bare type -> (type, options)."""
    kind, options = spec, None
    if isinstance(spec, (list, tuple)):
        kind = spec[0] if spec else "*"
        options = spec[1] if len(spec) > 1 else None
    if not isinstance(options, dict):
        options = _NO_OPTIONS
    if isinstance(kind, (list, tuple)):
        return "COMBO", {**options, "options": list(kind)}
    return kind if isinstance(kind, str) else str(kind), options


def compile_class(class_type: str, definition: Mapping[str, Any]) -> ClassSpec:
    sections = definition.get("input")
    sections = sections if isinstance(sections, Mapping) else {}
    required = dict(items_of(sections.get("required")))
    optional = dict(items_of(sections.get("optional")))
    _add_core_inputs(class_type, required)
    specs = {**optional, **required}
    inputs = {name: normal_spec(spec) for name, spec in specs.items()}
    by_file = [*required, *(n for n in optional if n not in required)]
    order = _ordered(definition.get("input_order"), required, optional, by_file)
    elements = tuple(
        e for name in order for e in _elements(name, specs[name], name not in required)
    )
    groups = definition.get("output_matchtypes")
    outputs = definition.get("output")
    outputs = outputs if isinstance(outputs, (list, tuple)) else ()
    return ClassSpec(
        class_type,
        _with_core_widgets(class_type, elements),
        tuple("COMBO" if isinstance(o, (list, tuple)) else str(o) for o in outputs),
        tuple(groups) if isinstance(groups, (list, tuple)) else (),
        bool(definition.get("output_node")),
        str(definition.get("python_module")).startswith("custom_nodes"),
        str(definition.get("display_name") or definition.get("name") or class_type),
        inputs,
        _force_input_mask(by_file, inputs, elements),
        tuple(e.name for e in elements if isinstance(e, Socket) and e.name in required),
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


def _elements(name: str, spec: Any, is_optional: bool) -> tuple[Element, ...]:
    """What the editor builds for one input: a socket, or a widget and what follows it."""
    kind, options = normal_spec(spec)
    if kind == AUTOGROW:
        return _autogrow(name, options)
    if kind == MATCH_TYPE:
        template = options.get("template")
        template = template if isinstance(template, Mapping) else _NO_OPTIONS
        return (
            Socket(name, str(template.get("allowed_types") or "*"), template.get("template_id")),
        )
    wanted = options.get("widgetType")
    widget_type = wanted if isinstance(wanted, str) else kind
    if widget_type not in WIDGET_TYPES or options.get("forceInput"):
        return (Socket(name, kind),)
    widget = Widget(
        name,
        widget_type,
        kind,
        options,
        _default(widget_type, options),
        is_saved=widget_type not in core_nodes.UNSAVED_WIDGET_TYPES,
        is_sent=widget_type not in ("IMAGEUPLOAD", "AUDIOUPLOAD"),
        has_socket=not options.get("socketless"),
    )
    return (widget, *_followers(widget))


def _followers(widget: Widget) -> Iterator[Widget]:
    """Places in widgets_values that belong to a widget, and are not in the prompt."""
    control = widget.options.get("control_after_generate")
    if control is None:
        control = widget.type == "INT" and widget.name in ("seed", "noise_seed")
    names: tuple[str, ...] = ()
    if control and widget.type in ("INT", "FLOAT", "COMBO"):
        names = ("control_after_generate",)
        if widget.type == "COMBO":
            names += ("control_filter_list",)
    elif widget.type == "BOUNDING_BOX":
        names = core_nodes.EDIT_BOXES
    for name in names:
        yield Widget(
            f"{widget.name}\0{name}",
            "CONTROL",
            "",
            default="fixed" if name[:4] == "cont" else "",
            is_sent=False,
            has_socket=False,
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
            found += _elements(f"{name}.{names[row] if names else f'{prefix}{row}'}", spec, True)
    return tuple(found)


def _with_core_widgets(class_type: str, elements: tuple[Element, ...]) -> tuple[Element, ...]:
    if class_type not in core_nodes.LOAD_3D_WITH_BUTTONS:
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


def _default(widget_type: str, options: dict[str, Any]) -> Any:
    """What a fresh widget holds. MISSING: nothing, and the input is absent."""
    default = options.get("default")
    if widget_type == "COMBO":
        choices = options.get("options")
        if default:
            return default
        if isinstance(choices, (list, tuple)) and choices:
            return choices[0]
        return "Loading..." if options.get("remote") else MISSING
    if widget_type == DYNAMIC_COMBO:
        keys = [o.get("key") for o in dicts_of(options.get("options"))]
        return keys[0] if keys else MISSING
    if default is not None:
        return default
    return _PLAIN_DEFAULTS.get(widget_type, "")


_PLAIN_DEFAULTS: dict[str, Any] = {
    "INT": 0,
    "FLOAT": 0,
    "BOOLEAN": False,
    "COLOR": "#000000",
    "IMAGECOMPARE": ["", ""],
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512},
    "BOUNDING_BOXES": [],
    "COLORS": [],
    "CURVE": [[0, 0], [1, 1]],
    "COMPOSITOR": {},
    "IMAGEUPLOAD": "image",
    "AUDIOUPLOAD": "",
}


def items_of(section: Any) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in section.items()] if isinstance(section, Mapping) else []


def dicts_of(items: Any) -> list[Mapping[str, Any]]:
    return [i for i in items if isinstance(i, Mapping)] if isinstance(items, (list, tuple)) else []
