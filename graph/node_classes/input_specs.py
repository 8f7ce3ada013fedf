"""Inputs as `/object_info` writes them: their forms, and what a fresh widget holds.

Source: the widgets of front end 1.49.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__slots__": ()})()

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"
DYNAMIC_GROUP = "COMFY_DYNAMICGROUP_V3"
MATCH_TYPE = "COMFY_MATCHTYPE_V3"
MULTI_COMBO = "MULTI_COMBO"  # our name for a combo that holds a list: it has no rule of combos
NO_OPTIONS: dict[str, Any] = {}


def normal_spec(spec: Any) -> tuple[str, dict[str, Any]]:
    """`["INT", {...}]`, `["MODEL"]`, `[["a", "b"], {...}]` or a bare type -> (type, options)."""
    kind, options = spec, None
    if isinstance(spec, (list, tuple)):
        kind = spec[0] if spec else "*"
        options = spec[1] if len(spec) > 1 else None
    if not isinstance(options, dict):
        options = NO_OPTIONS
    if isinstance(kind, (list, tuple)):
        return "COMBO", {**options, "options": list(kind)}
    return kind if isinstance(kind, str) else str(kind), options


def default_value(widget_type: str, options: dict[str, Any]) -> Any:
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
    if widget_type == MULTI_COMBO:
        return []  # whatever the class says: the front end starts with no choice
    inner = options.get("options")
    inner = inner if isinstance(inner, Mapping) else NO_OPTIONS
    if widget_type in _DEFAULT_INSIDE:
        key, otherwise = _DEFAULT_INSIDE[widget_type]
        return inner.get(key) or otherwise
    if widget_type == "COMPOSITOR" and not isinstance(default, Mapping):
        return {}
    if widget_type == "COLOR" and default is None:
        default = inner.get("default")
    return _PLAIN_DEFAULTS.get(widget_type, "") if default is None else default


_PLAIN_DEFAULTS: dict[str, Any] = {
    "INT": 0,
    "FLOAT": 0,
    "BOOLEAN": False,
    "COLOR": "#000000",
    "IMAGECOMPARE": ["", ""],
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512},
    "BOUNDING_BOXES": [],
    "COLORS": [],
    "CURVE": {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"},
    "RANGE": {"min": 0, "max": 1},
    "VIDEO_EDIT": {
        "trim": {"start_time": 0, "duration": 0},
        "crop": {"x": 0, "y": 0, "width": 0, "height": 0},
    },
    "IMAGEUPLOAD": "image",
    "AUDIOUPLOAD": "",
}

# Widgets that keep their default among their own options: the key, and what an absent one means.
_DEFAULT_INSIDE: dict[str, tuple[str, Any]] = {
    "CHART": ("data", {}),
    "GALLERIA": ("images", []),
    "TEXTAREA": ("default", ""),
}


def items_of(section: Any) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in section.items()] if isinstance(section, Mapping) else []


def dicts_of(items: Any) -> list[Mapping[str, Any]]:
    return [i for i in items if isinstance(i, Mapping)] if isinstance(items, (list, tuple)) else []


def hidden_kinds(definition: Any) -> frozenset[str]:
    """What a class of /object_info asks for without an input: "UNIQUE_ID", "PROMPT" and the like.

    Source: execution.py `get_input_data`; a newer class writes `["PROMPT"]` (0.3.64 and 0.33).
    """
    sections = definition.get("input") if isinstance(definition, Mapping) else None
    hidden = sections.get("hidden") if isinstance(sections, Mapping) else None
    kinds = [kind for _, kind in items_of(hidden)]
    plain = [k[0] if isinstance(k, (list, tuple)) and k else k for k in kinds]
    return frozenset(k for k in plain if isinstance(k, str))
