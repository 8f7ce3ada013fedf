"""The layered diagram: whatever the graph, boxes do not touch and wires go to the right."""

from __future__ import annotations

from itertools import combinations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.explain.layered_layout import (
    COLUMN_GAP,
    ROW_GAP,
    Size,
    Wire,
    place_in_layers,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Size], list[Wire]]:
    count = draw(st.integers(0, 14))
    side = st.integers(1, 300).map(float)
    boxes = {str(i): Size(draw(side), draw(side)) for i in range(count)}
    wires = []
    for target in range(1, count):
        for origin in draw(st.lists(st.integers(0, target - 1), max_size=3)):
            first, second = boxes[str(origin)].height, boxes[str(target)].height
            wires.append(Wire(str(origin), first / 2, str(target), second / 3))
    return boxes, wires


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_boxes_do_not_touch_and_wires_go_to_the_right(graph):
    boxes, wires = graph
    placed = place_in_layers(boxes, wires)
    assert placed.corners.keys() == boxes.keys() and len(placed.bends) == len(wires)
    frames = []
    for name, corner in placed.corners.items():
        assert corner.x >= -1e-6 and corner.y >= -1e-6
        right, bottom = corner.x + boxes[name].width, corner.y + boxes[name].height
        assert right <= placed.size.width + 1e-6 and bottom <= placed.size.height + 1e-6
        frames.append((corner.x, corner.y, right, bottom))
    for (left, top, right, bottom), (left2, top2, right2, bottom2) in combinations(frames, 2):
        is_beside = right + COLUMN_GAP <= left2 + 1e-6 or right2 + COLUMN_GAP <= left + 1e-6
        is_below = bottom + ROW_GAP <= top2 + 1e-6 or bottom2 + ROW_GAP <= top + 1e-6
        assert is_beside or is_below
    for wire, bends in zip(wires, placed.bends, strict=True):
        start = placed.corners[wire.origin].x + boxes[wire.origin].width
        xs = [start, *(p.x for p in bends), placed.corners[wire.target].x]
        assert xs == sorted(xs)


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_the_same_graph_is_always_drawn_the_same(graph):
    assert place_in_layers(*graph) == place_in_layers(*graph)


def test_a_chain_is_drawn_as_a_level_line():
    boxes = {name: Size(100, height) for name, height in zip("abcd", (40, 80, 20, 60), strict=True)}
    wires = [Wire(a, boxes[a].height / 2, b, boxes[b].height / 2) for a, b in ("ab", "bc", "cd")]
    placed = place_in_layers(boxes, wires)
    middles = [placed.corners[n].y + boxes[n].height / 2 for n in boxes]
    assert max(middles) - min(middles) < 1


def test_crossing_wires_are_untangled():
    boxes = {name: Size(10, 10) for name in "abcdef"}
    wires = [Wire(a, 5, b, 5) for a, b in ("af", "be", "cd")]
    wires += [Wire(b, 5, "end", 5) for b in "def"]
    placed = place_in_layers({**boxes, "end": Size(10, 30)}, wires)
    left = sorted("abc", key=lambda n: placed.corners[n].y)
    right = sorted("def", key=lambda n: placed.corners[n].y)
    assert [{"a": "f", "b": "e", "c": "d"}[n] for n in left] == right


def test_a_long_wire_goes_round_the_boxes_between():
    boxes = {name: Size(50, 50) for name in "abc"}
    wires = [Wire("a", 10, "b", 25), Wire("b", 25, "c", 10), Wire("a", 40, "c", 40)]
    placed = place_in_layers(boxes, wires)
    top = placed.corners["b"].y
    assert len(placed.bends[2]) == 2
    assert all(not top <= bend.y <= top + 50 for bend in placed.bends[2])


def test_a_cycle_is_refused():
    with pytest.raises(WorkflowError, match="cycle"):
        place_in_layers(
            {"a": Size(1, 1), "b": Size(1, 1)}, [Wire("a", 0, "b", 0), Wire("b", 0, "a", 0)]
        )
