"""Reroute nodes taken out of the editor's JSON."""

from __future__ import annotations

import copy

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.remove_reroutes import remove_reroute_nodes
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from support.oracle import cases, object_info


def node(node_id, kind, links_in=(), links_out=(), **more):
    outputs = [{"name": f"o{i}", "type": "*", "links": list(k)} for i, k in enumerate(links_out)]
    return {
        "id": node_id,
        "type": kind,
        **more,
        "outputs": outputs,
        "inputs": [{"name": f"i{i}", "type": "*", "link": link} for i, link in enumerate(links_in)],
    }


def chain():
    """1 -> reroute 2 -> reroute 3 -> 4 and 5; a direct link 1 -> 5; reroute 6 hangs in the air
    before 4.
    """
    nodes = [
        node(1, "A", [], [[10], [14]]),
        node(2, "Reroute", [10], [[11]]),
        node(3, "Reroute", [11], [[12, 13]]),
        node(4, "B", [12, 15]),
        node(5, "B", [13, 14]),
        node(6, "Reroute", [None], [[15]]),
    ]
    links = [
        [10, 1, 0, 2, 0, "IMAGE"],
        [11, 2, 0, 3, 0, "*"],
        [12, 3, 0, 4, 0, "*"],
        [13, 3, 0, 5, 0, "IMAGE"],
        [14, 1, 1, 5, 1, "MASK"],
        [15, 6, 0, 4, 1, "*"],
    ]
    return nodes, links


def test_links_through_reroutes_are_joined_and_keep_their_last_id():
    nodes, links, carried = remove_reroute_nodes(*chain())
    assert links == [
        [12, 1, 0, 4, 0, "IMAGE"],
        [13, 1, 0, 5, 0, "IMAGE"],
        [14, 1, 1, 5, 1, "MASK"],
    ]
    assert [n["id"] for n in nodes] == [1, 4, 5]
    assert [o["links"] for o in nodes[0]["outputs"]] == [[12, 13], [14]]
    assert [i["link"] for i in nodes[1]["inputs"]] == [12, None]
    assert carried == {10: 12, 11: 12, 12: 12, 13: 13, 14: 14}


def test_nothing_is_changed_in_place():
    nodes, links = chain()
    before = copy.deepcopy((nodes, links))
    remove_reroute_nodes(nodes, links)
    assert (nodes, links) == before


def test_a_muted_reroute_feeds_nothing():
    nodes, links = chain()
    nodes[1]["mode"] = 2
    new_nodes, new_links, _ = remove_reroute_nodes(nodes, links)
    assert [link[0] for link in new_links] == [14]
    assert [i["link"] for i in new_nodes[2]["inputs"]] == [None, 14]


def test_links_as_objects_stay_objects():
    nodes, links = chain()
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    objects = [dict(zip(names, link, strict=True)) for link in links]
    _, new_links, _ = remove_reroute_nodes(nodes, objects)
    assert new_links[0] == dict(zip(names, [12, 1, 0, 4, 0, "IMAGE"], strict=True))


def test_a_circle_of_reroutes_is_an_error():
    nodes = [node(1, "Reroute", [2], [[1]]), node(2, "Reroute", [1], [[2, 3]]), node(3, "B", [3])]
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "*"]]
    with pytest.raises(WorkflowError, match="circle"):
        remove_reroute_nodes(nodes, links)


def test_the_prompt_is_the_same_without_reroutes():
    info = object_info()
    compared = 0
    for case in cases():
        kinds = {n["type"] for n in case.workflow["nodes"]}
        # A PrimitiveNode does not reach through a reroute, and a bypassed one chooses by type.
        plain = all(n.get("mode") in (None, 0) for n in case.workflow["nodes"])
        if "Reroute" not in kinds or "PrimitiveNode" in kinds or not plain:
            continue
        if any("class_type" not in n for n in case.prompt.values()):
            continue
        nodes, links, _ = remove_reroute_nodes(case.workflow["nodes"], case.workflow["links"])
        without = {**case.workflow, "nodes": nodes, "links": links}
        assert to_prompt(without, info) == to_prompt(case.workflow, info), case.name
        compared += 1
    assert compared
