"""Values of an instance for widgets inside: by place, by name, and by the older `proxyWidgets`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.graph.convert.editor_state import NodeState
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.convert.promoted_widgets import (
    migrate_proxies,
    read_promoted_values,
)
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, definition, maker, node, workflow

WIDGET = {"widget": {"name": "seed"}}


def instance_of(values: Any, inner: dict[str, Any], proxies: Any = None, *more: Any) -> NodeState:
    """The instance 1 of a definition, before its proxies are read and without promoted values."""
    data = workflow([node(1, inner["id"], values)], (), [inner, *more])
    instance = load_graphs(parse_workflow(data), INFO).nodes["1"]
    properties = {} if proxies is None else {"proxyWidgets": proxies}
    instance.node = replace(instance.node, properties=properties)
    instance.promoted_values = {}
    return instance


def with_socket_between() -> dict[str, Any]:
    """Its inputs: a seed, a picture, a name; only the first and the last have a widget."""
    inputs = [("seed", "INT", 1, WIDGET), ("name", "STRING", 3, {"widget": {"name": "name"}})]
    return definition(
        "S",
        [
            node(5, "Make", [10, "fixed", "x"], inputs),
            node(6, "Use", [], [("image", "IMAGE", 2, {})]),
        ],
        [(1, -10, 0, 5, 0), (2, -10, 1, 6, 0), (3, -10, 2, 5, 1)],
        [("seed", "INT", [1]), ("image", "IMAGE", [2]), ("name", "STRING", [3])],
    )


@pytest.mark.parametrize(
    ("saved", "values"),
    [
        ([1, "a"], {0: 1, 2: "a"}),
        ([1], {0: 1}),
        ([1, "a", "further"], {0: 1, 2: "a"}),
        ([None, "a"], {0: None, 2: "a"}),
        ([], {}),
        (None, {}),
        ({"name": "a", "image": 5, "other": 6}, {2: "a"}),
        ("text", {}),
    ],
)
def test_saved_values_go_to_the_inputs_with_widgets_in_their_order(saved, values):
    instance = instance_of(saved, with_socket_between())
    read_promoted_values(instance)
    assert instance.promoted_values == values


@pytest.mark.parametrize(
    ("proxies", "saved", "inputs", "values"),
    [
        ([["-1", "seed"]], [33], ["seed"], {0: 33}),
        ([[-1, "seed"]], [33], ["seed"], {0: 33}),
        ([["5", "seed"]], [33], ["seed"], {0: 33}),  # it hangs on an input already
        ([["5", "name"]], ["x"], ["seed", "name"], {1: "x"}),
        ([["5", "name"], ["5", "name"]], ["x", "y"], ["seed", "name"], {1: "y"}),
        ([[5, "5: name"]], ["x"], ["seed", "name"], {1: "x"}),
        ([["5", "name"], ["-1", "seed"]], ["x", 33], ["seed", "name"], {1: "x", 0: 33}),
        ([["5", "name"]], [None], ["seed", "name"], {}),
        ([["5", "name"]], [], ["seed", "name"], {}),
        ([["5", "name"]], {"name": "x"}, ["seed", "name"], {}),
        (
            [["-1", "gone"], ["5", "gone"], ["99", "seed"], ["6", "image"], ["-1", "image"]],
            [1, 2, 3, 4, 5],
            ["seed"],
            {},
        ),
        (["5", ["5"], [None, "seed"], ["5", 3], None], [1, 2, 3, 4, 5], ["seed"], {}),
        ({"5": "name"}, ["x"], ["seed"], {}),
    ],
)
def test_an_older_files_pairs_become_inputs_with_values(proxies, saved, inputs, values):
    instance = instance_of(saved, maker(), proxies)
    migrate_proxies(instance)
    assert instance.definition is not None
    assert [e.name for e in instance.definition.inputs] == inputs
    assert instance.promoted_values == values
    if len(inputs) == 2:
        made = instance.definition.inputs[1]
        assert (made.has_widget, made.initial) == (True, "inner")


def test_inputs_of_a_taken_name_get_numbers():
    inner = maker()
    inner["nodes"] += [node(8, "Make", [44]), node(9, "Make", [55])]
    instance = instance_of([5, 6], inner, [["8", "seed"], ["9", "seed"]])
    migrate_proxies(instance)
    state = instance.definition
    assert state is not None
    assert [(e.name, e.initial) for e in state.inputs[1:]] == [("seed_1", 44), ("seed_2", 55)]
    assert instance.promoted_values == {1: 5, 2: 6}
    # The links of the file are not touched: another conversion of it starts anew.
    assert len(state.graph.links) == 4 and len(state.links) == 6


def nested() -> dict[str, Any]:
    """An instance (8) that shows two seeds: of node 5 under that name, of node 9 as "seed_1"."""
    instance = node(8, "M", [5, 6], properties={"proxyWidgets": [["-1", "seed"], ["9", "seed"]]})
    return definition("O", [instance], [], [("other", "INT", [])])


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (["5"], "seed"),
        (["9"], "seed_1"),
        ([9], "seed_1"),
        (["99"], "seed"),
        ([None], "seed"),
        ([], "seed"),
    ],
)
def test_a_widget_of_a_nested_instance_is_found_by_name_and_by_the_node_that_is_named(hint, name):
    inner = maker("M")
    inner["nodes"].append(node(9, "Make", [44]))
    instance = instance_of([77], nested(), [["8", "seed", *hint], ["8", "gone"]], inner)
    migrate_proxies(instance)
    assert instance.definition is not None
    assert [e.name for e in instance.definition.inputs] == ["other", name]
    assert instance.promoted_values == {1: 77}


@pytest.mark.parametrize(
    ("kind", "slot", "inputs"),
    [
        ("INT", 0, ["value"]),
        ("*", 0, ["value"]),
        ("STRING", 0, []),
        ("INT", 9, []),
        ("INT", -1, []),
    ],
)
def test_a_primitive_that_is_shown_outside_gives_way_to_an_input(kind, slot, inputs):
    nodes = [
        node(7, "PrimitiveNode", [3], [], [1]),
        node(5, "Make", [10, "fixed", "x"], [("seed", "INT", 1, WIDGET)]),
    ]
    inner = definition("S", nodes, [])
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    inner["links"] = [dict(zip(names, (1, 7, 0, 5, slot, kind), strict=True))]
    instance = instance_of([77], inner, [["7", "value"]])
    state = instance.definition
    assert state is not None
    state.nodes["5"].spec = None  # its inputs are those of the file
    migrate_proxies(instance)
    assert [e.name for e in state.inputs] == inputs
    assert instance.promoted_values == ({0: 77} if inputs else {})
    link = state.links[state.nodes["5"].links["seed"]]
    assert link.origin_id == (-10 if inputs else 7)


def test_the_first_value_is_that_of_the_target_that_the_primitive_lists_first():
    nodes = [
        node(7, "PrimitiveNode", [3], [], [2, "x", 1, 2, 99]),
        node(5, "Make", [10], [SEED]),
        node(6, "Make", [20], [("seed", "INT", 2, WIDGET)]),
        node(8, "Make", [30], [("seed", "INT", 3, WIDGET)]),
        node(9, "Make", [40]),
    ]
    links = [(1, 7, 0, 5, 0), (2, 7, 0, 6, 0), (3, 9, 0, 8, 0)]
    instance = instance_of([], definition("S", nodes, links), [["7", "value"]])
    migrate_proxies(instance)
    state = instance.definition
    assert state is not None
    (made,) = state.inputs
    assert [target.node.id for target, _ in made.targets] == [6, 5] and made.initial == 20
    assert state.nodes["8"].links == {"seed": 3}  # another origin's


@pytest.mark.parametrize("target", [99, 5])
def test_a_primitive_with_a_link_to_no_input_stays(target):
    nodes = [node(7, "PrimitiveNode", [3], [], [1]), node(5, "Make", [10], [SEED])]
    inner = definition("S", nodes, [(1, 7, 0, target, 0 if target == 99 else "x")])
    instance = instance_of([77], inner, [["7", "value"]])
    migrate_proxies(instance)
    assert instance.promoted_values == {} and instance.definition is not None
    assert instance.definition.inputs == []
