"""Values that an instance shows for nodes inside, when some of these nodes go."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.instance_widgets import (
    fit_instance,
    keep_widgets,
    widget_behind,
)
from custom_nodes.discomfort.graph.compose.link_paths import LinkPaths
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.ports.locations import NodeLocation
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import definition, node, workflow

WIDGET = {"widget": {"name": "seed"}}


def shows(key: str = "S", listed: Any = (2, 4, 8)) -> dict[str, Any]:
    """Input "a" is shown for node 5, "b" for node 6; "b" feeds a bare socket of 7, and node 8."""
    return definition(
        key,
        [
            node(5, "Make", [10], [("seed", "INT", 1, WIDGET)]),
            node(6, "Make", [20], [("seed", "INT", 2, WIDGET)]),
            node(7, "Use", [], [("image", "IMAGE", 3, {}), ("seed", "INT", 4, {})]),
            node(8, "Make", [30], [("seed", "INT", 8, WIDGET)]),
        ],
        [
            (1, -10, 0, 5, 0), (2, -10, 1, 6, 0), (3, 5, 0, 7, 0), (4, -10, 1, 7, 1),
            (5, 5, 0, -20, 0), (6, 7, 0, -20, 1), (7, 8, 0, -20, 2), (8, -10, 1, 8, 0),
        ],
        [("a", "INT", [1]), ("b", "INT", list(listed))],
        [("of 5", "IMAGE", [5]), ("of 7", "IMAGE", [6]), ("of 8", "IMAGE", [7])],
    )  # fmt: skip


NEEDED = {0: {"1:5"}, 1: {"1:5", "1:7"}, 2: {"1:8"}}


def paths_to(output: int, values: Any = None, proxies: Any = None, fed: bool = False) -> LinkPaths:
    """The way to node 2, which reads that output of the instance 1; `fed`: "b" has a link."""
    links = [(1, 1, output, 2, 0), *([(2, 3, 0, 1, 1)] if fed else [])]
    slots = [("a", "INT", None, {}), ("b", "INT", 2 if fed else None, {})]
    properties = {} if proxies is None else {"proxyWidgets": proxies}
    nodes = [
        node(1, "S", values, slots, properties=properties),
        node(2, "Show", [], [("image", "IMAGE", 1, {})]),
        node(3, "Make", []),
    ]
    parsed = parse_workflow(workflow(nodes, links, [shows()]))
    found = LinkPaths(parsed, flatten(parsed), {"2", "3", *NEEDED[output]})
    found.keep_upstream(NodeLocation((), 2))
    return found


def shown(steps: Any) -> list[Any]:
    return [(step.location.path, step.location.node_id, step.link_id) for step in steps]


@pytest.mark.parametrize(
    ("slot", "listed", "found"),
    [
        (0, (2, 4, 8), (5, 1)),
        (1, (2, 4, 8), (6, 2)),
        (1, (4, 8, 2), (8, 8)),  # the first of the list; a socket is none
        (1, (77,), (6, 2)),  # else of the nodes
        (1, (), (6, 2)),
    ],
)
def test_the_first_widget_behind_an_input(slot, listed, found):
    parsed = parse_workflow(workflow([node(1, "S", [])], (), [shows(listed=listed)]))
    paths = LinkPaths(parsed, flatten(parsed), set())
    assert shown(widget_behind(paths, (1,), slot, kept=False)) == [((1,), *found)]
    assert widget_behind(paths, (1,), slot, kept=True) == ()
    paths.links[1,] = {8}
    assert shown(widget_behind(paths, (1,), 1, kept=True)) == [((1,), 8, 8)]


def test_the_way_to_a_widget_leads_through_nested_instances():
    slots = [("b", "INT", 2, {}), ("b", "INT", 3, {}), ("none", "INT", 4, {})]
    outer = definition(
        "O",
        [node(40, "S", [], slots[:1]), node(41, "S", [], slots[1:2]), node(42, "S", [], slots[2:])],
        [(2, -10, 0, 40, 0), (3, -10, 0, 41, 0), (4, -10, 1, 42, 0)],
        [("x", "INT", [2, 3]), ("y", "INT", [4])],
    )
    parsed = parse_workflow(workflow([node(1, "O", [])], (), [outer, shows()]))
    paths = LinkPaths(parsed, flatten(parsed), set())
    way = [((1,), 40, 2), ((1, 40), 6, 2)]
    assert shown(widget_behind(paths, (1,), 0, kept=False)) == way
    assert widget_behind(paths, (1,), 1, kept=False) == ()


@pytest.mark.parametrize(
    ("output", "values", "proxies", "fed", "inside", "left"),
    [
        # "b" feeds nothing that is kept: its value goes.
        (0, [11, 22], None, False, {5}, [11]),
        (0, [11, 22, "further"], None, False, {5}, [11, "further"]),
        (0, [11], None, False, {5}, [11]),
        (0, [], None, False, {5}, []),
        (0, {"a": 11}, None, False, {5}, {"a": 11}),
        # It feeds a bare socket: the node that shows it stays, to hold the value ...
        (1, [11, 22], None, False, {5, 6, 7}, [11, 22]),
        (1, [], None, False, {5, 6, 7}, []),
        # ... unless the value comes over a link.
        (1, [11, 22], None, True, {5, 7}, [11]),
        # Another widget of the same input can hold a saved value; the first value is the first's.
        (2, [11, 22], None, False, {8}, [22]),
        (2, [11], None, False, {6, 8}, []),
        (2, [], None, False, {6, 8}, []),
        # Pairs with proxies count places in the list, too, unless they name the input.
        (2, [11, 22], [["9", "x"]], False, {5, 8}, [11, 22]),
        (2, [22, 22], [["9", "x"]], False, {8}, [22, 22]),
        (2, [22, 11], [["-1", "b"]], False, {8}, [22, 11]),
        (2, [22], [["-1", "b"]], False, {8}, [22]),
        (2, [None, 11], [["-1", "b"]], False, {5, 8}, [None, 11]),
        (2, [11, 22], [["-1"], "-1"], False, {5, 8}, [11, 22]),
        (2, [11, 22], "text", False, {5, 8}, [11, 22]),
    ],
)
def test_nodes_that_hold_a_kept_value_stay_and_values_of_the_others_go(
    output, values, proxies, fed, inside, left
):
    paths = paths_to(output, values, proxies, fed)
    keep_widgets(paths)
    assert paths.nodes[1,] == inside
    instance = paths.graph(())[1][1]
    found = fit_instance(paths, (), instance)
    assert (found.widgets_values, found.properties) == (left, instance.properties)


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        (["6", "seed"], ["-1", "b"]),  # gone: by the input that it hung on
        ([6, "seed"], ["-1", "b"]),
        (["6", "other"], ["6", "other"]),
        (["5", "seed"], ["5", "seed"]),  # still there
        (["-1", "b"], ["-1", "b"]),
        (["99", "seed"], ["99", "seed"]),
        (["6"], ["6"]),
        ("6", "6"),
    ],
)
def test_a_proxy_of_a_node_that_goes_names_the_input_that_it_hung_on(entry, left):
    paths = paths_to(0, [11, 22], [entry])
    instance = paths.graph(())[1][1]
    found = fit_instance(paths, (), instance)
    assert found.properties == {"proxyWidgets": [left]} and found.widgets_values == [11, 22]
    assert (found is instance) is (entry == left)


def test_an_instance_whose_file_leaves_inputs_out_shows_their_values():
    paths = paths_to(1, [11, 22])
    paths.graph(())[1][1].inputs.clear()
    keep_widgets(paths)
    assert paths.nodes[1,] == {5, 6, 7}
