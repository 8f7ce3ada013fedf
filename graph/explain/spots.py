"""What stands in a layer of a layered drawing, and what pulls at it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

ROW_GAP = 22.0
BEND_HEIGHT = 6.0  # a wire that passes through a layer takes that much of it
_BEND_GAP = 10.0

# The place where the wires of one output pass through a layer: origin, height at it, layer.
Bend: TypeAlias = "tuple[str, float, int]"
Spot: TypeAlias = "str | Bend"  # a box by its name, or a bend


class Pull(NamedTuple):
    """A wire between two neighbouring layers."""

    origin: Spot
    origin_dy: float
    target: Spot
    target_dy: float
    weight: float


def gap_below(spot: Spot) -> float:
    """How much room a spot keeps to the next one."""
    return ROW_GAP if isinstance(spot, str) else _BEND_GAP
