"""`/object_info`, indexed: what a node class takes and gives, in the order in which the editor builds it.

Classes are compiled when they are first asked for, and kept. Used by `widgets.py`, which re-exports `ObjectInfo`
and `index_object_info`, and by everything in this package that asks for a type.
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

    `is_saved`: it has a place in widgets_values. `is_sent`: it is in the prompt. `default` may be MISSING: then
    the input is absent. `type` chooses the widget, `slot_type` is the type of the socket beside it.
    """

    name: str
    type: str
    slot_type: str
    options: dict[str, Any] = field(default_factory=dict)
    default: Any = MISSING
    is_saved: bool = True
    is_sent: bool = True
    has_socket: bool = True
    is_plain: bool = True  # the value goes out as it is saved, unless it is a list


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
    is_static: bool = True
    widgets: tuple[Widget, ...] = ()
    by_name: dict[str, Widget] = field(default_factory=dict)
    # For the commonest case: (name, is_list_like_possible) of saved widgets, see widgets.py
    plans: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.widgets = tuple(e for e in self.elements if isinstance(e, Widget))
        self.by_name = {w.name: w for w in self.widgets}
        self.is_static = (
            not any(w.type == DYNAMIC_COMBO for w in self.widgets) and self.class_type != CUSTOM_COMBO
        )

    def sub_elements(self, combo: Widget, key: Any) -> tuple[Element, ...]:
        """The inputs that the option `key` of a dynamic combo brings. Unknown key: none."""
        if not isinstance(key, str):
            return ()
        at = (combo.name, key)
        found = self.plans.get(at)
        if found is None:
            found = ()
            for option in _dicts(combo.options.get("options")):
                if option.get("key") == key:
                    sections = option.get("inputs")
                    if isinstance(sections, Mapping):
                        names = [
                            (f"{combo.name}.{n}", spec, s == "optional")
                            for s in ("required", "optional")
                            for n, spec in _items(sections.get(s))
                        ]
                        found = tuple(e for n in names for e in _elements(*n))
                    break
            self.plans[at] = found
        return found


class ObjectInfo:
    """An indexed `/object_info`. Build it once per server: `index_object_info`."""

    __slots__ = ("raw", "_specs")

    def __init__(self, raw: Mapping[str, Any]):
        self.raw = raw
        self._specs: dict[str, ClassSpec] = {}

    def __contains__(self, class_type: object) -> bool:
        return class_type in self.raw or class_type in core_nodes.BUILT_IN_CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def spec(self, class_type: str) -> ClassSpec | None:
        """The compiled class, or None for an unknown one."""
        found = self._specs.get(class_type)
        if found is None:
            definition = self.raw.get(class_type)
            if definition is None:
                definition = core_nodes.BUILT_IN_CLASSES.get(class_type)
            if not isinstance(definition, Mapping):
                return None
            found = self._specs[class_type] = _compile(class_type, definition)
        return found

    def output_types(self, class_type: str) -> tuple[str, ...]:
        """The types of the class's outputs; none for an unknown class."""
        spec = self.spec(class_type)
        return spec.outputs if spec else ()

    def is_output_node(self, class_type: str) -> bool:
        spec = self.spec(class_type)
        return spec is not None and spec.is_output_node

    def input_spec(self, class_type: str, input_name: str) -> tuple[str, dict[str, Any]] | None:
        """Type and options of an input, also of one that a dynamic input brings ("format.codec").

        A combo has the type "COMBO" and its values in `options["options"]`, in either form of /object_info.
        """
        spec = self.spec(class_type)
        if spec is None:
            return None
        found = spec.inputs.get(input_name)
        return found if found is not None else _nested_input(spec, input_name)


def index_object_info(object_info: Mapping[str, Any] | ObjectInfo) -> ObjectInfo:
    """Index a server's `/object_info`. An `ObjectInfo` comes back as it is."""
    return object_info if isinstance(object_info, ObjectInfo) else ObjectInfo(object_info)


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


def _compile(class_type: str, definition: Mapping[str, Any]) -> ClassSpec:
    sections = definition.get("input")
    sections = sections if isinstance(sections, Mapping) else {}
    required = dict(_items(sections.get("required")))
    optional = dict(_items(sections.get("optional")))
    core_nodes_inputs(class_type, required)
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
        class_type, _with_core_widgets(class_type, elements),
        tuple("COMBO" if isinstance(o, (list, tuple)) else str(o) for o in outputs),
        tuple(groups) if isinstance(groups, (list, tuple)) else (),
        bool(definition.get("output_node")),
        str(definition.get("python_module")).startswith("custom_nodes"),
        str(definition.get("display_name") or definition.get("name") or class_type),
        inputs, _force_input_mask(by_file, inputs, elements),
    )


