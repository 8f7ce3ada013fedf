"""Defaults: an INPUT port that feeds a widget has, while nothing is given, what the file has there.

A port that feeds a socket too, or widgets with different values, has none: it needs a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .connections import Use
from .find_ports import Default, Port, Ports
from .literals import unwrapped

REQUIRED_TAG = "required"
_SHOWN = 4


def with_defaults(ports: Ports, under: Mapping[tuple[str, str], Any]) -> Ports:
    """The ports with the defaults of the INPUTs; those that share a unique_id have one together.

    Args:
        under: (node id, input name) -> what the widget has that a port feeds, as a prompt has it.
    """
    by_id = {port.node_id: port for port in ports.all()}
    inputs = {}
    for unique_id, group in ports.inputs.items():
        if group[0].place is not None and group[0].default is not None:
            inputs[unique_id] = group  # a marker, which came with its own
            continue
        uses = [use for port in group for use in _ends(port, by_id)]
        default, reason = None, ""
        if not any(REQUIRED_TAG in port.tags for port in group):
            default, reason = _default_of(uses, under, by_id)
        inputs[unique_id] = tuple(
            replace(port, default=default, no_default=reason) for port in group
        )
    return replace(ports, inputs=inputs)


def _ends(port: Port, by_id: Mapping[str, Port]) -> list[Use]:
    """What a port feeds, through PASSTHRUs too; an OUTPUT is an end."""
    ends: list[Use] = []
    seen, queue = {port.node_id}, [port]
    while queue:
        for use in queue.pop(0).uses:
            next_port = by_id.get(use.node_id)
            if next_port is None or not next_port.uses:
                ends.append(use)
            elif use.node_id not in seen:
                seen.add(use.node_id)
                queue.append(next_port)
    return ends


def _default_of(
    uses: list[Use], under: Mapping[tuple[str, str], Any], by_id: Mapping[str, Port]
) -> tuple[Default | None, str]:
    """The default, or why there is none."""
    if not uses:
        return None, ""
    values = {use: under[use] for use in uses if use in under}
    if not values:
        return None, ""  # sockets only: nothing could be one
    if len(values) < len(set(uses)):
        socket = next(use for use in uses if use not in values)
        name = (
            f"the OUTPUT port {by_id[socket.node_id].unique_id!r}"
            if socket.node_id in by_id
            else f"{socket.input_name!r} of node {socket.node_id}"
        )
        return None, f"it has no default, since it also feeds {name}, which is no widget"
    if len({_key(value) for value in values.values()}) > 1:
        shown = [
            f"{use.node_id}.{use.input_name} = {_short(value)}" for use, value in values.items()
        ]
        more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        listed = ", ".join([*shown[:_SHOWN], *more])
        return None, f"it has no default, since the widgets that it feeds differ: {listed}"
    return Default(unwrapped(next(iter(values.values()))), values), ""


def _key(value: Any) -> str:
    """Equal for equal values; 1 and 1.0 are one number, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
