"""Workflows beside each other in one file: ids, frames, and what the file says besides."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.merge import merge, part_title, with_last_ids
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.flow import Flow


def part(*kinds: str, x: float = 0, **more: Any) -> dict[str, Any]:
    """A chain of nodes, 250 apart."""
    flow = Flow()
    last = None
    for kind in kinds:
        last = flow.node(kind, last)
        flow.at(last)["pos"][0] += x
    return {**flow.json(), **more}


def merged(
    *parts: dict[str, Any], titles: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Any]]:
    before = copy.deepcopy(parts)
    result, maps = merge([parse_workflow(p) for p in parts], titles)
    data = result.to_json()
    assert parts == before and find_inconsistencies(data) == []
    return data, maps


def test_the_first_part_keeps_its_ids_and_the_others_are_counted_on():
    data, maps = merged(part("A", "B", last_node_id=9, last_link_id=4), part("C"), part("D", "E"))
    assert maps == [{1: 1, 2: 2}, {1: 10}, {1: 11, 2: 12}]
    assert [(n["id"], n["type"]) for n in data["nodes"]] == [
        (1, "A"),
        (2, "B"),
        (10, "C"),
        (11, "D"),
        (12, "E"),
    ]
    assert [link[:5] for link in data["links"]] == [[1, 1, 0, 2, 0], [5, 11, 0, 12, 0]]
    assert (data["last_node_id"], data["last_link_id"]) == (12, 5)
    assert [n["order"] for n in data["nodes"]] == [0, 1, 2, 3, 4]


def test_parts_stand_in_a_row_with_a_frame_around_each():
    second = part("C", x=-5000)
    second["groups"] = [{"id": 1, "title": "mine", "bounding": [-5010, 0, 300, 200]}, "odd"]
    data, _ = merged(part("A", "B"), second, titles=("first", ""))
    assert [g["title"] for g in data["groups"]] == ["first", "Part 2", "mine"]
    assert len({g["id"] for g in data["groups"]}) == 3
    left, right, own = (g["bounding"] for g in data["groups"])
    assert left[0] + left[2] < right[0] and left[1] == right[1]
    assert right[0] < own[0] and own[0] + own[2] < right[0] + right[2]


def test_a_node_without_a_place_in_the_order_gets_none():
    second = part("B")
    del second["nodes"][0]["order"]
    data, _ = merged(part("A"), second)
    assert "order" not in data["nodes"][1]


def test_one_part_alone_has_no_frame():
    data, maps = merged(part("A"))
    assert data["groups"] == [] and maps == [{1: 1}]


def test_a_part_without_nodes_takes_no_room():
    data, _ = merged(part("A"), part(), part("B"))
    assert [g["title"] for g in data["groups"]] == ["Part 1", "Part 3"]


def test_the_file_is_the_firsts_but_for_what_all_say():
    models = [{"name": "m"}, {"name": "n"}]
    first = part("A", models=models[:1], extra={"ds": 1, "node_versions": {"core": "1"}}, own=True)
    second = part(
        "B",
        models=models,
        extra={"ds": 2, "node_versions": {"core": "2", "pack": "3"}, "name": "x"},
        id="2",
        other=True,
    )
    data, _ = merged(first, second)
    assert data["models"] == models and data["own"] is True and "other" not in data
    assert data["extra"] == {"ds": 1, "node_versions": {"core": "1", "pack": "3"}}
    assert data["id"] not in (first["id"], second["id"], None)
    assert data["id"] == merged(first, second)[0]["id"] != merged(first, first)[0]["id"]
    assert merged(first)[0]["id"] == first["id"]


def test_frozen_values_of_all_parts_are_kept():
    extras = [
        {"discomfort": {"reference": "x", "values": {"a": "1"}}},
        {"discomfort": {"values": {"b": "2"}}},
        {"discomfort": 3},
        {"discomfort": {"values": 3}},
    ]
    data, _ = merged(*(part("A", extra=extra) for extra in extras))
    assert data["extra"]["discomfort"] == {"reference": "x", "values": {"a": "1", "b": "2"}}


@pytest.mark.parametrize(("versions", "version"), [((1, 1), 1), ((1, 0.4), 0.4), ((0.4, 1), 0.4)])
def test_the_newer_schema_is_kept_if_all_have_it(versions, version):
    state = {"lastNodeId": 7}
    data, _ = merged(*(part("A", "B", version=v, state=state) for v in versions))
    assert data["version"] == version
    assert (isinstance(data["links"][0], dict), "state" in data) == (version == 1, version == 1)


def group_node(content: Any) -> dict[str, Any]:
    return part("workflow>g", extra={"groupNodes": {"g": content}})


def test_group_nodes_of_one_name_must_be_the_same():
    data, _ = merged(group_node({"nodes": []}), group_node({"nodes": []}), part("workflow>g"))
    assert data["extra"]["groupNodes"] == {"g": {"nodes": []}}
    with pytest.raises(WorkflowError, match="another group node of that name differs"):
        merge([parse_workflow(group_node({"nodes": [i]})) for i in (1, 2)])


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ({"extra": {"name": "  mine "}}, "mine"),
        ({"extra": {"title": "mine"}, "name": "other"}, "mine"),
        ({"name": "mine"}, "mine"),
        ({"title": "mine"}, "mine"),
        ({"name": "  ", "title": 3}, "Part 3"),
        ({"extra": 3}, "Part 3"),
    ],
)
def test_a_part_is_called_what_its_file_says(data, title):
    assert part_title(Workflow([], {}, data, {}), 2) == title


@pytest.mark.parametrize(
    ("counters", "last_node", "last_link"),
    [
        ({}, 2, 1),
        ({"last_node_id": 9, "last_link_id": 7}, 9, 7),
        ({"last_node_id": 1, "last_link_id": 0}, 2, 1),
        ({"last_node_id": "x", "last_link_id": None}, 2, 1),
    ],
)
def test_counters_are_past_every_id(counters, last_node, last_link):
    data = with_last_ids(parse_workflow({**part("A", "B"), **counters})).data
    assert (data["last_node_id"], data["last_link_id"]) == (last_node, last_link)


@pytest.mark.parametrize("state", [None, 3, {"lastNodeId": 9, "lastGroupId": 1, "own": 5}])
def test_counters_of_the_newer_schema_stand_in_its_state(state):
    groups, reroutes = [{"id": 4}, {"id": None}, 3], [{"id": 6}]
    data = part("A", "B", version=1, groups=groups, reroutes=reroutes, state=state)
    found = with_last_ids(parse_workflow(data)).data["state"]
    wanted = {"lastNodeId": 2, "lastLinkId": 1, "lastGroupId": 4, "lastRerouteId": 6}
    assert found == (wanted if state in (None, 3) else {**wanted, "lastNodeId": 9, "own": 5})


def test_ids_inside_subgraphs_count_too():
    inner = Flow()
    inner.first_id = 70
    inner.subgraph_output("y", inner.node("A", inner.node("B")))
    flow = Flow()
    flow.define("S", inner)
    flow.instance("S")
    data = with_last_ids(flow.workflow()).data
    assert (data["last_node_id"], data["last_link_id"]) == (71, 2)
