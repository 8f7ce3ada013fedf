"""Defaults of INPUT ports: what the widgets in the file have that they feed."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.convert.draw_seeds import Draw
from custom_nodes.discomfort.graph.convert.to_prompt import convert
from custom_nodes.discomfort.graph.ports.connections import Use
from custom_nodes.discomfort.graph.ports.defaults import with_defaults
from custom_nodes.discomfort.graph.ports.find_ports import Ports, find_ports
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, maker, node, workflow


def port_node(node_id: int, unique_id: str, links: list[int], link_in=None, tags: str = "") -> dict:
    made = node(node_id, "DiscomfortPort", [unique_id, tags], [("input_data", "*", link_in, {})])
    made["outputs"] = [{"name": "output", "type": "*", "links": links}]
    return made


def seed(link: int) -> tuple:
    return ("seed", "INT", link, {"widget": {"name": "seed"}})


def ports_of(data: dict[str, Any]) -> Ports:
    parsed = parse_workflow(data)
    return with_defaults(find_ports(parsed, INFO), convert(parsed, INFO).under)


def one(*values: Any, tags: str = "") -> Ports:
    """A port that feeds the seed of a Make for each value."""
    nodes = [port_node(9, "seed", [*range(1, len(values) + 1)], tags=tags)]
    links = []
    for number, value in enumerate(values, 1):
        nodes.append(node(number, "Make", [value, "fixed", "n"], [seed(number)]))
        links.append((number, 9, 0, number, 0))
    return ports_of(workflow(nodes, links))


def test_a_port_has_the_value_of_the_widget_that_it_feeds():
    default = one(5).default("seed")
    assert default is not None and default.value == 5
    assert default.under == {Use("1", "seed"): 5}


@pytest.mark.parametrize(("first", "second", "is_one"), [(5, 5, True), (5, 6, False)])
def test_widgets_have_to_agree(first, second, is_one):
    ports = one(first, second)
    assert (ports.default("seed") is not None) is is_one
    if not is_one:
        assert "1.seed = 5, 2.seed = 6" in ports.inputs["seed"][0].no_default


def test_two_ports_of_one_name_have_one_default_together():
    nodes = [
        port_node(8, "seed", [1]),
        port_node(9, "seed", [2]),
        node(1, "Make", [5, "fixed", "n"], [seed(1)]),
        node(2, "Make", [6, "fixed", "n"], [seed(2)]),
    ]
    assert ports_of(workflow(nodes, [(1, 8, 0, 1, 0), (2, 9, 0, 2, 0)])).default("seed") is None


def test_a_port_that_feeds_a_socket_too_has_none():
    nodes = [
        port_node(9, "seed", [1, 2]),
        node(1, "Make", [5, "fixed", "n"], [seed(1)]),
        node(2, "Use", [], [("image", "IMAGE", None, {}), ("seed", "INT", 2, {})]),
    ]
    ports = ports_of(workflow(nodes, [(1, 9, 0, 1, 0), (2, 9, 0, 2, 1)]))
    assert ports.default("seed") is None
    assert "'seed' of node 2, which is no widget" in ports.inputs["seed"][0].no_default


def test_a_port_that_feeds_an_output_port_too_has_none():
    nodes = [
        port_node(9, "seed", [1, 2]),
        node(1, "Make", [5, "fixed", "n"], [seed(1)]),
        port_node(8, "out", [], 2),
    ]
    ports = ports_of(workflow(nodes, [(1, 9, 0, 1, 0), (2, 9, 0, 8, 0)]))
    assert ports.default("seed") is None
    assert "the OUTPUT port 'out'" in ports.inputs["seed"][0].no_default


def test_the_tag_required_and_a_port_that_feeds_nothing_have_none():
    assert one(5, tags="a, required").default("seed") is None
    assert ports_of(workflow([port_node(9, "seed", [])])).default("seed") is None


def test_it_reaches_through_passthru_ports():
    nodes = [
        port_node(9, "seed", [1]),
        port_node(8, "middle", [2], 1),
        node(1, "Make", [5, "fixed", "n"], [seed(2)]),
    ]
    default = ports_of(workflow(nodes, [(1, 9, 0, 8, 0), (2, 8, 0, 1, 0)])).default("seed")
    assert default is not None and default.value == 5


def test_behind_a_subgraph_it_is_the_promoted_value_of_the_instance():
    subgraph = maker()
    subgraph["nodes"][1]["inputs"].pop()  # the bare socket, which would have no default
    subgraph["inputs"][0]["linkIds"] = [1]
    subgraph["links"] = [li for li in subgraph["links"] if li["id"] != 3]
    nodes = [port_node(9, "seed", [1]), node(57, "S", [50], [SEED])]
    ports = ports_of(workflow(nodes, [(1, 9, 0, 57, 0)], [subgraph]))
    default = ports.default("seed")
    assert default is not None and default.value == 50
    assert default.under == {Use("57:5", "seed"): 50}


def test_inputs_with_a_default_draw_one_seed_together_and_others_are_left():
    nodes = [
        port_node(9, "seed", [1, 2]),
        node(1, "Make", [5, "randomize", "n"], [seed(1)]),
        node(2, "Make", [5, "randomize", "n"], [seed(2)]),
        node(3, "Make", [5, "randomize", "n"]),
    ]
    parsed = parse_workflow(workflow(nodes, [(1, 9, 0, 1, 0), (2, 9, 0, 2, 0)]))
    filled = {("1", "seed"): (5, "port"), ("2", "seed"): (5, "port")}
    made = convert(parsed, INFO, seed=1, draw=Draw(filled=filled, taken={("3", "seed")}))
    seeds = {i: made.prompt[i]["inputs"]["seed"] for i in "123"}
    assert seeds["1"] == seeds["2"] != 5 and seeds["3"] == 5
    assert set(made.seeds) == {("1", "seed"), ("2", "seed")}
