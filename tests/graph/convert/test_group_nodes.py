"""Group nodes, the forerunners of subgraphs: turned into subgraphs with the same nodes inside."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.group_nodes import (
    expand_group_nodes,
    group_name,
    has_group_nodes,
)
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
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
