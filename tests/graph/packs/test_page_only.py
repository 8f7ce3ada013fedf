"""Nodes that only the page has: left out where they do nothing, refused where they would."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.pack_files import node, problems_of, prompt_of, workflow

FROM_SERVER = {"properties": {"Node name for S&R": "X", "cnr_id": "some-pack"}}
IMAGE = [node(1, "Make", [5]), node(2, "Save", [], {"image": 1}, 0)]
LINK = (1, 1, 0, 2, 0)


@pytest.mark.parametrize(
    "name",
    [
        "Label (rgthree)",
        "Fast Groups Muter (rgthree)",
        "Mute / Bypass Repeater (rgthree)",
        "Note Plus (mtb)",
        "easy bookmark",
        "Show Metadata [Crystools]",
        "workflowinfo|pysssss",
        "GroupTitle Large",
    ],
)
def test_a_known_node_of_the_page_is_left_out(name):
    prompt = prompt_of(workflow([*IMAGE, node(3, name, ["x"], {"a": 1}, 0)], LINK))
    assert list(prompt) == ["1", "2"]


def test_nodes_of_the_page_that_feed_each_other_are_left_out():
    nodes = [
        *IMAGE,
        node(3, "Node Collector (rgthree)", None, {"": 3}),
        node(4, "Fast Muter (rgthree)", None, {"": 2}),
    ]
    assert list(prompt_of(workflow(nodes, LINK, (2, 3, 0, 4, 0), (3, 1, 0, 3, 0)))) == ["1", "2"]


def test_a_node_of_the_page_that_feeds_a_node_of_the_prompt_is_refused():
    nodes = [node(1, "PresetText|pysssss", ["x"]), node(2, "Any", [], {"value": 1})]
    (problem,) = problems_of(workflow(nodes, (1, 1, 0, 2, 0)))
    assert (problem.node_id, problem.node_type) == ("1", "PresetText|pysssss")
    assert "Export (API)" in problem.reason


def test_an_unknown_node_that_nothing_is_linked_to_is_left_out():
    assert list(prompt_of(workflow([*IMAGE, node(3, "MyLabel", ["x"], None, 0)], LINK))) == [
        "1",
        "2",
    ]
    loader = node(3, "MissingLoader", ["x"], {"optional": None}, 1, **FROM_SERVER)
    assert list(prompt_of(workflow([*IMAGE, loader], LINK))) == ["1", "2"]


@pytest.mark.parametrize(
    "missing",
    [
        node(3, "Save Better", ["x"], {"image": 2}, 0, **FROM_SERVER),
        node(3, "Filter Better", ["x"], {"image": 2}, 1, **FROM_SERVER),
        node(3, "Send Without Inputs", ["x"], None, 0, **FROM_SERVER),
        node(3, "HandMade", ["x"], {"image": 2}, 0),
    ],
)
def test_an_unknown_node_that_could_do_something_is_refused(missing):
    (problem,) = problems_of(workflow([*IMAGE, missing], LINK, (2, 1, 0, 3, 0)))
    assert problem.node_id == "3"
    if missing["properties"]:
        assert "'some-pack'" in problem.reason


def test_a_missing_node_of_a_pack_with_rules_is_like_any_other():
    nodes = [*IMAGE, node(3, "VHS_VideoCombine", {}, {"images": 2}, 0)]
    (problem,) = problems_of(workflow(nodes, LINK, (2, 1, 0, 3, 0)))
    assert problem.node_id == "3"
    assert list(prompt_of(workflow([*IMAGE, node(3, "VHS_LoadVideo", {})], LINK))) == ["1", "2"]


def test_an_unknown_node_that_feeds_another_is_refused():
    nodes = [node(1, "MissingLoader", ["x"], None, 1, **FROM_SERVER), IMAGE[1]]
    (problem,) = problems_of(workflow(nodes, LINK))
    assert problem.node_id == "1" and "'some-pack'" in problem.reason


def test_without_object_info_the_tables_still_know_the_nodes_of_the_page():
    parsed = parse_workflow(workflow([*IMAGE, node(3, "Label (rgthree)")], LINK))
    assert list(flatten(parsed).nodes) == ["1", "2"]


def test_a_class_that_the_server_has_is_no_node_of_the_page():
    info = {"Label (rgthree)": {"input": {}, "output": []}}
    prompt = prompt_of(workflow([*IMAGE, node(3, "Label (rgthree)")], LINK), info)
    assert list(prompt) == ["1", "2", "3"]
