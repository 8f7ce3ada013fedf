"""Reading the editor's JSON: both forms of everything, and all problems of shape at once."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.workflow.model import Link
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from hypothesis import given
from hypothesis import strategies as st
from support.editor_json import definition, node, workflow

AB = [{"id": 1, "type": "A"}, {"id": 2, "type": "B"}]


def reasons(data: object) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        parse_workflow(data)
    return [problem.reason for problem in caught.value.problems]


@pytest.mark.parametrize(
    "link",
    [
        [7, 1, 0, 2, 3, "T"],
        {
            "id": 7,
            "origin_id": 1,
            "origin_slot": 0,
            "target_id": 2,
            "target_slot": 3,
            "type": "T",
            "parentId": 4,
        },
        [7, 1, 0, 2, 3, "T", "more"],
    ],
)
def test_all_forms_of_a_link_are_one(link):
    assert parse_workflow({"nodes": AB, "links": [link]}).links == {7: Link(7, 1, 0, 2, 3, "T")}


def test_ids_may_be_text_also_in_links():
    data = {"nodes": [{"id": "a", "type": "A"}], "links": [["l", "a", 0, "a", 3, "T"]]}
    assert parse_workflow(data).links == {"l": Link("l", "a", 0, "a", 3, "T")}


def test_a_link_without_a_type_takes_anything_and_holes_are_none():
    found = parse_workflow({"nodes": AB, "links": [None, [7, 1, 0, 2, 3]]})
    assert found.links == {7: Link(7, 1, 0, 2, 3, "*")}


def test_what_a_file_leaves_out_is_empty():
    found = parse_workflow({"nodes": [{"id": "a", "type": "A"}]})
    assert (found.links, found.subgraphs) == ({}, {})
    (only,) = found.nodes
    assert (only.id, only.mode, only.inputs, only.outputs) == ("a", 0, [], [])
    assert (only.widgets_values, only.properties) == (None, {})


def test_definitions_are_found_by_their_id():
    data = workflow([node(1, "S")], [], [definition("S", AB, [], [("x", "*", [])])])
    subgraph = parse_workflow(data).subgraphs["S"]
    assert (subgraph.id, subgraph.name) == ("S", "S")
    assert [n.type for n in subgraph.nodes] == ["A", "B"]
    assert [slot["name"] for slot in subgraph.inputs] == ["x"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "not null"),
        ([], "not a list"),
        ("text", "not text"),
        ({"1": {}}, 'no list "nodes"'),
        ({"nodes": {}}, 'no list "nodes"'),
    ],
)
def test_what_is_no_workflow_is_refused_with_what_it_is(data, words):
    with pytest.raises(WorkflowError, match=words):
        parse_workflow(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nodes": [5]}, r"nodes[0] must be an object, not a number"),
        ({"nodes": [{"id": True, "type": "A"}]}, "the id must be a number or text, not true or"),
        ({"nodes": [{"id": 1, "type": None}]}, "the type must be text, not null"),
        ({"nodes": [{"id": 1, "type": "A", "mode": "2"}]}, "the mode must be a number, not '2'"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": {}}]}, "'inputs' must be a list"),
        ({"nodes": [{"id": 1, "type": "A", "outputs": [1]}]}, "outputs[0] must be an object"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": [{"name": 1}]}]}, "inputs[0].name must be"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": [{"link": 1.5}]}]}, "inputs[0].link must be"),
        ({"nodes": [*AB, {"id": "1", "type": "A"}]}, "two nodes have this id"),
        ({"links": {}}, "'links' must be a list, not an object"),
        ({"links": [5]}, "links[0] must have the form"),
        ({"links": [{"id": 1, "origin_id": 1}]}, "has no 'origin_slot', 'target_id'"),
        ({"links": [[1, None, 0, 2, 0, "T"]]}, "ids must be numbers or text, not [1, null"),
        ({"links": [[1, 1, -1, 2, 0, "T"]]}, "the origin slot must be a number from 0, not -1"),
        ({"definitions": []}, '"definitions" must be an object'),
        ({"definitions": {"subgraphs": {"a": 1}}}, '"definitions.subgraphs" must be a list'),
        ({"definitions": {"subgraphs": [{"id": 5}]}}, "an object with a string id"),
        (
            {"definitions": {"subgraphs": [{"id": "S", "inputs": [{}]}]}},
            "subgraph 'S': inputs[0] must be an object with a name",
        ),
        (
            {"definitions": {"subgraphs": [{"id": "S", "name": "mine", "nodes": [5]}]}},
            "subgraph 'mine': nodes[0] must be an object",
        ),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(change, words):
    (reason,) = reasons({"nodes": AB, **change})
    assert words in reason


def test_all_problems_are_reported_at_once_with_their_nodes():
    data = {
        "nodes": [{"id": 1, "type": None, "mode": "x"}, {"id": 2, "type": "A", "inputs": 5}],
        "links": [5],
    }
    with pytest.raises(WorkflowError, match="malformed") as caught:
        parse_workflow(data)
    assert [problem.node_id for problem in caught.value.problems] == ["1", "1", "2", None]


def test_a_large_wrong_value_is_not_repeated_whole():
    (reason,) = reasons({"nodes": [{"id": 1, "type": "A", "mode": "x" * 10_000}]})
    assert len(reason) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["A", "S", ""]),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(
            st.sampled_from(["id", "type", "mode", "inputs", "link", "name", "nodes", "links"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(nodes=st.lists(JSON, max_size=3), links=JSON, definitions=JSON)
def test_anything_is_read_or_refused_with_our_error(nodes, links, definitions):
    data = {"nodes": nodes, "links": links, "definitions": {"subgraphs": definitions}}
    try:
        found = parse_workflow(data)
    except WorkflowError as e:
        assert e.problems
    else:
        assert len(found.nodes) == len(nodes)
