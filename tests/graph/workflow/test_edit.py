"""The edits that stitching and pruning are made of. None changes what it is given."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.workflow.edit import (
    MAX_OUTPUTS,
    End,
    connect,
    highest,
    instance_slot,
    map_nodes,
    node_by_id,
    output_links,
    scope,
    slot_named,
    stable_uuid,
    tidy,
    tidy_all,
    with_link,
    without_nodes,
)
from custom_nodes.discomfort.graph.workflow.model import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT, Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.editor_json import definition, maker, node, workflow

A_TO_B = [
    node(1, "A", links_out=[5]),
    node(2, "B", None, [("x", "*", 5, {}), ("y", "*", None, {})]),
]


def flow(nodes: Any = A_TO_B, links: Any = ((5, 1, 0, 2, 0),), definitions: Any = (), **more):
    return parse_workflow(
        copy.deepcopy(
            workflow(nodes, links, definitions, **{"last_node_id": 9, "last_link_id": 9, **more})
        )
    )


def assert_sound(found: Workflow) -> None:
    assert find_inconsistencies(found.to_json()) == []


def wires(graph: Any) -> set[tuple]:
    return {
        (link.origin_id, link.origin_slot, link.target_id, link.target_slot)
        for link in graph.links.values()
    }


def test_an_id_of_the_same_parts_is_the_same_everywhere():
    # Another one would make another file of the same parts.
    assert stable_uuid("a", "b") == "8a966dfe-3393-597e-b40d-27184057b0a7"
    assert stable_uuid("ab") != stable_uuid("a", "b")


@pytest.mark.parametrize(("ids", "most"), [([3, "x", 7], 7), ([], 0), ([None, True, "9"], 0)])
def test_the_highest_id_is_that_of_the_numbers(ids, most):
    assert highest(ids) == most


def test_a_path_of_instances_leads_to_the_graph_inside():
    outer = definition("O", [node(7, "S")], [])
    found = flow([node(1, "O"), node(2, "A")], [], [maker("S"), outer])
    assert scope(found, ()) is found
    assert scope(found, (1,)) is found.subgraphs["O"]
    assert scope(found, (1, 7)) is found.subgraphs["S"]
    with pytest.raises(WorkflowError, match="can't be reached") as caught:
        scope(found, (2,))
    assert caught.value.problems[0].node_id == "2"
    with pytest.raises(WorkflowError, match="no node 8"):
        scope(found, (1, 8))


def test_slots_are_found_by_name():
    slots = [{"name": "a"}, {}, {"name": "b"}]
    assert [slot_named(slots, name) for name in ("a", "b", "c")] == [0, 2, None]
    found = flow([node(1, "S", None, [("other", "*", None, {}), ("seed", "*", None, {})])])
    subgraph = flow([], (), [maker("S")]).subgraphs["S"]
    assert instance_slot(found.nodes[0], subgraph, 0) == 1
    assert instance_slot(flow().nodes[0], subgraph, 0) is None


def test_links_of_an_output_are_those_that_exist_each_once():
    made = maker("S")
    made["outputs"][0]["linkIds"] = [77, 4, 4]
    assert output_links(flow([], (), [made]).subgraphs["S"], 0) == [4]


def test_without_a_node_its_links_are_gone_on_both_sides():
    found = flow()
    for gone in (1, 2):
        left = without_nodes(found, {gone})
        assert [n.id for n in left.nodes] == [3 - gone] and left.links == {}
        assert_sound(left)
    assert wires(found) == {(1, 0, 2, 0)}


def test_a_change_reaches_the_nodes_of_all_graphs():
    found = flow([node(1, "S")], (), [maker("S")])
    muted = map_nodes(found, lambda n: replace(n, mode=2))
    assert {n.mode for g in muted.graphs() for n in g.nodes} == {2}
    assert {n.mode for g in found.graphs() for n in g.nodes} == {0}


def test_a_new_link_takes_the_next_free_id_and_replaces_what_fed_the_target():
    found = flow()
    more = connect(found, End(1, 0), End(2, 1), "T")
    assert more.links[10] == (10, 1, 0, 2, 1, "T")
    assert more.nodes[1].inputs[1]["link"] == 10
    assert more.nodes[0].outputs[0]["links"] == [5, 10]
    instead = connect(flow([*A_TO_B, node(3, "A")]), End(3, 0), End(2, 0))
    assert wires(instead) == {(3, 0, 2, 0)}
    for changed in (more, instead):
        assert_sound(replace(changed, data={**changed.data, "last_link_id": 10}))
    assert list(found.links) == [5]


def test_an_output_of_a_definition_is_fed_by_the_new_link_alone():
    found = flow([node(1, "S")], (), [maker("S")])
    inner = connect(found.subgraphs["S"], End(5, 0), End(SUBGRAPH_OUTPUT, 0))
    assert wires(inner) >= {(5, 0, SUBGRAPH_OUTPUT, 0)}
    assert (6, 0, SUBGRAPH_OUTPUT, 0) not in wires(inner)
    assert inner.outputs[0]["linkIds"] == [5]


def test_a_link_at_an_input_changes_that_input_alone():
    (first, second) = with_link(flow().nodes[1], 1, 8).inputs
    assert (first["link"], second["link"]) == (5, 8)


def damage_lists(data: dict) -> None:
    data["nodes"][0]["outputs"][0]["links"] = [55]


def damage_target(data: dict) -> None:
    data["links"][0][4] = 7  # a wrong target slot


def damage_unread(data: dict) -> None:
    data["links"].append([6, 1, 0, 2, 1, "*"])  # its target says nothing of it


def damage_origin(data: dict) -> None:
    data["links"].append([6, 77, 0, 2, 1, "*"])
    data["nodes"][1]["inputs"][1]["link"] = 6


def damage_slot(data: dict) -> None:
    data["links"].append([6, 1, MAX_OUTPUTS, 2, 1, "*"])
    data["nodes"][1]["inputs"][1]["link"] = 6


def damage_missing(data: dict) -> None:
    data["nodes"][1]["inputs"][1]["link"] = 88


@pytest.mark.parametrize(
    "damage",
    [
        damage_lists,
        damage_target,
        damage_unread,
        damage_origin,
        damage_slot,
        damage_missing,
    ],
)
def test_what_a_damaged_file_says_of_a_link_is_what_its_target_says(damage):
    data = flow().to_json()
    damage(data)
    found = tidy(parse_workflow(data))
    assert wires(found) == {(1, 0, 2, 0)}
    assert_sound(found)


def test_two_inputs_that_read_one_link_get_one_each():
    data = flow().to_json()
    data["nodes"][1]["inputs"][1]["link"] = 5
    found = tidy(parse_workflow(data))
    assert wires(found) == {(1, 0, 2, 0), (1, 0, 2, 1)}
    assert [slot["link"] for slot in found.nodes[1].inputs] == [5, 6]


def test_an_output_that_the_file_does_not_know_is_added():
    data = flow().to_json()
    data["links"][0][2] = 2
    found = tidy(parse_workflow(data))
    assert [slot.get("links") for slot in found.nodes[0].outputs] == [[], None, [5]]


def test_a_definition_is_tidied_at_its_edges_too():
    made = maker("S")
    made["inputs"][0]["linkIds"] = [3, 99]
    made["outputs"][0]["linkIds"] = [99, 4]
    found = tidy_all(flow([node(1, "S")], (), [made])).subgraphs["S"]
    assert found.inputs[0]["linkIds"] == [3, 1]
    assert found.outputs[0]["linkIds"] == [4]
    assert {link.origin_id for link in found.links.values()} == {SUBGRAPH_INPUT, 5, 6}


def test_native_reroutes_of_links_that_are_gone_go():
    extra = {"reroutes": [{"id": 1, "linkIds": [5]}], "linkExtensions": [{"id": 5, "parentId": 1}]}
    assert tidy(flow(extra=extra)).data["extra"] == extra
    assert without_nodes(flow(extra=extra), {1}).data["extra"] == {}


def test_what_is_tidy_keeps_its_nodes_and_order_of_links():
    found = flow()
    assert all(a is b for a, b in zip(tidy(found).nodes, found.nodes, strict=True))
    assert node_by_id(found, 2) is found.nodes[1]
