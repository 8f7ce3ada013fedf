"""What "control after generate" does to a seed when the editor queues a prompt.

Source: behaviour of front end 1.49.6. Its "Export (API)" leaves seeds alone, and so does a
conversion unless asked.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..prompt import Prompt, link_source
from .widget_values import number

# The editor draws from at most this range, in which JavaScript numbers are exact.
_LIMIT = 1 << 50

_SAME = object()

_LEGACY = {True: "randomize", False: "fixed"}


class Control(NamedTuple):
    """A widget with a control beside it. `at` is (node id, input name)."""

    at: tuple[str, str]
    mode: str
    kind: str
    options: dict[str, Any]


def change_seeds(
    prompt: Prompt,
    controls: Iterable[Control],
    shared: dict[tuple[str, str], Any],
    rng: random.Random,
) -> dict[tuple[str, str], Any]:
    """Change the values in the prompt, in place, as their controls say.

    Args:
        shared: where the value of an input comes from, if not from its own widget. Inputs that
            share a value go on sharing it; the first control that is not "fixed" decides.

    Returns:
        What changed: `{(node id, input name): new value}`.
    """
    new: dict[Any, Any] = {}
    for at, mode, kind, options in controls:
        inputs = prompt[at[0]]["inputs"]
        origin = shared.get(at, at)
        if mode != "fixed" and origin not in new and at[1] in inputs:
            value = inputs[at[1]]
            if link_source(value) is None:
                new[origin] = next_value(value, mode, kind, options, rng)
    changed = {}
    for at in [*shared, *new]:
        value = new.get(shared.get(at, at), _SAME)
        if value is _SAME or at[0] not in prompt:
            continue
        inputs = prompt[at[0]]["inputs"]
        if at[1] in inputs and inputs[at[1]] != value:
            inputs[at[1]] = changed[at] = value
    return changed


def control_mode(saved: Any) -> str:
    """The name of a saved control, "fixed" if it is none; old files have true and false."""
    if isinstance(saved, bool):
        return _LEGACY[saved]
    known = ("randomize", "increment", "decrement", "increment-wrap")
    return saved if isinstance(saved, str) and saved in known else "fixed"


def next_value(
    value: Any, mode: str, kind: str, options: dict[str, Any], rng: random.Random
) -> Any:
    """The value after one run. Values of another type than the widget's stay as they are.

    Args:
        kind: the widget's type: "INT", "FLOAT" or "COMBO".
        options: the input's options in /object_info (`min`, `max`, `step`, `options`).
    """
    if mode == "fixed":
        return value
    if kind == "COMBO":
        return _next_choice(value, mode, options.get("options"), rng)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    step = number(options.get("step"), 1) or 1
    least = max(number(options.get("min"), 0), -_LIMIT)
    most = min(number(options.get("max"), _LIMIT), _LIMIT)
    if mode == "randomize":
        return rng.randrange(max(1, int((most - least) / step))) * step + least
    moved = value + (step if mode == "increment" else -step)
    least, most = number(options.get("min"), -math.inf), number(options.get("max"), math.inf)
    return min(max(moved, least), most)


def _next_choice(value: Any, mode: str, choices: Any, rng: random.Random) -> Any:
    if not isinstance(choices, list) or not choices or value not in choices:
        return value
    if mode == "randomize":
        return rng.choice(choices)
    index = choices.index(value) + (-1 if mode == "decrement" else 1)
    if mode == "increment-wrap":
        return choices[index % len(choices)]
    return choices[min(max(index, 0), len(choices) - 1)]
