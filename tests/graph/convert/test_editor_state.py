"""What a node in the editor knows of its widgets, links and promoted values."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.convert.editor_state import (
    GraphState,
    NodeState,
    is_subgraph_input,
)
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.node_classes.input_specs import MISSING
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, definition, maker, node, workflow

VIEWER = index_object_info(
    {
        "Preview3D": {"input": {"required": {"model_file": ["STRING", {"default": "d"}]}}},
        "Pick": {
            "input": {
                "required": {
                    "format": [
                        "COMFY_DYNAMICCOMBO_V3",
                        {"options": [{"key": "mp4", "inputs": {"required": {"q": ["INT"]}}}]},
                    ],
                    "bare": ["INT", {"socketless": True}],
                }
            }
        },
    }
)


def only(item, info=INFO) -> NodeState:
    (found,) = load_graphs(parse_workflow(workflow([item])), info).nodes.values()
    return found


def instance_of(values, info=INFO) -> NodeState:
    data = workflow([node(1, "S", values)], (), [maker()])
    return load_graphs(parse_workflow(data), info).nodes["1"]


def test_a_node_has_the_values_and_links_of_the_file():
    state = only(
        node(3, "Make", [10, "fixed", "x"], [("seed", "INT", 4, {}), ("b", "*", None, {})])
    )
    assert state.values == {"seed": 10, "name": "x"}
    assert (state.links, state.prompt_id) == ({"seed": 4}, "3")


@pytest.mark.parametrize(
    ("item", "info", "name", "has_widget", "value"),
    [
        (node(1, "Make", [10]), INFO, "seed", True, 10),
        (node(1, "Make", [10]), INFO, "none", False, MISSING),
        (node(1, "Use", []), INFO, "seed", False, MISSING),  # the class says: a socket
        # Of an unknown class the file says which input is a widget's, but not its value.
        (
            node(1, "Odd", [10], [("x", "*", None, {"widget": {"name": "x"}})]),
            INFO,
            "x",
            True,
            MISSING,
        ),
        (node(1, "Odd", [10], [("x", "*", None, {})]), INFO, "x", False, MISSING),
        # Values that can't be read: said when the node itself is converted.
        (node(1, "Make", 7), INFO, "seed", True, MISSING),
        (node(1, "Pick", ["mp4", 5, 6]), VIEWER, "format.q", True, 5),
        (node(1, "Pick", ["gone", 5]), VIEWER, "format.q", False, MISSING),
        (node(1, "Pick", 7), VIEWER, "format.q", False, MISSING),
        (node(1, "Pick", ["mp4", 5, 6]), VIEWER, "bare", False, 6),  # a widget without a socket
    ],
)
def test_a_widget_is_one_with_a_socket_and_its_value_is_the_files(
    item, info, name, has_widget, value
):
    state = only(item, info)
    assert (state.has_widget(name), state.value(name)) == (has_widget, value)
    if state.spec is not None:
        assert (state.widget(name) is not None) is has_widget


@pytest.mark.parametrize(("remembered", "value"), [("seen.glb", "seen.glb"), ("", "x"), (3, "x")])
def test_a_viewer_has_the_file_that_it_remembers(remembered, value):
    properties = {"Last Time Model File": remembered}
    assert (
        only(node(1, "Preview3D", ["x"], properties=properties), VIEWER).values["model_file"]
        == value
    )


@pytest.mark.parametrize(("values", "value"), [([77], 77), ([None], None), ([], 10), (None, 10)])
def test_an_instance_has_its_own_value_else_that_inside(values, value):
    state = instance_of(values)
    assert state.value("seed") == state.promoted_value(0) == value
    assert state.value("none") is MISSING
    assert (state.has_widget("seed"), state.has_widget("none")) == (True, False)


def test_an_input_without_a_widget_behind_it_has_no_value():
    bare = definition(
        "S",
        [node(6, "Use", [], [("image", "IMAGE", 1, {})])],
        [(1, -10, 0, 6, 0)],
        [("image", "IMAGE", [1])],
    )
    root = load_graphs(parse_workflow(workflow([node(1, "S", [5])], (), [bare])), INFO)
    assert not root.nodes["1"].has_widget("image") and root.nodes["1"].value("image") is MISSING


def test_a_graph_knows_its_inputs_by_name_also_those_that_came_later():
    state = instance_of([]).definition
    assert state is not None
    assert (state.input_index("seed"), state.input_index("late")) == (0, None)
    state.inputs.append(type(state.inputs[0])("late", None, []))
    assert state.input_index("late") == 1
    assert state.name() == "subgraph 'S'"


def test_a_link_has_an_origin_where_the_file_has_the_node():
    data = workflow([node("2", "Make", [])], [(1, 2, 0, 9, 0), (2, 8, 0, 9, 0)])
    graph = GraphState(parse_workflow(data), None)
    origins = [graph.origin(link) for link in graph.links.values()]
    assert origins == [graph.nodes["2"], None] and graph.name() == "workflow"


@pytest.mark.parametrize(
    ("node_id", "answer"), [(-10, True), ("-10", True), (-20, False), (10, False)]
)
def test_the_input_side_of_a_subgraph_is_known_by_its_id(node_id, answer):
    assert is_subgraph_input(node_id) is answer
