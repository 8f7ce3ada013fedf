"""Our own nodes in what comes from outside: found wherever they hide, and nothing else is."""

from __future__ import annotations

import copy
import json

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.frozen_payload import why_no_reference
from custom_nodes.discomfort.graph.plan.internal_nodes import (
    INTERNAL,
    find_internal,
    refuse_internal,
)

CONTENT = "ab" * 32
FROZEN = {
    "class_type": "DiscomfortContextLoader",
    "inputs": {"unique_id": "", "run_dir": "", "version": CONTENT, "wanted": "{}"},
    "_meta": {"title": "input port 'a'"},
}


def node(kind: str) -> dict:
    return {"id": 7, "type": kind, "inputs": [], "outputs": []}


def holders(kind: str) -> dict[str, dict]:
    """Every part of a workflow or prompt that has nodes in it."""
    inner = {"subgraphs": [{"nodes": [node(kind)]}]}
    return {
        "prompt": {"7": {"class_type": kind, "inputs": {}}},
        "workflow": {"nodes": [node(kind)], "links": []},
        "subgraph": {"nodes": [], "definitions": {"subgraphs": [{"nodes": [node(kind)]}]}},
        "nested subgraph": {"nodes": [], "definitions": {"subgraphs": [{"definitions": inner}]}},
        "group node": {"nodes": [], "extra": {"groupNodes": {"a": {"nodes": [node(kind)]}}}},
        "prompt beside": {"nodes": [], "extra": {"prompt": {"7": {"class_type": kind}}}},
    }


@pytest.mark.parametrize("kind", sorted(INTERNAL))
@pytest.mark.parametrize("place", holders(""))
def test_internal_node_is_found_in_every_place_and_named(kind, place):
    (found,) = find_internal(holders(kind)[place])
    assert (found.node_id, found.node_type) == ("7", kind)
    with pytest.raises(WorkflowError, match=f"(?s)x.json can't be used.*{kind}"):
        refuse_internal(holders(kind)[place], "x.json")


@pytest.mark.parametrize("place", holders(""))
def test_other_nodes_and_texts_that_name_one_stay(place):
    data = holders("DiscomfortPort")[place]
    data["note"] = "DiscomfortContextLoader"
    data["values"] = [{"widgets_values": ["DiscomfortContextSaver"]}]
    assert find_internal(data) == []


def test_value_that_a_reference_froze_is_no_place_and_stays():
    assert find_internal({"1": FROZEN}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"run_dir": "/somewhere"},
        {"run_dir": ["2", 0]},
        {"unique_id": "a"},
        {"version": "tokenabc_0123456789"},
        {"version": ["2", 0]},
        {"version": CONTENT + "/.."},
        {"wanted": ["2", 0]},
        {"more": 1},
    ],
    ids=json.dumps,
)
def test_loader_that_names_or_gets_a_place_is_refused(change):
    loader = copy.deepcopy(FROZEN)
    loader["inputs"].update(change)
    assert find_internal({"1": loader})


@pytest.mark.parametrize("odd", [None, [], "text", {"place": ["/x", "y"]}, {"place": None}])
def test_what_stands_beside_a_frozen_loader_is_nothing_to_it(odd):
    assert find_internal({"1": {**FROZEN, "_meta": odd}}) == []


def test_json_that_holds_itself_ends():
    data: dict = {"nodes": []}
    data["again"] = [data, data]
    assert find_internal(data) == []


def test_it_is_no_reference_either():
    reason = why_no_reference(holders("DiscomfortContextSaver")["prompt"])
    assert reason is not None and "DiscomfortContextSaver" in reason
