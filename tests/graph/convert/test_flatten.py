"""Subgraphs, group nodes, promoted values: what runs, and what feeds it."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.draw_seeds import Draw
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.to_prompt import convert, to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.prompt import Source, link_source
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, definition, maker, node, workflow
from support.oracle import hand_made_cases, hand_made_object_info


def test_a_promoted_value_reaches_all_that_its_input_feeds():
    data = workflow([node(1, "S", [77]), node(2, "S", [])], (), [maker()])
    prompt = to_prompt(data, INFO)
    assert list(prompt) == ["1:5", "1:6", "2:5", "2:6"]
    assert prompt["1:5"]["inputs"] == {"seed": 77, "name": "inner"}
    assert prompt["1:6"]["inputs"] == {"image": ["1:5", 0], "seed": 77}
    assert prompt["2:5"]["inputs"]["seed"] == 10 and prompt["2:6"]["inputs"]["seed"] == 10


def test_an_older_file_names_the_promoted_widgets_in_its_properties():
    proxies = {"proxyWidgets": [["5", "name"], ["-1", "seed"], ["5", "gone"], ["99", "seed"]]}
    data = workflow(
        [node(1, "S", ["outer", 33, "x", 5], properties=proxies), node(2, "S", [44])], (), [maker()]
    )
    prompt = to_prompt(data, INFO)
    assert prompt["1:5"]["inputs"] == {"seed": 33, "name": "outer"}
    assert prompt["2:5"]["inputs"] == {"seed": 44, "name": "inner"}


def test_a_subgraph_in_a_subgraph_hands_values_and_links_through():
    outer = definition(
        "O",
        [node(8, "S", [5], [("seed", "INT", 1, {"widget": {"name": "seed"}})])],
        [(1, -10, 0, 8, 0), (2, 8, 0, -20, 0)],
        [("deep", "INT", [1])],
        [("o", "IMAGE", [2])],
    )
    data = workflow(
        [node(1, "O", [123]), node(2, "Use", [], [("image", "IMAGE", 3, {})])],
        [(3, 1, 0, 2, 0)],
        [outer, maker()],
    )
    prompt = to_prompt(data, INFO)
    assert prompt["1:8:5"]["inputs"]["seed"] == 123
    assert prompt["2"]["inputs"] == {"image": ["1:8:6", 0]}


def test_without_object_info_the_same_nodes_and_links_are_found():
    info = index_object_info(hand_made_object_info())
    for case in hand_made_cases():
        parsed = parse_workflow(case.workflow)
        bare, informed = flatten(parsed), flatten(parsed, info)
        assert list(bare.nodes) == list(informed.nodes)
        if "bypass" not in case.name and "linked_first_widget" not in case.name:
            assert set(bare.links()) == set(informed.links()), case.name


def test_flat_nodes_tell_where_they_come_from():
    parsed = parse_workflow(workflow([node(1, "S", [77])], (), [maker()]))
    flat = flatten(parsed, INFO)
    inner = flat.nodes["1:6"]
    assert inner.node.id == 6 and [h.id for h in inner.instances] == [1]
    assert inner.graph is parsed.subgraphs["S"]
    assert flat.source("1:6", "image") == Source("1:5", 0)
    assert flat.source("1:6", "seed") is None and flat.source("1:6", "nothing") is None
    assert list(flat.links()) == [(Source("1:5", 0), "1:6", "image")]
    assert flat.input_type("1:6", "image") == "IMAGE" and flat.output_type("1:5", 0) == "IMAGE"
    assert flat.input_type("1:6", "nothing") == "*"


def test_the_links_of_a_flat_graph_are_those_of_the_prompt():
    info = index_object_info(hand_made_object_info())
    for case in hand_made_cases():
        flat = flatten(parse_workflow(case.workflow), info)
        wanted = {
            (link_source(v), i, name)
            for i, n in case.prompt.items()
            for name, v in n["inputs"].items()
            if link_source(v)
        }
        assert set(flat.links()) == wanted, case.name


def test_inputs_that_share_a_promoted_seed_go_on_sharing_it():
    makers = [
        node(5, "Make", [10, "fixed", ""], [SEED]),
        node(6, "Make", [10, "increment", ""], [("seed", "INT", 2, {"widget": {"name": "seed"}})]),
        node(7, "Make", [10, "decrement", ""], [("seed", "INT", 3, {"widget": {"name": "seed"}})]),
        node(8, "Use", [], [("seed", "INT", 4, {})]),
    ]
    links = [(i, -10, 0, i + 4, 0) for i in (1, 2, 3, 4)]
    shared = definition("S", makers, links, [("seed", "INT", [1, 2, 3, 4])])
    data = workflow([node(1, "S", [50]), node(2, "S", [60])], (), [shared])
    found = convert(data, INFO, draw=Draw())
    values = {i: n["inputs"]["seed"] for i, n in found.prompt.items()}
    assert values == {f"1:{i}": 51 for i in "5678"} | {f"2:{i}": 61 for i in "5678"}
    assert found.seeds == {(i, "seed"): v for i, v in values.items()}


def test_a_long_chain_of_reroutes_is_followed():
    count = 10_000
    nodes = [
        node(1, "Make", [7]),
        *(node(i, "Reroute", [], [("", "*", i, {})]) for i in range(2, count)),
        node(count, "Use", [], [("image", "IMAGE", count, {})]),
    ]
    links = [(i, i - 1, 0, i, 0) for i in range(2, count + 1)]
    prompt = to_prompt(workflow(nodes, links), INFO)
    assert prompt[str(count)]["inputs"] == {"image": ["1", 0]}


def test_a_link_from_an_edge_that_does_not_exist_is_an_error():
    broken = definition("S", [node(6, "Use", [], [("image", "IMAGE", 1, {})])], [(1, -10, 4, 6, 0)])
    with pytest.raises(WorkflowError, match="input 4 of the subgraph 'S'"):
        to_prompt(workflow([node(1, "S")], (), [broken]), INFO)


def test_two_nodes_with_one_id_in_the_prompt_are_an_error():
    with pytest.raises(WorkflowError, match="two nodes have this id"):
        to_prompt(workflow([node(1, "Make"), node("1", "Make")]), INFO)
    data = workflow([node(1, "S"), node("1:5", "Make")], (), [maker()])
    with pytest.raises(WorkflowError, match="two nodes would have this id"):
        to_prompt(data, INFO)
