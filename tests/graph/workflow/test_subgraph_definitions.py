"""Definitions of several workflows in one: shared, renamed, copied, and left out."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from custom_nodes.discomfort.graph.workflow.subgraph_definitions import (
    leaf_first,
    rename_definitions,
    share_definitions,
    used_definitions,
    with_own_definition,
)
from support.editor_json import definition, maker, node, workflow


def outer(key: str, *types: str) -> dict:
    """A definition with instances of others in it."""
    return definition(key, [node(i, kind) for i, kind in enumerate(types, 1)], [])


def flow(definitions: list, *types: str):
    nodes = [node(i, kind) for i, kind in enumerate(types, 1)]
    return parse_workflow(workflow(nodes, [], definitions))


def changed_maker(key: str = "S") -> dict:
    made = maker(key)
    made["nodes"][0]["widgets_values"] = [11, "fixed", "other"]
    return made


def test_equal_definitions_share_their_id():
    first, second = flow([maker()], "S"), flow([maker()], "S")
    assert share_definitions([first, second]) == [first, second]


def test_a_different_one_of_the_same_id_gets_one_that_follows_from_its_content():
    parts = [flow([maker()], "S"), flow([changed_maker()], "S"), flow([changed_maker()], "S")]
    first, second, third = share_definitions(parts)
    assert list(first.subgraphs) == ["S"]
    (key,) = second.subgraphs
    assert key != "S" and list(third.subgraphs) == [key]
    assert [second.nodes[0].type, second.subgraphs[key].id] == [key, key]
    assert share_definitions(parts) == [first, second, third]


def test_around_a_different_one_the_outer_is_different_too():
    first = flow([maker(), outer("O", "S")], "O")
    second = flow([changed_maker(), outer("O", "S")], "O")
    _, renamed = share_definitions([first, second])
    assert not {"S", "O"} & renamed.subgraphs.keys()
    instance = renamed.subgraphs[renamed.nodes[0].type].nodes[0]
    assert instance.type in renamed.subgraphs


def test_inner_definitions_come_first():
    found = flow([outer("A", "B", "C"), outer("B", "C"), outer("C", "elsewhere")])
    assert leaf_first(found) == ["C", "B", "A"]


def test_definitions_in_a_circle_are_named():
    with pytest.raises(WorkflowError, match="contain each other") as caught:
        leaf_first(flow([outer("A", "B"), outer("B", "A"), outer("C", "A")]))
    reasons = " ".join(problem.reason for problem in caught.value.problems)
    assert "A" in reasons and "B" in reasons and len(caught.value.problems) == 2


def test_instances_follow_a_renamed_definition_everywhere():
    found = flow([maker("S"), outer("O", "S", "x")], "S", "O", "x")
    renamed = rename_definitions(found, {"S": "T"})
    assert list(renamed.subgraphs) == ["T", "O"]
    assert [n.type for n in renamed.nodes] == ["T", "O", "x"]
    assert [n.type for n in renamed.subgraphs["O"].nodes] == ["T", "x"]
    assert [n.type for n in found.nodes] == ["S", "O", "x"]
    assert rename_definitions(found, {"S": "S"}) is found


def test_an_instance_gets_a_definition_of_its_own_only_where_another_shares_it():
    found = flow([maker("S")], "S", "S")
    own = with_own_definition(found, (2,))
    assert own.nodes[0].type == "S" and own.nodes[1].type not in ("S", "x")
    copied = own.subgraphs[own.nodes[1].type]
    assert copied.id == own.nodes[1].type and copied.nodes == found.subgraphs["S"].nodes
    assert with_own_definition(own, (2,)) is own
    assert with_own_definition(found, (2,)) == own  # the same id every time


def test_along_a_path_every_definition_becomes_its_own():
    found = flow([maker("S"), outer("O", "S")], "O", "O")
    own = with_own_definition(found, (2, 1))
    outside = own.subgraphs[own.nodes[1].type]
    assert outside.id != "O" and outside.nodes[0].type not in ("S", "O")
    assert own.subgraphs["O"] == found.subgraphs["O"]


def test_a_copy_never_takes_an_id_that_is_there():
    found = flow([maker("S")], "S", "S")
    taken = with_own_definition(found, (2,)).nodes[1].type
    own = with_own_definition(flow([maker("S"), maker(taken)], "S", "S"), (2,))
    assert own.nodes[1].type not in ("S", taken)
    assert len(own.subgraphs) == 3


def test_what_no_instance_needs_goes_also_from_the_file():
    found = used_definitions(flow([maker("S"), outer("O", "S"), maker("idle")], "O"))
    assert list(found.subgraphs) == ["S", "O"]
    written = found.to_json()["definitions"]["subgraphs"]
    assert [s["id"] for s in written] == ["S", "O"]
    none = used_definitions(flow([maker("idle")], "x"))
    assert none.subgraphs == {} and "definitions" not in none.to_json()


def test_other_definitions_of_the_file_stay():
    data = workflow([], [], [maker("idle")])
    data["definitions"]["blueprints"] = [1]
    written = used_definitions(parse_workflow(data)).to_json()
    assert written["definitions"] == {"blueprints": [1], "subgraphs": []}
