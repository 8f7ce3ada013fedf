"""A layered drawing of a graph: every box stands right of all that feeds it.

Only geometry: boxes are sizes, wires are heights at which they leave and arrive. The steps are the
usual ones (Sugiyama, Tagawa, Toda 1981): layers, order within a layer, heights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ..workflow.order import execution_order
from .layer_heights import choose_tops
from .layer_order import order_layers
from .spots import BEND_HEIGHT, ROW_GAP, Bend, Pull, Spot

COLUMN_GAP = 70.0
_BEND_PULL = 3.0  # how much straighter a wire is wanted between two bends than at a box


class Size(NamedTuple):
    width: float
    height: float


class Point(NamedTuple):
    x: float
    y: float


class Wire(NamedTuple):
    """From a height on the right side of one box to one on the left side of another."""

    origin: str
    origin_dy: float
    target: str
    target_dy: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Where everything stands: the top left corners, and the bends of each wire, ends left out."""

    corners: Mapping[str, Point]
    bends: Sequence[tuple[Point, ...]]
    size: Size


def place_in_layers(boxes: Mapping[str, Size], wires: Sequence[Wire]) -> Placed:
    """Place boxes so that wires go from left to right, short and with few crossings.

    Parts that are not connected are placed beside and below each other.

    Raises:
        WorkflowError: the wires form a cycle.
    """
    parts = []
    for names in _find_parts(boxes, wires):
        inside = [i for i, wire in enumerate(wires) if wire.origin in names]
        sizes = {name: size for name, size in boxes.items() if name in names}
        parts.append((inside, _place_part(sizes, [wires[i] for i in inside])))
    return _side_by_side(parts, len(wires))


def _place_part(boxes: Mapping[str, Size], wires: Sequence[Wire]) -> Placed:
    layer_of = _choose_layers(boxes, wires)
    layers: list[list[Spot]] = [[] for _ in range(max(layer_of.values()) + 1)]
    for name in boxes:
        layers[layer_of[name]].append(name)
    routes, pulls = _split_wires(wires, layer_of, layers)
    layers = order_layers(layers, pulls)
    heights: dict[Spot, float] = {
        spot: boxes[spot].height if isinstance(spot, str) else BEND_HEIGHT
        for layer in layers
        for spot in layer
    }
    tops = choose_tops(layers, heights, pulls)
    corners, columns, x = {}, [], 0.0
    for layer in layers:
        width = max((boxes[s].width for s in layer if isinstance(s, str)), default=0.0)
        columns.append((x, x + width))
        for spot in layer:
            if isinstance(spot, str):
                corners[spot] = Point(x, tops[spot])
        x += width + COLUMN_GAP
    bends = []
    for route in routes:
        middle = [tops[spot] + BEND_HEIGHT / 2 for spot in route]
        sides = [columns[layer] for _, _, layer in route]
        bends.append(
            tuple(Point(x, y) for y, side in zip(middle, sides, strict=True) for x in side)
        )
    bottom = max(tops[spot] + heights[spot] for spot in tops)
    return Placed(corners, bends, Size(x - COLUMN_GAP, bottom))


def _find_parts(boxes: Mapping[str, Size], wires: Sequence[Wire]) -> list[set[str]]:
    """The boxes that hang together, part by part."""
    near: dict[str, list[str]] = {name: [] for name in boxes}
    for wire in wires:
        near[wire.origin].append(wire.target)
        near[wire.target].append(wire.origin)
    seen: set[str] = set()
    parts = []
    for name in boxes:
        if name not in seen:
            parts.append(_connected(name, near))
            seen |= parts[-1]
    return parts


def _connected(name: str, near: Mapping[str, list[str]]) -> set[str]:
    found, stack = {name}, [name]
    while stack:
        for other in near[stack.pop()]:
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


def _choose_layers(boxes: Mapping[str, Size], wires: Sequence[Wire]) -> dict[str, int]:
    """The longest way to each box; then each moves to just before the first that it feeds."""
    origins: dict[str, list[str]] = {name: [] for name in boxes}
    targets: dict[str, list[str]] = {name: [] for name in boxes}
    for wire in wires:
        origins[wire.target].append(wire.origin)
        targets[wire.origin].append(wire.target)
    order = execution_order(boxes, [(w.origin, w.target) for w in wires])
    layer: dict[str, int] = {}
    for name in order:
        layer[name] = 1 + max((layer[o] for o in origins[name]), default=-1)
    for name in reversed(order):
        if targets[name]:
            layer[name] = min(layer[t] for t in targets[name]) - 1
    first = min(layer.values())
    return {name: number - first for name, number in layer.items()}


def _split_wires(
    wires: Sequence[Wire], layer_of: Mapping[str, int], layers: list[list[Spot]]
) -> tuple[list[list[Bend]], list[Pull]]:
    """Wires over several layers in pieces of one. Those of one output share their way."""
    routes, pulls = [], {}
    seen: set[Bend] = set()
    for wire in wires:
        route: list[Bend] = [
            (wire.origin, wire.origin_dy, layer)
            for layer in range(layer_of[wire.origin] + 1, layer_of[wire.target])
        ]
        for bend in route:
            if bend not in seen:
                seen.add(bend)
                layers[bend[2]].append(bend)
        middle = BEND_HEIGHT / 2
        ends: list[tuple[Spot, float, float]] = [
            (wire.origin, 0.0, wire.origin_dy),
            *((bend, middle, middle) for bend in route),
            (wire.target, wire.target_dy, 0.0),
        ]
        for (origin, _, out), (target, into, _) in pairwise(ends):
            is_middle = not isinstance(origin, str) and not isinstance(target, str)
            weight = _BEND_PULL if is_middle else 1.0
            pulls[origin, out, target, into] = Pull(origin, out, target, into, weight)
        routes.append(route)
    return routes, list(pulls.values())


def _side_by_side(parts: Sequence[tuple[list[int], Placed]], wire_count: int) -> Placed:
    """The parts in rows that are as wide as the widest part."""
    widest = max((placed.size.width for _, placed in parts), default=0.0)
    corners: dict[str, Point] = {}
    bends: list[tuple[Point, ...]] = [()] * wire_count
    x = y = row_height = 0.0
    for inside, placed in parts:
        if x and x + placed.size.width > widest:
            x, y, row_height = 0.0, y + row_height + 2 * ROW_GAP, 0.0
        for name, corner in placed.corners.items():
            corners[name] = Point(corner.x + x, corner.y + y)
        for i, found in zip(inside, placed.bends, strict=True):
            bends[i] = tuple(Point(p.x + x, p.y + y) for p in found)
        x += placed.size.width + COLUMN_GAP
        row_height = max(row_height, placed.size.height)
    return Placed(corners, bends, Size(widest, y + row_height))
