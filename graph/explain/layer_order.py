"""The order of boxes and bends within each layer: few wires cross."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise

from .spots import Pull, Spot

_SWEEPS = 12


def order_layers(layers: list[list[Spot]], pulls: Sequence[Pull]) -> list[list[Spot]]:
    """Order each layer by where its neighbours stand, to and fro; the best order found."""
    before: dict[Spot, list[Pull]] = {}
    after: dict[Spot, list[Pull]] = {}
    for pull in pulls:
        before.setdefault(pull.target, []).append(pull)
        after.setdefault(pull.origin, []).append(pull)
    best, fewest = [list(layer) for layer in layers], _count_crossings(layers, after)
    current = [list(layer) for layer in layers]
    for sweep in range(_SWEEPS):
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
    layer: list[Spot],
    place: Mapping[Spot, int],
    sides: Mapping[Spot, list[Pull]],
    is_forward: bool,
) -> list[Spot]:
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


def _count_crossings(layers: Sequence[list[Spot]], after: Mapping[Spot, list[Pull]]) -> int:
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
