"""Set and Get nodes: a value goes by its name, and no node of the two is in the prompt."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.freeze import freeze
from custom_nodes.discomfort.graph.compose.prune import prune
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import definition
from support.pack_files import INFO, kind, node, problems_of, prompt_of, workflow

MAKE = node(1, "Make", [5])


def a_set(node_id, name="m", link: int | None = 1, set_type="SetNode", **more):
    return node(node_id, set_type, [name], {"IMAGE": link}, **more)


def a_get(node_id, name="m", get_type="GetNode", **more):
    return node(node_id, get_type, [name], **more)


def save(node_id, link):
    return node(node_id, "Save", [], {"image": link}, 0)


def saved(data: dict[str, Any], node_id: str = "9") -> Any:
    return prompt_of(data)[node_id]["inputs"].get("image")


@pytest.mark.parametrize(
    ("sets", "gets"), [("SetNode", "GetNode"), ("easy setNode", "easy getNode")]
)
@pytest.mark.parametrize("mode", [0, 2, 4])
def test_a_get_gives_what_feeds_the_set_in_each_of_its_modes(sets, gets, mode):
    nodes = [MAKE, a_set(2, set_type=sets, mode=mode), a_get(3, get_type=gets), save(9, 2)]
    prompt = prompt_of(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0)))
    assert list(prompt) == ["1", "9"]
    assert prompt["9"]["inputs"] == {"image": ["1", 0]}


def test_names_are_followed_through_further_sets_reroutes_and_a_sets_own_output():
    nodes = [
        MAKE,
        a_set(2, "a", 1),
        a_get(3, "a"),
        node(4, "Reroute", None, {"": 2}),
        a_set(5, "b", 3),
        a_get(6, "b"),
        save(9, 4),
        save(10, 5),
    ]
    links = [(1, 1, 0, 2, 0), (2, 3, 0, 4, 0), (3, 4, 0, 5, 0), (4, 6, 0, 9, 0), (5, 2, 0, 10, 0)]
    data = workflow(nodes, *links)
    assert saved(data) == saved(data, "10") == ["1", 0]


@pytest.mark.parametrize("name", ["unknown", "", None, 7])
def test_a_get_without_a_set_is_not_linked(name):
    nodes = [MAKE, a_set(2), a_get(3, name), save(9, 2)]
    assert saved(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0))) is None


def test_a_get_of_a_set_that_nothing_feeds_is_not_linked():
    assert saved(workflow([a_set(2, link=None), a_get(3), save(9, 2)], (2, 3, 0, 9, 0))) is None


@pytest.mark.parametrize("mode", [2, 4])
def test_a_get_that_is_switched_off_gives_nothing(mode):
    nodes = [MAKE, a_set(2), a_get(3, mode=mode), save(9, 2)]
    assert saved(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0))) is None


def nested(*, inner_set: bool = False) -> dict[str, Any]:
    """A Get two subgraphs deep; the Set is in the root, or beside the Get."""
    made = node(7, "Make", [6])
    beside = [made, a_set(6, link=13)] if inner_set else []
    inner = definition(
        "inner", [a_get(4), save(5, 12), *beside], [(12, 4, 0, 5, 0), (13, 7, 0, 6, 0)]
    )
    outer = definition("outer", [node(3, "inner"), node(8, "inner")], [])
    nodes = [MAKE, a_set(2), node(20, "outer")]
    return workflow(nodes, (1, 1, 0, 2, 0), definitions={"subgraphs": [inner, outer]})


def test_a_get_in_a_subgraph_finds_the_set_of_the_root():
    prompt = prompt_of(nested())
    assert set(prompt) == {"1", "20:3:5", "20:8:5"}
    assert prompt["20:3:5"]["inputs"] == prompt["20:8:5"]["inputs"] == {"image": ["1", 0]}


def test_a_set_of_the_gets_own_graph_comes_first():
    prompt = prompt_of(nested(inner_set=True))
    assert prompt["20:3:5"]["inputs"] == {"image": ["20:3:7", 0]}


def test_a_set_in_another_subgraph_is_refused():
    data = nested(inner_set=True)
    data["nodes"] = [a_get(2), save(9, 2), node(20, "outer")]
    data["links"] = [[2, 2, 0, 9, 0, "*"]]
    (problem,) = problems_of(data)
    assert problem.node_id == "2" and "another subgraph" in problem.reason


def test_a_name_that_is_set_twice_is_refused_unless_the_value_is_the_same():
    nodes = [MAKE, a_set(2, link=1), a_set(3, link=3), a_get(4), save(9, 2)]
    links = [(1, 1, 0, 2, 0), (2, 4, 0, 9, 0)]
    (problem,) = problems_of(workflow(nodes, *links, (3, 1, 1, 3, 0)))
    assert problem.node_id == "4" and "2, 3" in problem.reason
    assert saved(workflow(nodes, *links, (3, 1, 0, 3, 0))) == ["1", 0]


def test_names_in_a_circle_are_refused():
    nodes = [a_set(2, "a", 1), a_get(3, "b"), a_set(4, "b", 2), a_get(5, "a"), save(9, 3)]
    links = [(1, 3, 0, 2, 0), (2, 5, 0, 4, 0), (3, 5, 0, 9, 0)]
    assert "comes from itself" in problems_of(workflow(nodes, *links))[0].reason


def chain(length: int, twice: bool = False) -> dict[str, Any]:
    """Set 0 -> Get 0 -> Set 1 -> ...; with each name set twice, if asked."""
    nodes, links = [MAKE, a_set(2, "0", 1)], [(1, 1, 0, 2, 0)]
    for i in range(length):
        first = 10 + 4 * i
        nodes += [a_get(first, str(i)), a_set(first + 1, str(i + 1), first)]
        links.append((first, first, 0, first + 1, 0))
        if twice:
            nodes += [a_get(first + 2, str(i)), a_set(first + 3, str(i + 1), first + 2)]
            links.append((first + 2, first + 2, 0, first + 3, 0))
    nodes += [a_get(3, str(length)), save(9, 5)]
    return workflow(nodes, *links, (5, 3, 0, 9, 0))


def test_long_chains_end_and_too_long_ones_are_refused():
    assert saved(chain(40, twice=True)) == ["1", 0]
    data = chain(500)
    data["nodes"].reverse()  # so that the longest way is gone first
    assert "too many" in problems_of(data)[0].reason


def test_a_class_of_that_name_on_the_server_is_an_ordinary_node():
    info = {"GetNode": kind({"name": ["STRING"]}, "IMAGE"), "SetNode": kind({"IMAGE": ["IMAGE"]})}
    nodes = [MAKE, a_set(2), a_get(3), save(9, 2)]
    prompt = prompt_of(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0)), info)
    assert prompt["9"]["inputs"] == {"image": ["3", 0]}


def test_without_object_info_the_values_are_followed_as_well():
    data = workflow([MAKE, a_set(2), a_get(3), save(9, 2)], (1, 1, 0, 2, 0), (2, 3, 0, 9, 0))
    flat = flatten(parse_workflow(data))
    assert list(flat.nodes) == ["1", "9"]
    assert flat.source("9", "image") == ("1", 0)


# ---- workflows that are made of them

PORT = "DiscomfortPort"


def port(node_id: int, name: str, link: int | None) -> dict[str, Any]:
    return node(node_id, PORT, [name, ""], {"input_data": link})


@pytest.mark.parametrize("given", [True, False])
def test_what_is_pruned_keeps_the_value_that_came_by_a_name(given):
    info = index_object_info(INFO)
    data = workflow([MAKE, a_set(2), a_get(3), port(4, "out", 2)], (1, 1, 0, 2, 0), (2, 3, 0, 4, 0))
    pruned = prune(parse_workflow(data), "out", info if given else None)
    assert [n.id for n in pruned.nodes] == [1, 4]
    assert to_prompt(pruned, info)["4"]["inputs"]["input_data"] == ["1", 0]


def test_workflows_that_use_one_name_do_not_meet_when_they_are_stitched():
    info = index_object_info(INFO)
    parts = [
        parse_workflow(
            workflow(
                [node(1, "Make", [seed]), a_set(2), a_get(3), save(9, 2)],
                (1, 1, 0, 2, 0),
                (2, 3, 0, 9, 0),
            )
        )
        for seed in (5, 6)
    ]
    prompt = to_prompt(stitch(parts, info=info), info)
    sources = [n["inputs"]["image"][0] for n in prompt.values() if n["class_type"] == "Save"]
    assert sorted(prompt[i]["inputs"]["seed"] for i in sources) == [5, 6]


def test_names_do_not_meet_without_object_info_either():
    nodes = [MAKE, a_set(2), a_get(3), save(9, 2)]
    part = parse_workflow(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0)))
    flat = flatten(stitch([part, part]))
    savers = [i for i, n in flat.nodes.items() if n.node.type == "Save"]
    assert len({flat.source(i, "image") for i in savers}) == 2


def test_a_port_that_feeds_a_set_is_frozen_for_all_that_get_it():
    info = index_object_info(INFO)
    nodes = [
        port(1, "in", None),
        a_set(2),
        a_get(3),
        node(9, "Make", [5], {"seed": (2, "INT", {"widget": {"name": "seed"}})}),
    ]
    data = parse_workflow(workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 9, 0)))
    assert to_prompt(freeze(data, {"in": 77}, info), info)["9"]["inputs"] == {"seed": 77}
