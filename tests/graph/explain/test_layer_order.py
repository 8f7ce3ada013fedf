"""The order within layers: wires cross as little as can be."""

from __future__ import annotations

from custom_nodes.discomfort.graph.explain.layer_order import order_layers
from custom_nodes.discomfort.graph.explain.spots import Pull, Spot


def pulls(*pairs: str) -> list[Pull]:
    return [Pull(pair[0], 5.0, pair[1], 5.0, 1.0) for pair in pairs]


def ordered(layers: list[list[Spot]], *pairs: str) -> list[list[Spot]]:
    return order_layers(layers, pulls(*pairs))


def test_crossing_wires_are_untangled():
    assert ordered([["a", "b"], ["x", "y"]], "ay", "bx") == [["a", "b"], ["y", "x"]]


def test_what_crosses_nothing_stays_as_it_is():
    layers: list[list[Spot]] = [["a", "b"], ["x", "y"]]
    assert ordered(layers, "ax", "by") == [["a", "b"], ["x", "y"]]
    assert ordered(layers) == layers and ordered([[]]) == [[]]


def test_three_layers_are_untangled_together():
    found = ordered([["a", "b"], ["p", "q"], ["x", "y"]], "aq", "bp", "py", "qx")
    place = {spot: i for layer in found for i, spot in enumerate(layer)}
    assert place["a"] < place["b"] and place["q"] < place["p"] and place["x"] < place["y"]


def test_wires_of_one_box_are_ordered_by_where_they_leave():
    two = [Pull("a", 30.0, "x", 5.0, 1.0), Pull("a", 10.0, "y", 5.0, 1.0)]
    assert order_layers([["a"], ["x", "y"]], two) == [["a"], ["y", "x"]]


def test_nothing_is_changed_in_place():
    layers: list[list[Spot]] = [["a", "b"], ["x", "y"]]
    ordered(layers, "ay", "bx")
    assert layers == [["a", "b"], ["x", "y"]]
