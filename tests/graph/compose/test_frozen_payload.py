"""Frozen values in the JSON of a reference: packed, unpacked, named."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.graph.compose.frozen_payload import (
    contents_named,
    is_reference,
    pack_values,
    unpack_values,
    why_no_reference,
)

PORT = {"class_type": "DiscomfortPort", "inputs": {"unique_id": "out", "input_data": ["1", 0]}}
PROMPT = {"1": {"class_type": "Make", "inputs": {}}, "2": PORT}
VALUES = {"hash": "text"}


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": []},
        {"nodes": [], "extra": {}},
        {"nodes": [], "extra": {"ds": {}, "discomfort": {"reference": "x"}}},
        PROMPT,
        {**PROMPT, "2": {**PORT, "_meta": {"title": "out"}}},
    ],
)
def test_what_was_packed_is_parted_again(data):
    before = copy.deepcopy(data)
    packed = pack_values(data, VALUES)
    parted = unpack_values(packed)
    assert parted.values == VALUES and data == before
    again = pack_values(parted.data, VALUES)
    assert again == packed and unpack_values(again) == parted
    # Nothing is left of the values, and the rest is as it was.
    assert "hash" not in repr(parted.data)
    for key, value in data.items():
        if key not in ("extra", "2"):
            assert parted.data[key] == value
    kept = (data.get("extra") or {}).get("discomfort") or {}
    assert (parted.data.get("extra") or {}).get("discomfort", {}) == kept
    assert (parted.data.get("2") or {}).get("_meta") in (None, {}, {"title": "out"})


def test_a_workflow_has_them_in_extra_and_a_prompt_at_its_first_port():
    assert pack_values({"nodes": []}, VALUES)["extra"] == {"discomfort": {"values": VALUES}}
    packed = pack_values({**PROMPT, "3": PORT}, VALUES)
    assert packed["2"]["_meta"] == {"discomfort": {"values": VALUES}}
    assert packed["3"] == PORT and packed["1"] == PROMPT["1"]


@pytest.mark.parametrize("data", [{"nodes": []}, PROMPT])
def test_no_values_change_nothing(data):
    assert pack_values(data, {}) == data and unpack_values(data) == (data, {})


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": [], "extra": 3},
        {"nodes": [], "extra": {"discomfort": 3}},
        {"nodes": [], "extra": {"discomfort": {"values": [1]}}},
        {"1": 3, "2": {"_meta": 3}, "3": {"_meta": {"discomfort": {"values": 3}}}},
        {},
    ],
)
def test_anything_else_comes_back_as_it_is(data):
    assert unpack_values(data) == (data, {})


def test_what_a_prompts_port_has_beside_the_values_stays():
    meta = {"title": "out", "discomfort": {"values": VALUES, "reference": "x"}}
    parted = unpack_values({"2": {**PORT, "_meta": meta}})
    assert parted.data["2"]["_meta"] == {"title": "out", "discomfort": {"reference": "x"}}


def loader(**inputs):
    return {"1": {"class_type": "DiscomfortContextLoader", "inputs": inputs}}


@pytest.mark.parametrize(
    ("data", "contents"),
    [
        ({"nodes": [{"properties": {"discomfort_frozen": {"content": "a"}}}]}, {"a"}),
        ({"nodes": [{"properties": {"discomfort_frozen": {"value": "a"}}}]}, set()),
        ({"definitions": ({"discomfort_frozen": {"content": "b"}},)}, {"b"}),
        ({"discomfort_frozen": 3}, set()),
        (loader(version="c", unique_id=""), {"c"}),
        (loader(version="c", unique_id="key"), set()),
        ({"1": {"class_type": "DiscomfortContextLoader"}}, set()),
        ({"1": {"class_type": "Other", "inputs": {"version": "c"}}}, set()),
        ({**loader(version="c"), "x": [{"discomfort_frozen": {"content": "d"}}]}, {"c", "d"}),
        ({"discomfort_frozen": {"content": 5}}, set()),
        (None, set()),
    ],
)
def test_the_contents_that_a_reference_needs(data, contents):
    assert contents_named(data) == contents


@pytest.mark.parametrize(
    ("value", "answer"),
    [({"nodes": []}, True), (PROMPT, True), ({"a": 1}, False), ([], False), (None, False)],
)
def test_a_reference_is_a_workflow_or_a_prompt(value, answer):
    assert is_reference(value) is answer


def port_node(node_id, unique_id, link=None, **more):
    slot = {"name": "input_data", "type": "*", "link": link}
    return {
        "id": node_id,
        "type": "DiscomfortPort",
        "inputs": [slot],
        "outputs": [],
        "widgets_values": [unique_id, ""],
        **more,
    }


def reference(*ports):
    make = {"id": 1, "type": "Make", "inputs": [], "outputs": [{"name": "o", "type": "T"}]}
    targets = [(p["id"], p["inputs"][0]["link"]) for p in ports]
    links = [[link, 1, 0, i, 0, "T"] for i, link in targets if link is not None]
    return {"nodes": [make, *ports], "links": links}


FROZEN = {"properties": {"discomfort_frozen": {"value": 3}}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (reference(port_node(2, "out", 1)), None),
        (reference(port_node(2, "out", 1), port_node(3, "in", **FROZEN)), None),
        (PROMPT, None),
        ({"a": 1}, "neither a workflow nor"),
        (reference(), r"one OUTPUT port; it has \[\]"),
        (reference(port_node(2, "a", 1), port_node(3, "b", 2)), r"it has \['a', 'b'\]"),
        (
            reference(port_node(2, "out", 1), port_node(3, "in")),
            r"INPUT ports \['in'\] have no value",
        ),
        ({"nodes": [{"id": 1}]}, "malformed"),
        ({"1": PROMPT["1"]}, r"one OUTPUT port; it has \[\]"),
        ({**PROMPT, "3": PORT}, r"it has \['out', 'out'\]"),
        (
            {**PROMPT, "3": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "in"}}},
            r"INPUT ports \['in'\]",
        ),
    ],
)
def test_a_reference_makes_one_value_and_needs_none(data, words):
    why = why_no_reference(data)
    if words is None:
        assert why is None
    else:
        assert why is not None
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(why)
