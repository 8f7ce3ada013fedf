"""The API's prompt: what a link is, what lies before a node, and which JSON is a prompt."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.prompt import (
    Source,
    is_prompt,
    link_source,
    links_of,
    parse_prompt,
    prune_prompt,
    upstream,
)

PROMPT = {
    "1": {"class_type": "A", "inputs": {}},
    "2": {"class_type": "B", "inputs": {"x": ["1", 0], "text": ["a", "b"]}},
    "3": {"class_type": "C", "inputs": {"x": ["1", 0]}},
}


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (["1", 0], Source("1", 0)),
        (("57:8", 2.0), Source("57:8", 2)),
        (["1", True], None),
        ([1, 0], None),
        (["1"], None),
        ("1", None),
        ({"__value__": ["1", 0]}, None),
    ],
)
def test_a_link_is_a_pair_of_a_text_and_a_number(value, source):
    assert link_source(value) == source


def test_links_of_a_node_leave_its_values_out():
    assert list(links_of(PROMPT["2"])) == [("x", Source("1", 0))]


def test_upstream_goes_to_the_beginning_and_past_circles_and_absent_nodes():
    circle = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0], "y": ["gone", 0]}},
        "2": {"class_type": "A", "inputs": {"x": ["1", 0]}},
        "3": {"class_type": "A", "inputs": {}},
    }
    assert upstream(circle, ["1"]) == {"1", "2"}
    assert upstream(PROMPT, ["3", "2"]) == {"1", "2", "3"}


def test_pruning_keeps_what_the_nodes_depend_on():
    assert list(prune_prompt(PROMPT, ["2"])) == ["1", "2"]
    with pytest.raises(WorkflowError, match="9"):
        prune_prompt(PROMPT, ["2", "9"])


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (PROMPT, True),
        ({}, False),
        ([], False),
        ({"nodes": [], "links": []}, False),
        ({"1": {"inputs": {}}}, False),
        ({"nodes": {"class_type": "A"}}, True),  # a prompt whose only node is called "nodes"
    ],
)
def test_a_prompt_is_told_from_a_workflow(data, answer):
    assert is_prompt(data) is answer


def test_a_parsed_prompt_can_be_changed_without_changing_the_callers():
    given = copy.deepcopy(PROMPT)
    parsed = parse_prompt({**given, 7: {"class_type": "A"}})
    assert parsed["7"]["inputs"] == {}
    parsed["2"]["inputs"]["x"] = "changed"
    assert given == PROMPT


def test_what_native_loops_write_into_a_prompt_is_dropped():
    node = {"class_type": "StartLoop", "inputs": {"_loop_end": 3}, "_meta": {"title": "loop"}}
    parsed = parse_prompt({"1": {**node, "_loop_body": ["2"], "_loop_end": "3"}})
    assert parsed == {"1": node}  # an input may be called anything


def test_all_problems_of_a_malformed_prompt_are_reported_at_once():
    with pytest.raises(WorkflowError) as caught:
        parse_prompt({"1": {"inputs": {}}, "2": {"class_type": "A", "inputs": []}, "3": 5})
    assert [p.node_id for p in caught.value.problems] == ["1", "2", "3"]
