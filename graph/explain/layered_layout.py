"""A layered drawing of a graph: every box stands right of all that feeds it.

Only geometry: boxes are sizes, wires are heights at which they leave and arrive. The steps are the
usual ones (Sugiyama, Tagawa, Toda 1981): layers, order within a layer, heights.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from ..workflow.order import execution_order

COLUMN_GAP = 70.0
ROW_GAP = 22.0
_BEND_HEIGHT = 6.0  # a wire that passes through a layer takes that much of it
_BEND_GAP = 10.0
_ORDER_SWEEPS = 12
_HEIGHT_SWEEPS = 16
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


# A box, or the place where the wires of one output pass through a layer.
_Spot: TypeAlias = "str | tuple[str, float, int]"


class _Pull(NamedTuple):
    """A wire between two neighbouring layers."""

    origin: _Spot
    origin_dy: float
    target: _Spot
    target_dy: float
    weight: float


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
    layers: list[list[_Spot]] = [[] for _ in range(max(layer_of.values()) + 1)]
    for name in boxes:
        layers[layer_of[name]].append(name)
    routes, pulls = _split_wires(wires, layer_of, layers)
    layers = _order(layers, pulls)
    heights: dict[_Spot, float] = {
        spot: boxes[spot].height if isinstance(spot, str) else _BEND_HEIGHT
        for layer in layers
        for spot in layer
    }
    tops = _choose_heights(layers, heights, pulls)
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
        middle = [tops[spot] + _BEND_HEIGHT / 2 for spot in route]
        sides = [columns[layer] for _, _, layer in route]
        bends.append(
            tuple(Point(x, y) for y, side in zip(middle, sides, strict=True) for x in side)
        )
    bottom = max(tops[spot] + heights[spot] for spot in tops)
    return Placed(corners, bends, Size(x - COLUMN_GAP, bottom))


def _find_parts(boxes: Mapping[str, Size], wires: Sequence[Wire]) -> list[set[str]]:
    near: dict[str, list[str]] = {name: [] for name in boxes}
    for wire in wires:
        near[wire.origin].append(wire.target)
        near[wire.target].append(wire.origin)
    seen: set[str] = set()
    parts = []
    for name in boxes:
        if name in seen:
            continue
        part, stack = {name}, [name]
        while stack:
            for other in near[stack.pop()]:
                if other not in part:
                    part.add(other)
                    stack.append(other)
        seen |= part
        parts.append(part)
    return parts


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


_Bend: TypeAlias = "tuple[str, float, int]"  # origin, height at it, layer


def _split_wires(
    wires: Sequence[Wire], layer_of: Mapping[str, int], layers: list[list[_Spot]]
) -> tuple[list[list[_Bend]], list[_Pull]]:
    """Wires over several layers in pieces of one. Those of one output share their way."""
    routes, pulls = [], {}
    seen: set[_Bend] = set()
    for wire in wires:
        route: list[_Bend] = [
            (wire.origin, wire.origin_dy, layer)
            for layer in range(layer_of[wire.origin] + 1, layer_of[wire.target])
        ]
        for bend in route:
            if bend not in seen:
                seen.add(bend)
                layers[bend[2]].append(bend)
        middle = _BEND_HEIGHT / 2
        ends: list[tuple[_Spot, float, float]] = [
            (wire.origin, 0.0, wire.origin_dy),
            *((bend, middle, middle) for bend in route),
            (wire.target, wire.target_dy, 0.0),
        ]
        for (origin, _, out), (target, into, _) in pairwise(ends):
            is_middle = not isinstance(origin, str) and not isinstance(target, str)
            weight = _BEND_PULL if is_middle else 1.0
            pulls[origin, out, target, into] = _Pull(origin, out, target, into, weight)
        routes.append(route)
    return routes, list(pulls.values())


def _order(layers: list[list[_Spot]], pulls: Sequence[_Pull]) -> list[list[_Spot]]:
    """Order each layer by where its neighbours stand, to and fro; the best order found."""
    before: dict[_Spot, list[_Pull]] = {}
    after: dict[_Spot, list[_Pull]] = {}
    for pull in pulls:
        before.setdefault(pull.target, []).append(pull)
        after.setdefault(pull.origin, []).append(pull)
    best, fewest = [list(layer) for layer in layers], _count_crossings(layers, after)
    current = [list(layer) for layer in layers]
    for sweep in range(_ORDER_SWEEPS):
        is_forward = sweep % 2 == 0
        sides = before if is_forward else after
        numbers = range(1, len(current)) if is_forward else range(len(current) - 2, -1, -1)
        for number in numbers:
            near = current[number - 1 if is_forward else number + 1]
            place = {spot: i for i, spot in enumerate(near)}
            current[number] = _sorted_by_neighbours(current[number], place, sides, is_forward)
        crossings = _count_crossings(current, after)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in current], crossings
    return best


def _sorted_by_neighbours(
    layer: list[_Spot],
    place: Mapping[_Spot, int],
    sides: Mapping[_Spot, list[_Pull]],
    is_forward: bool,
) -> list[_Spot]:
    keys = {}
    for i, spot in enumerate(layer):
        found = [
            place[p.origin] + p.origin_dy / 1e4
            if is_forward
            else place[p.target] + p.target_dy / 1e4
            for p in sides.get(spot, ())
        ]
        keys[spot] = sum(found) / len(found) if found else float(i)
    return sorted(layer, key=keys.__getitem__)


def _count_crossings(layers: Sequence[list[_Spot]], after: Mapping[_Spot, list[_Pull]]) -> int:
    crossings = 0
    for layer, following in pairwise(layers):
        place = {spot: i for i, spot in enumerate(following)}
        ends: list[tuple[int, float]] = []
        for spot in layer:
            own = sorted((p.origin_dy, place[p.target], p.target_dy) for p in after.get(spot, ()))
            for _, number, dy in own:
                crossings += len(ends) - bisect_left(ends, (number, dy + 1e-6))
                insort(ends, (number, dy))
    return crossings


def _choose_heights(
    layers: Sequence[list[_Spot]], heights: Mapping[_Spot, float], pulls: Sequence[_Pull]
) -> dict[_Spot, float]:
    """Tops that make the wires as level as they can be without boxes touching."""
    tops: dict[_Spot, float] = {}
    for layer in layers:
        y = 0.0
        for spot in layer:
            tops[spot] = y
            y += heights[spot] + _gap(spot)
    wanted: dict[_Spot, list[tuple[_Spot, float, float]]] = {spot: [] for spot in tops}
    for p in pulls:
        wanted[p.target].append((p.origin, p.origin_dy - p.target_dy, p.weight))
        wanted[p.origin].append((p.target, p.target_dy - p.origin_dy, p.weight))
    for sweep in range(_HEIGHT_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            goals, weights = [], []
            for spot in layer:
                total = sum(w for _, _, w in wanted[spot])
                pulled = sum((tops[o] + shift) * w for o, shift, w in wanted[spot])
                goals.append(pulled / total if total else tops[spot])
                weights.append(total or 0.1)
            steps = [heights[spot] + _gap(spot) for spot in layer]
            tops.update(zip(layer, _spread(goals, weights, steps), strict=True))
    first = min(tops.values())
    return {spot: top - first for spot, top in tops.items()}


def _gap(spot: _Spot) -> float:
    return ROW_GAP if isinstance(spot, str) else _BEND_GAP


def _spread(
    goals: Sequence[float], weights: Sequence[float], steps: Sequence[float]
) -> list[float]:
    """The places nearest to the goals that keep the order and are at least a step apart.

    Neighbours that want the same place become one block, which stands at their mean.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    offset = 0.0
    for goal, weight, step in zip(goals, weights, steps, strict=True):
        mean, total, count = goal - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            left, left_weight, left_count = blocks.pop()
            mean = (mean * total + left * left_weight) / (total + left_weight)
            total, count = total + left_weight, count + left_count
        blocks.append((mean, total, count))
        offset += step
    places, offset, i = [], 0.0, 0
    for mean, _, count in blocks:
        for _ in range(count):
            places.append(mean + offset)
            offset += steps[i]
            i += 1
    return places


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
