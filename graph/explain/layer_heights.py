"""The heights of boxes and bends: wires are as level as they can be without boxes touching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .spots import Pull, Spot, gap_below

_SWEEPS = 16


def choose_tops(
    layers: Sequence[list[Spot]], heights: Mapping[Spot, float], pulls: Sequence[Pull]
) -> dict[Spot, float]:
    """Tops that make the wires as level as they can be without boxes touching."""
    tops: dict[Spot, float] = {}
    for layer in layers:
        y = 0.0
        for spot in layer:
            tops[spot] = y
            y += heights[spot] + gap_below(spot)
    wanted: dict[Spot, list[tuple[Spot, float, float]]] = {spot: [] for spot in tops}
    for p in pulls:
        wanted[p.target].append((p.origin, p.origin_dy - p.target_dy, p.weight))
        wanted[p.origin].append((p.target, p.target_dy - p.origin_dy, p.weight))
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            goals, weights = [], []
            for spot in layer:
                total = sum(w for _, _, w in wanted[spot])
                pulled = sum((tops[o] + shift) * w for o, shift, w in wanted[spot])
                goals.append(pulled / total if total else tops[spot])
                weights.append(total or 0.1)
            steps = [heights[spot] + gap_below(spot) for spot in layer]
            tops.update(zip(layer, _spread(goals, weights, steps), strict=True))
    first = min(tops.values())
    return {spot: top - first for spot, top in tops.items()}


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