def core_nodes_inputs(class_type: str, required: dict[str, Any]) -> None:
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
    """Places of widgets_values in files from before front end 1.16, where forced inputs had one too."""
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
        return (Socket(name, str(template.get("allowed_types") or "*"), template.get("template_id")),)
    wanted = options.get("widgetType")
    widget_type = wanted if isinstance(wanted, str) else kind
    if widget_type not in WIDGET_TYPES or options.get("forceInput"):
        return (Socket(name, kind),)
    widget = Widget(
        name, widget_type, kind, options, _default(widget_type, options),
        is_saved=widget_type not in core_nodes.UNSAVED_WIDGET_TYPES,
        is_sent=widget_type not in ("IMAGEUPLOAD", "AUDIOUPLOAD"),
        has_socket=not options.get("socketless"),
        is_plain=not (
            widget_type in ("COMBO", DYNAMIC_COMBO, "CURVE", "IMAGECOMPARE")
            or (widget_type == "STRING" and (options.get("dynamicPrompts") or options.get("multiline")))
        ),
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
            f"{widget.name}\0{name}", "CONTROL", "", default="fixed" if name[:4] == "cont" else "",
            is_sent=False, has_socket=False,
        )


def _autogrow(name: str, options: dict[str, Any]) -> tuple[Element, ...]:
    """The rows that the editor makes at first; more come from the file's own sockets."""
    template = options.get("template")
    if not isinstance(template, Mapping):
        return ()
    sections = template.get("input")
    sections = sections if isinstance(sections, Mapping) else {}
    specs = [i for s in ("required", "optional") for i in _items(sections.get(s))]
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
        keys = [o.get("key") for o in _dicts(options.get("options"))]
        return keys[0] if keys else MISSING
    if default is not None:
        return default
    return _PLAIN_DEFAULTS.get(widget_type, "")


_PLAIN_DEFAULTS: dict[str, Any] = {
    "INT": 0, "FLOAT": 0, "BOOLEAN": False, "COLOR": "#000000", "IMAGECOMPARE": ["", ""],
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512}, "BOUNDING_BOXES": [], "COLORS": [],
    "CURVE": [[0, 0], [1, 1]], "COMPOSITOR": {}, "IMAGEUPLOAD": "image", "AUDIOUPLOAD": "",
}


def _nested_input(spec: ClassSpec, input_name: str) -> tuple[str, dict[str, Any]] | None:
    """An input of a dynamic input: "format.codec", "images.image3"."""
    for name, (kind, options) in spec.inputs.items():
        if not input_name.startswith(name + "."):
            continue
        if kind == AUTOGROW:
            template = options.get("template")
            sections = template.get("input") if isinstance(template, Mapping) else None
            if isinstance(sections, Mapping):
                for section in ("required", "optional"):
                    for _, inner in _items(sections.get(section)):
                        return normal_spec(inner)
        if kind == DYNAMIC_COMBO:
            found = _nested_option(name, options, input_name)
            if found is not None:
                return found
    return None


def _nested_option(
    name: str, options: dict[str, Any], input_name: str
) -> tuple[str, dict[str, Any]] | None:
    for option in _dicts(options.get("options")):
        sections = option.get("inputs")
        if not isinstance(sections, Mapping):
            continue
        for section in ("required", "optional"):
            for inner, spec in _items(sections.get(section)):
                kind, inner_options = normal_spec(spec)
                full = f"{name}.{inner}"
                if full == input_name:
                    return kind, inner_options
                if kind == DYNAMIC_COMBO and input_name.startswith(full + "."):
                    found = _nested_option(full, inner_options, input_name)
                    if found is not None:
                        return found
                if kind == AUTOGROW and input_name.startswith(full + "."):
                    rows = _autogrow(full, inner_options)
                    if rows:
                        first = rows[0]
                        if isinstance(first, Widget):
                            return first.type, first.options
                        return first.type, _NO_OPTIONS
    return None


def _items(section: Any) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in section.items()] if isinstance(section, Mapping) else []


def _dicts(items: Any) -> list[Mapping[str, Any]]:
    return [i for i in items if isinstance(i, Mapping)] if isinstance(items, (list, tuple)) else []
