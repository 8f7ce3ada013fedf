"""The heights within layers: level wires, and boxes that do not touch."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.explain.layer_heights import choose_tops
from custom_nodes.discomfort.graph.explain.spots import (
    BEND_HEIGHT,
    ROW_GAP,
    Bend,
    Pull,
    Spot,
    gap_below,
)

BEND: Bend = ("a", 10.0, 1)


def tops(layers: list[list[Spot]], *wires: Pull, height: float = 40.0) -> dict[Spot, float]:
    sizes = {s: height if isinstance(s, str) else BEND_HEIGHT for layer in layers for s in layer}
    return choose_tops(layers, sizes, wires)


def test_a_wire_is_level():
    found = tops([["a"], ["b"]], Pull("a", 30.0, "b", 10.0, 1.0))
    assert found["b"] - found["a"] == pytest.approx(20)
    assert min(found.values()) == 0


def test_boxes_of_a_layer_keep_their_order_and_a_gap():
    wires = [Pull("a", 5.0, spot, 5.0, 1.0) for spot in "xyz"]
    found = tops([["a"], ["x", "y", "z"]], *wires)
    assert found["y"] - found["x"] == found["z"] - found["y"] == 40 + ROW_GAP
    assert found["y"] == pytest.approx(found["a"])  # in the middle of the three


def test_the_stronger_pull_wins():
    wires = [Pull("a", 0.0, "x", 0.0, 100.0), Pull("b", 0.0, "x", 0.0, 1.0)]
    found = tops([["a", "b"], ["x"]], *wires)
    assert abs(found["x"] - found["a"]) < abs(found["x"] - found["b"])


def test_a_bend_takes_little_room():
    assert gap_below(BEND) < gap_below("a")
    found = tops([[BEND, "b"]])
    assert found["b"] - found[BEND] == BEND_HEIGHT + gap_below(BEND)


def test_boxes_without_wires_stand_below_each_other():
    assert tops([["a", "b"]]) == {"a": 0, "b": 40 + ROW_GAP}
