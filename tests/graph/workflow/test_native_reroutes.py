"""The editor's reroutes and floating links, in the places of both schemas."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.graph.workflow.native_reroutes import (
    NativeReroutes,
    read_reroutes,
    renumber_reroutes,
    tidy_reroutes,
    with_reroutes,
)

FLOATING = {"id": 1, "origin_id": 3, "target_id": -1, "parentId": 2}


def old(reroutes: list, parents: list, **more) -> dict:
    """Where schema 0.4 has them."""
    return {"version": 0.4, "extra": {"reroutes": reroutes, "linkExtensions": parents}, **more}


def new(reroutes: list, parents: list, **more) -> dict:
    """Where schema 1 and definitions have them."""
    links = [{"id": p["id"], "parentId": p["parentId"]} for p in parents]
    return {"version": 1, "reroutes": reroutes, "links": [*links, {"id": 99}], **more}


both_schemas = pytest.mark.parametrize("write", [old, new])


@both_schemas
def test_they_are_read_from_both_places(write):
    reroutes, parents = [{"id": 1, "linkIds": [5]}], [{"id": 5, "parentId": 1}]
    found = read_reroutes(write(reroutes, parents, floatingLinks=[FLOATING]))
    assert found == NativeReroutes(reroutes, parents, [FLOATING])
    assert found and not read_reroutes({"extra": None})


def test_what_is_no_object_is_left_out():
    assert read_reroutes({"reroutes": [1, None, {"id": 1}], "extra": []}).reroutes == [{"id": 1}]


@both_schemas
def test_they_are_written_where_the_version_wants_them(write):
    native = NativeReroutes([{"id": 7}], [{"id": 5, "parentId": 7}], [FLOATING])
    before = write([{"id": 1}], [{"id": 5, "parentId": 1}], more=1)
    held = copy.deepcopy(before)
    written = with_reroutes(before, native)
    assert before == held and written["more"] == 1
    assert written["floatingLinks"] == [FLOATING]
    if write is new:
        assert written["reroutes"] == [{"id": 7}] and "extra" not in written
    else:
        assert "reroutes" not in written
        assert written["extra"] == {"reroutes": [{"id": 7}], "linkExtensions": native.parents}


@both_schemas
def test_none_at_all_leave_no_key(write):
    written = with_reroutes(write([{"id": 1}], []), NativeReroutes([], [], []))
    assert read_reroutes({**written, "links": []}) == NativeReroutes([], [], [])
    assert "reroutes" not in written and not written.get("extra")


@both_schemas
def test_a_reroute_goes_with_its_last_link_and_those_before_it_only_if_they_are_empty_too(write):
    reroutes = [
        {"id": 1, "linkIds": [5]},  # holds 2, and so stays
        {"id": 2, "parentId": 1, "linkIds": [5, 6]},
        {"id": 3, "parentId": 1, "linkIds": [5]},
        {"id": 4, "linkIds": [], "floating": {"slotType": "output"}},
        {"id": 8, "linkIds": [5]},
    ]
    parents = [{"id": 5, "parentId": 3}, {"id": 6, "parentId": 2}]
    data = write(reroutes, parents)
    held = copy.deepcopy(data)
    tidied = read_reroutes(tidy_reroutes(data, {6}))
    assert [r["id"] for r in tidied.reroutes] == [1, 2, 4]
    assert [r["linkIds"] for r in tidied.reroutes] == [[], [6], []]
    if write is old:  # in the other schema they are in the links, which are written elsewhere
        assert tidied.parents == [{"id": 6, "parentId": 2}]
    assert data == held


def test_tidy_ones_are_the_same_object():
    data = old([{"id": 1, "linkIds": [5]}], [{"id": 5, "parentId": 1}])
    assert tidy_reroutes(data, {5}) is data
    assert tidy_reroutes(empty := {"nodes": []}, {5}) is empty


def test_reroutes_that_follow_each_other_in_a_circle_end():
    circle = [{"id": 1, "parentId": 2, "linkIds": [5]}, {"id": 2, "parentId": 1, "linkIds": []}]
    data = old(circle, [])
    assert tidy_reroutes(data, {5}) is data


def test_new_numbers_reach_all_that_names_the_old_ones():
    native = NativeReroutes(
        [{"id": 4, "linkIds": [5, 55]}, {"id": 9, "parentId": 4, "linkIds": [5]}],
        [{"id": 5, "parentId": 9}, {"id": 55, "parentId": 4}],
        [{**FLOATING, "parentId": 9}, {"id": 2, "target_id": 3, "parentId": 77}],
    )
    found = renumber_reroutes(native, {3: 30}, {5: 50}, 100, 200)
    assert found.reroutes == [
        {"id": 100, "linkIds": [50]},
        {"id": 101, "parentId": 100, "linkIds": [50]},
    ]
    assert found.parents == [{"id": 50, "parentId": 101}]
    assert found.floating == [
        {"id": 200, "origin_id": 30, "target_id": -1, "parentId": 101},
        {"id": 201, "origin_id": -1, "target_id": 30},
    ]
