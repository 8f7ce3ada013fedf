"""What the rules of a pack make of a node's widget values.

Called by `widgets.py` for classes that have rules: `named_values` before the values are read by
their places or names, `apply_rules` after that.
"""

from __future__ import annotations

import math
from typing import Any

from ...errors import WorkflowError
from ..packs.rules import ClassRules, Rows
from ..workflow.model import Node
from .node_class import ClassSpec


def named_values(saved: Any, rules: ClassRules) -> Any:
    """What an old file has, with the names of today's widgets; else as it is.

    A list becomes values by name where it has all places of old files.
    """
    places = rules.old_places
    if isinstance(saved, list) and places and len(saved) >= len(places):
        saved = {name: v for name, v in zip(places, saved, strict=False) if name}
    if isinstance(saved, dict):
        for name, old in rules.old_names.items():
            if name not in saved and old in saved:
                saved = {**saved, name: saved[old]}
    return saved


def apply_rules(
    values: dict[str, Any], node: Node, spec: ClassSpec, rules: ClassRules, saved: Any
) -> None:
    """Change the values, in place, as the pack's JavaScript does before it sends them.

    Args:
        saved: the node's saved values, from `named_values`.

    Raises:
        WorkflowError: what would be sent is not known.
    """
    for name, key in rules.from_properties.items():
        value = node.properties.get(key)
        if value is not None and name in values:
            widget = spec.by_name.get(name)
            is_int = widget is not None and widget.type == "INT" and type(value) is float
            is_int = is_int and math.isfinite(value)
            values[name] = math.floor(value) if is_int else value
    for name, text in rules.fixed.items():
        if name in spec.by_name:
            values[name] = text.replace("{id}", str(node.id))
    for name, instead in rules.instead.items():
        if isinstance(value := values.get(name), str):
            values[name] = instead.get(value, value)
    for name in rules.first_choice:
        choices = spec.by_name[name].options.get("options") if name in spec.by_name else None
        if choices:
            values[name] = choices[0]
    if rules.size_text is not None:
        _read_size(values, node, spec, rules.size_text, saved)
    if rules.rows is not None:
        _add_rows(values, node, rules.rows)


def _add_rows(values: dict[str, Any], node: Node, rows: Rows) -> None:
    saved = node.widgets_values
    found = [v for v in saved if isinstance(v, dict) and rows.key in v] if saved else []
    is_unsure = any(node.properties.get(k) == v for k, v in rows.unsure_with.items())
    for i, row in enumerate(found, 1):
        if is_unsure and any(row.get(k) is not None for k in rows.dropped):
            settings = ", ".join(f"{k!r} from {v!r}" for k, v in rows.unsure_with.items())
            _refuse(
                node,
                f"whether the browser sends {', '.join(map(repr, rows.dropped))} of its rows can't "
                f"be known from the file. Change its property {settings}, or export the workflow "
                "in the browser (Export (API)) and use that file",
            )
        values[f"{rows.prefix}{i}"] = {k: v for k, v in row.items() if k not in rows.dropped}


def _read_size(
    values: dict[str, Any], node: Node, spec: ClassSpec, names: tuple[str, str, str], saved: Any
) -> None:
    """An old size as text ("512x?", "Custom Width", "Disabled") as two numbers; 0 is "as it is"."""
    old, width, height = names
    text = saved.get(old) if isinstance(saved, dict) else None
    if text is None or old in spec.by_name or not {width, height} <= spec.by_name.keys():
        return
    kept = {
        "Disabled": (),
        "Custom": (width, height),
        "Custom Width": (width,),
        "Custom Height": (height,),
    }
    if isinstance(text, str) and text in kept and saved.keys() >= {*kept[text]}:
        values.update({name: 0 for name in (width, height) if name not in kept[text]})
        return
    sides = str(text).split("x")
    if len(sides) != 2 or not all(s == "?" or (s.isascii() and s.isdecimal()) for s in sides):
        _refuse(
            node,
            f"its {old} {text!r} is no size that is known; load and save the file again in the "
            "browser",
        )
    for name, side in zip((width, height), sides, strict=True):
        values[name] = 0 if side == "?" else int(side)


def _refuse(node: Node, reason: str) -> None:
    raise WorkflowError("Widget values can't be read:", [node.problem(reason)])
