"""A workflow as values, and its JSON again: what a file holds comes back, known to us or not."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.graph.workflow.model import (
    Mode,
    Subgraph,
    is_workflow,
    node_json,
    with_graph,
)
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import definition, maker, node, workflow


def test_an_unchanged_workflow_is_the_file_again():
    data = workflow([node(1, "S", [7], odd=1)], [], [maker()], extra={"ds": {}}, more=[1, 2])
    before = copy.deepcopy(data)
    written = parse_workflow(data).to_json()
    for graph in (data, *data["definitions"]["subgraphs"]):
        for item in graph["nodes"]:
            item["mode"] = 0  # what an absent mode means is written
    assert written == data
    assert written["nodes"] is not data["nodes"] and written["links"] is not data["links"]
    for item in before["nodes"]:
        assert "mode" not in item


def test_a_title_is_that_of_the_user_and_else_the_type():
    titled, untitled, odd = parse_workflow(
        workflow([node(1, "A", title="Mine"), node(2, "A"), node(3, "A", title=5)])
    ).nodes
    assert [titled.title, untitled.title, odd.title] == ["Mine", "A", "A"]
    problem = titled.problem("it is odd")
    assert (problem.node_id, problem.node_type, problem.title) == ("1", "A", "Mine")


def test_a_nodes_json_has_its_fields_and_no_key_for_what_it_never_had():
    bare = parse_workflow({"nodes": [{"id": 1, "type": "A"}]}).nodes[0]
    assert node_json(bare) == {"id": 1, "type": "A", "mode": 0}
    held = parse_workflow({"nodes": [{"id": 1, "type": "A", "widgets_values": None}]}).nodes[0]
    assert node_json(held) == {"id": 1, "type": "A", "mode": 0, "widgets_values": None}


@pytest.mark.parametrize(("version", "form"), [(0.4, list), (1, dict)])
def test_links_are_written_in_the_form_of_the_files_version(version, form):
    data = workflow([node(1, "A"), node(2, "A", None, [("i", "*", 1, {})])], [(1, 1, 0, 2, 0)])
    (link,) = parse_workflow({**data, "version": version}).to_json()["links"]
    assert type(link) is form


def test_links_of_a_definition_are_always_objects():
    data = workflow([node(1, "S")], [], [maker()], version=0.4)
    links = parse_workflow(data).to_json()["definitions"]["subgraphs"][0]["links"]
    assert {type(link) for link in links} == {dict}


def test_exchanging_a_graph_leaves_the_others_and_their_order():
    found = parse_workflow(workflow([], [], [maker("S"), maker("T")]))
    old = found.subgraphs["S"]
    new = Subgraph([], {}, {}, "U", "new", [], [])
    changed = with_graph(found, old, new)
    assert list(changed.subgraphs) == ["U", "T"]
    assert changed.subgraphs["U"] is new and changed.subgraphs["T"] is found.subgraphs["T"]
    assert list(found.subgraphs) == ["S", "T"]
    assert with_graph(found, found, changed) is changed


def test_all_graphs_are_the_root_and_the_definitions():
    found = parse_workflow(workflow([], [], [definition("S", [], [])]))
    assert list(found.graphs()) == [found, found.subgraphs["S"]]


@pytest.mark.parametrize(
    ("data", "answer"),
    [({"nodes": []}, True), ({"nodes": {}}, False), ({"1": {}}, False), ([], False), (None, False)],
)
def test_the_editors_form_is_told_from_others(data, answer):
    assert is_workflow(data) is answer


def test_modes_are_the_editors_numbers():
    assert [mode.name for mode in sorted(Mode)] == [
        "ALWAYS",
        "ON_EVENT",
        "MUTED",
        "ON_TRIGGER",
        "BYPASSED",
    ]
