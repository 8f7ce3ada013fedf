"""Boxes of nodes and groups, which groups hold nodes, and moving a graph."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.graph.workflow.layout import (
    TITLE_HEIGHT,
    Box,
    around,
    graph_box,
    group_box,
    groups_with_nodes,
    moved,
    node_box,
    pair,
)
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow


def graph(*nodes: dict, **more):
    return parse_workflow(
        {"nodes": [{"id": i, "type": "A", **n} for i, n in enumerate(nodes)], **more}
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2.5], (1, 2.5)),
        ((1, 2, 3), (1, 2)),
        ({"0": 1, "1": 2}, (1, 2)),
        ({"0": 1}, (7, 8)),
        ([True, 2], (7, 8)),
        (["1", 2], (7, 8)),
        ([1], (7, 8)),
        (None, (7, 8)),
    ],
)
def test_both_forms_of_a_pair_are_read_and_anything_else_is_the_default(value, expected):
    assert pair(value, (7, 8)) == expected


def test_a_nodes_box_has_its_title_and_a_size_where_the_file_has_none():
    there, bare = graph({"pos": [10, 100], "size": {"0": 30, "1": 40}}, {}).nodes
    assert node_box(there) == (10, 100 - TITLE_HEIGHT, 40, 140)
    left, top, right, bottom = node_box(bare)
    assert (left, top) == (0, -TITLE_HEIGHT) and right > 0 and bottom > 0


@pytest.mark.parametrize(
    ("group", "box"),
    [
        ({"bounding": [1, 2, 3, 4]}, (1, 2, 4, 6)),
        ({"bounding": [1, 2, 3]}, None),
        ({"bounding": [1, 2, 3, "4"]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_groups_box_is_its_frame_if_the_file_has_one(group, box):
    assert group_box(group) == box


def test_a_box_around_others_holds_all_of_them():
    assert around([Box(0, 5, 1, 6), Box(-3, 7, 0, 8)]) == (-3, 5, 1, 8)
    assert around([]) is None
    assert Box(0, 0, 10, 10).bounding(2, 3) == [-2, -5, 14, 17]


def test_a_graphs_box_is_around_nodes_and_groups():
    found = graph({"pos": [0, 0], "size": [10, 10]}, groups=[{"bounding": [50, 50, 5, 5]}, None])
    assert graph_box(found) == (0, -TITLE_HEIGHT, 55, 55)
    assert graph_box(graph()) is None


def test_a_group_holds_a_node_whose_centre_is_in_it():
    # The centre is at (5, -10), the title included.
    inside = {"bounding": [0, -20, 6, 15]}
    right, left = {"bounding": [6, -20, 6, 15]}, {"bounding": [-1, -20, 6, 15]}
    above, below = {"bounding": [0, -25, 6, 15]}, {"bounding": [0, -9, 6, 15]}
    groups = [inside, right, left, above, below, {}, None]
    found = graph({"pos": [0, 0], "size": [10, 10]}, groups=groups)
    assert groups_with_nodes(found) == [inside]


def test_moving_takes_nodes_groups_and_reroutes_along_and_changes_nothing_in_place():
    data = {
        "nodes": [{"id": 1, "type": "A", "pos": {"0": 1, "1": 2}}],
        "groups": [{"title": "g", "bounding": [1, 2, 3, 4]}, {"title": "odd"}],
        "reroutes": [{"id": 1, "pos": [1, 2]}, "odd"],
        "extra": {"ds": 1, "reroutes": [{"id": 2, "pos": [3, 4]}]},
    }
    before = copy.deepcopy(data)
    found = moved(parse_workflow(data), 10, 20)
    assert found.nodes[0].data["pos"] == [11, 22]
    assert found.data["groups"] == [{"title": "g", "bounding": [11, 22, 3, 4]}, {"title": "odd"}]
    assert found.data["reroutes"] == [{"id": 1, "pos": [11, 22]}, "odd"]
    assert found.data["extra"] == {"ds": 1, "reroutes": [{"id": 2, "pos": [13, 24]}]}
    assert data == before


def test_moving_by_nothing_is_the_same_workflow():
    found = graph({"pos": [1, 2]})
    assert moved(found, 0, 0) is found
