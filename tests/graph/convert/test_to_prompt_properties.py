"""Properties of every conversion: ids and orders in the file don't matter, bad input is one
error."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oracle import hand_made_cases, hand_made_object_info

CASES = [c for c in hand_made_cases() if not c.is_quirk]
INFO = index_object_info(hand_made_object_info())
EVERY_CASE = st.sampled_from(CASES)
EVERY_CHECK: list[Any] = list(HealthCheck)
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=EVERY_CHECK)


def graphs_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [data, *((data.get("definitions") or {}).get("subgraphs") or [])]


def tagged(data: dict[str, Any]) -> dict[str, Any]:
    """A copy in which every node carries a mark of its own, by which it is found again."""
    new = copy.deepcopy(data)
    for g, graph in enumerate(graphs_of(new)):
        for n, node in enumerate(graph["nodes"]):
            node["mark"] = f"{g}/{n}"
    return new


def by_mark(data: dict[str, Any]) -> dict[str, Any]:
    """The prompt with marks for ids, so that prompts with different ids can be compared."""
    flat = flatten(parse_workflow(data), INFO)
    name = {
        i: ">".join(n.data["mark"] for n in (*f.instances, f.node)) for i, f in flat.nodes.items()
    }
    prompt = to_prompt(data, INFO)
    return {
        name[i]: {
            "class_type": node["class_type"],
            "inputs": {
                k: [name[v[0]], v[1]] if isinstance(v, list) else v
                for k, v in node["inputs"].items()
            },
        }
        for i, node in prompt.items()
    }


def renumbered(data: dict[str, Any], draw: Any) -> dict[str, Any]:
    new = copy.deepcopy(data)
    count = sum(len(g["nodes"]) for g in graphs_of(new))
    ids = draw(st.lists(st.integers(1, 10_000), min_size=count, max_size=count, unique=True))
    free = iter(ids)
    new["last_node_id"] = max(ids, default=0)
    names = {}
    for graph in graphs_of(new):
        names[graph.get("id") if graph is not new else None] = {
            node["id"]: next(free) for node in graph["nodes"]
        }
    for graph in graphs_of(new):
        new_ids = names[graph.get("id") if graph is not new else None]
        for node in graph["nodes"]:
            node["id"] = new_ids[node["id"]]
            inner = {str(k): v for k, v in names.get(node["type"], {}).items()}
            proxies = (node.get("properties") or {}).get("proxyWidgets") or []
            for entry in proxies:
                entry[0] = str(inner.get(str(entry[0]), entry[0]))
        for link in graph["links"]:
            ends: tuple[Any, ...] = (1, 3) if isinstance(link, list) else ("origin_id", "target_id")
            for end in ends:
                link[end] = new_ids.get(link[end], link[end])
    return new


def shuffled(data: dict[str, Any], draw: Any) -> dict[str, Any]:
    new = copy.deepcopy(data)
    for graph in graphs_of(new):
        graph["nodes"] = draw(st.permutations(graph["nodes"]))
        graph["links"] = draw(st.permutations(graph["links"]))
        for node in graph["nodes"]:
            if node.get("inputs") and node["type"] in INFO:
                node["inputs"] = draw(st.permutations(node["inputs"]))
    return new


@THOROUGH
@given(EVERY_CASE, st.data())
def test_renumbering_the_nodes_changes_nothing_but_ids(case, data):
    marked = tagged(case.workflow)
    assert by_mark(renumbered(marked, data.draw)) == by_mark(marked)


@THOROUGH
@given(EVERY_CASE, st.data())
def test_the_order_of_nodes_links_and_inputs_in_the_file_changes_nothing(case, data):
    marked = tagged(case.workflow)
    assert by_mark(shuffled(marked, data.draw)) == by_mark(marked)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_converting_twice_gives_the_same(case):
    before = json.dumps(case.workflow)
    first = to_prompt(case.workflow, INFO)
    assert to_prompt(case.workflow, hand_made_object_info()) == first
    assert to_prompt(json.loads(before), INFO) == first
    assert json.dumps(case.workflow) == before


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2.5,
        "",
        "x",
        "-10",
        [],
        {},
        [1],
        [[]],
        {"a": 1},
        10**30,
        float("nan"),
        float("inf"),
        deep(10_000),
        {"id": deep(10_000)},
        -10,
        -20,
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items: Any = ()
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


PLACES = {c.name: places(c.workflow) for c in CASES}


@settings(THOROUGH, max_examples=400)
@given(EVERY_CASE, st.data())
def test_wrong_values_anywhere_raise_nothing_but_a_workflow_error(case, data):
    broken = copy.deepcopy(case.workflow)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PLACES[case.name]))
        at = broken
        try:
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = data.draw(ODD)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        to_prompt(broken, INFO)
    except WorkflowError as e:
        assert str(e)
    try:
        flatten(parse_workflow(broken))
    except WorkflowError as e:
        assert str(e)
