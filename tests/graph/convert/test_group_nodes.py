"""Group nodes, the forerunners of subgraphs: turned into subgraphs with the same nodes inside."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.group_nodes import (
    expand_group_nodes,
    group_name,
    has_group_nodes,
)
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.workflow.model import Subgraph
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, node, workflow


def group_workflow(**more):
    inner = [
        {
            "type": "Make",
            "index": 0,
            "inputs": [],
            "outputs": [{"name": "o", "type": "IMAGE"}],
            "widgets_values": [1, "fixed", "a"],
        },
        {
            "type": "Use",
            "index": 1,
            "inputs": [
                {"name": "image", "type": "IMAGE", "link": None},
                {"name": "seed", "type": "INT", "link": None},
            ],
            "outputs": [{"name": "o", "type": "IMAGE"}],
        },
    ]
    group = {"nodes": inner, "links": [[0, 0, 1, 0, 4, "IMAGE"]], "external": [[1, 0, "IMAGE"]]}
    return {
        "nodes": [
            node(3, "workflow>pair", [9, "fixed", "mine"], [("Use seed", "INT", 1, {})], [2]),
            node(4, "Make", [5], [], [1]),
            node(7, "Use", [], [("image", "IMAGE", 2, {})]),
        ],
        "links": [[1, 4, 0, 3, 0, "INT"], [2, 3, 0, 7, 0, "IMAGE"]],
        "extra": {"groupNodes": {"pair": group, **more}},
    }


def test_a_group_node_is_expanded():
    prompt = to_prompt(group_workflow(), INFO)
    classes = {i: n["class_type"] for i, n in prompt.items()}
    (make,) = [i for i, c in classes.items() if c == "Make" and i.startswith("3:")]
    (use,) = [i for i, c in classes.items() if c == "Use" and i.startswith("3:")]
    assert prompt[make]["inputs"] == {"seed": 9, "name": "mine"}
    assert prompt[use]["inputs"] == {"image": [make, 0], "seed": ["4", 0]}
    assert prompt["7"]["inputs"] == {"image": [use, 0]}


def test_a_malformed_group_is_an_error_that_names_the_node():
    data = group_workflow(pair={"nodes": [{"type": 3}]})
    with pytest.raises(WorkflowError, match="node 3 .*group node"):
        to_prompt(data, INFO)


def test_a_group_node_with_an_input_that_is_not_in_its_definition_is_an_error():
    data = group_workflow()
    data["nodes"][0]["inputs"][0]["name"] = "other"
    with pytest.raises(WorkflowError, match="other"):
        to_prompt(data, INFO)


@pytest.mark.parametrize(
    "row",
    [[{"type": "Make", "id": -1}, 0, "IMAGE"], [{"index": 0}, 0, "IMAGE"], [None, 0], [0], "x", []],
)
def test_a_row_of_external_that_begins_with_a_node_has_no_effect(row):
    data = group_workflow()
    data["extra"]["groupNodes"]["pair"]["external"].insert(0, row)
    assert to_prompt(data, INFO) == to_prompt(group_workflow(), INFO)


@pytest.mark.parametrize("external", [{"0": 1}, 7, None])
def test_external_that_is_no_list_has_no_effect(external):
    data = group_workflow()
    data["extra"]["groupNodes"]["pair"]["external"] = external
    assert list(to_prompt(data, INFO)) == list(to_prompt(group_workflow(), INFO))
    data["extra"]["groupNodes"]["pair"]["links"] = external
    assert list(to_prompt(data, INFO)) == list(to_prompt(group_workflow(), INFO))


def test_each_group_node_becomes_an_instance_of_a_subgraph_of_its_own():
    data = group_workflow()
    data["nodes"].append(node(8, "workflow/pair", [1, "fixed", "other"]))
    expanded = expand_group_nodes(parse_workflow(data), INFO)
    kinds = {n.id: n.type for n in expanded.nodes}
    assert len({kinds[3], kinds[8]}) == 2 and {kinds[3], kinds[8]} == set(expanded.subgraphs)
    inside = expanded.subgraphs[kinds[3]]
    assert inside.name == "pair" and [s["name"] for s in inside.inputs] == ["Use seed"]
    # The outputs that nothing inside uses, and those that the definition names.
    assert [link.origin_id for link in inside.links.values()] == [0, -10, 1]
    values = [n.widgets_values for n in inside.nodes]
    assert values == [[9, "fixed", "mine"], []]
    other = expanded.subgraphs[kinds[8]]
    assert (other.inputs, other.nodes[0].widgets_values) == ([], [1, "fixed", "other"])


def test_without_object_info_inner_nodes_keep_the_values_of_the_definition():
    data = group_workflow()
    data["nodes"][0]["inputs"] = []
    (inside,) = expand_group_nodes(parse_workflow(data)).subgraphs.values()
    assert inside.nodes[0].widgets_values == [1, "fixed", "a"]


def test_a_group_node_inside_a_subgraph_is_expanded_there():
    inner = {"id": "S", "name": "S", "nodes": [node(5, "workflow>pair", [])], "links": []}
    data = workflow([node(1, "S")], (), [inner], extra=group_workflow()["extra"])
    expanded = expand_group_nodes(parse_workflow(data), INFO)
    assert expanded.subgraphs["S"].nodes[0].type in expanded.subgraphs
    assert len(expanded.subgraphs) == 2 and [n.type for n in expanded.nodes] == ["S"]


def test_a_group_of_an_unknown_name_is_left_alone():
    parsed = parse_workflow(workflow([node(3, "workflow>gone")], extra={"groupNodes": {}}))
    assert expand_group_nodes(parsed, INFO) is parsed


@pytest.mark.parametrize(
    ("kind", "groups", "answer"),
    [
        ("workflow>pair", {"pair": {}}, True),
        ("workflow/pair", {"pair": {}}, True),
        ("workflow>pair", {}, False),
        ("workflow>pair", [], False),
        ("Make", {"pair": {}}, False),
    ],
)
def test_a_workflow_has_group_nodes_if_it_has_both_nodes_and_definitions(kind, groups, answer):
    data = workflow([node(1, kind)], extra={"groupNodes": groups})
    assert has_group_nodes(parse_workflow(data)) is answer


@pytest.mark.parametrize("kind", ["workflow>a b", "workflow/a b", "a b"])
def test_the_name_stands_behind_either_prefix(kind):
    assert group_name(kind) == "a b"


def inside_of(inputs: list[Any] | None = None, values: Any = None, **changes: Any) -> Subgraph:
    """The subgraph of the one group node, whose definition is changed."""
    data = group_workflow()
    data["extra"]["groupNodes"]["pair"] |= changes
    if inputs is not None:
        data["nodes"][0]["inputs"] = [{"name": n, "type": "INT", "link": 1} for n in inputs]
    if values is not None:
        data["nodes"][0]["widgets_values"] = values
    (found,) = expand_group_nodes(parse_workflow(data), INFO).subgraphs.values()
    return found


LINK = [0, 0, 1, 0, 4, "IMAGE"]
ODD_LINKS = [
    [None, 0, 1, 1],
    ["0", 0, 1, 1],
    [0, 0, 1],
    "text",
    None,
    [9, 0, 1, 1],
    [0, 0, 9, 1],
    [0, 0, 1, 2],
    [0, 0, 1, -1],
]


def test_links_that_are_none_inside_are_left_out():
    assert inside_of(links=[*ODD_LINKS, LINK]).links == inside_of().links
    assert inside_of(links=None, external=None).links != inside_of().links


@pytest.mark.parametrize(
    ("external", "outputs"),
    [
        ([], [(1, 0)]),
        (None, [(1, 0)]),
        ([[0, 0, "IMAGE"]], [(0, 0), (1, 0)]),  # used inside, and shown all the same
        (["x", [0]], [(1, 0)]),
    ],
)
def test_outputs_are_those_that_nothing_inside_uses_and_the_external_ones(external, outputs):
    found = inside_of(external=external)
    assert [link[1:3] for link in found.links.values() if link.target_id == -20] == outputs
    assert [s["name"] for s in found.outputs] == [str(i) for i in range(len(outputs))]


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"1": {"input": {"seed": {"name": "mine"}}}}, "mine"),
        ({"1": {"input": {"seed": {"name": 3}}}}, "Use seed"),
        ({"1": {"input": {"seed": 3}}}, "Use seed"),
        ({"1": {"input": 3}}, "Use seed"),
        ({"1": 3}, "Use seed"),
        ({"0": {"input": {"seed": {"name": "other"}}}}, "seed"),  # now the name is free
        ([], "Use seed"),
    ],
)
def test_an_input_has_the_name_that_it_was_given_or_a_free_one(config, name):
    found = inside_of([name], config=config)
    assert [s["name"] for s in found.inputs] == [name]
    (target,) = [link.target_id for link in found.links.values() if link.origin_id == -10]
    assert target == 1


def test_a_third_of_one_name_has_a_number():
    use = {"type": "Use", "inputs": [{"name": "seed", "type": "INT", "link": None}], "outputs": []}
    found = inside_of(["Use seed", "Use 2 seed"], nodes=[use, use, use], links=[])
    targets = [link.target_id for link in found.links.values() if link.origin_id == -10]
    assert targets == [1, 2]


def test_values_of_the_group_node_go_to_the_widgets_that_it_shows():
    primitive = {
        "type": "PrimitiveNode",
        "inputs": [],
        "outputs": [],
        "widgets_values": [5, "fixed"],
    }
    seed = {"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": None}
    make = {"type": "Make", "inputs": [seed], "outputs": [], "widgets_values": [1, "fixed", "a"]}
    nodes, links = [primitive, make], [[0, 0, 1, 0, 4, "INT"]]
    found = inside_of([], [9, "increment", "mine"], nodes=nodes, links=links)
    assert [n.widgets_values for n in found.nodes] == [[9, "increment"], [1, "fixed", "mine"]]
    kept = inside_of([], {"seed": 9}, nodes=nodes, links=links)
    assert [n.widgets_values for n in kept.nodes] == [[5, "fixed"], [1, "fixed", "a"]]
    short = inside_of([], [9], nodes=nodes, links=links)
    assert [n.widgets_values for n in short.nodes] == [[9, "fixed"], [1, "fixed", "a"]]
    assert [s for s in found.outputs if s["name"] == "0"]  # of "Make"; a primitive has none
    assert all(link.origin_id == 1 for link in found.links.values() if link.target_id == -20)


@pytest.mark.parametrize("group", [3, {}, {"nodes": 3}, {"nodes": [3]}])
def test_a_definition_that_is_none_is_an_error_that_names_the_node(group):
    with pytest.raises(WorkflowError, match=r"node 3 .*the definition of this group node"):
        expand_group_nodes(parse_workflow(group_workflow(pair=group)), INFO)


def test_a_type_that_is_a_subgraph_is_no_group_node():
    inner = {"id": "workflow>pair", "name": "S", "nodes": [], "links": []}
    data = workflow([node(1, "workflow>pair")], (), [inner], extra=group_workflow()["extra"])
    parsed = parse_workflow(data)
    assert expand_group_nodes(parsed, INFO) is parsed
    assert expand_group_nodes(parse_workflow({"nodes": [], "extra": 3}), INFO).nodes == []
