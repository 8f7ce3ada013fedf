"""The seeds of a prompt, changed as the editor does when it queues it; asked for by `convert`."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..prompt import Prompt, link_source
from .seeds import Control, change_seeds

Place: TypeAlias = "tuple[str, str]"  # node id, input name


@dataclass(frozen=True, slots=True)
class Draw:
    """How seeds are changed.

    Attributes:
        previous: the seeds of the conversion before, so that "increment" goes on from them.
        filled: values that inputs have in place of their link to a port, each with a name that
            those have in common which share it.
        taken: the inputs that get something else, and are not drawn.
    """

    previous: Mapping[Place, Any] = field(default_factory=dict)
    filled: Mapping[Place, tuple[Any, str]] = field(default_factory=dict)
    taken: Collection[Place] = ()


def draw_seeds(
    prompt: Prompt,
    controls: Iterable[Control],
    shared: Mapping[Place, Any],
    draw: Draw,
    seed: int | None,
) -> dict[Place, Any]:
    """Change the seeds in the prompt, in place.

    Args:
        shared: where the value of an input comes from, if not from its own widget.
        seed: makes it repeatable; None: the system's randomness.

    Returns:
        What changed.
    """
    rng = random.Random(seed) if seed is not None else random.SystemRandom()
    shared = {at: origin for at, origin in shared.items() if at not in draw.taken}
    for at, (value, origin) in draw.filled.items():
        prompt[at[0]]["inputs"][at[1]] = value
        shared[at] = origin
    for (node_id, name), value in draw.previous.items():
        inputs = prompt[node_id]["inputs"]
        if name in inputs and link_source(inputs[name]) is None:
            inputs[name] = value
    drawn = (control for control in controls if control.at not in draw.taken)
    return change_seeds(prompt, drawn, shared, rng)
