"""Subgraphs, group nodes, promoted values: what runs, and what feeds it."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.bypass import bypass_slot, fits, type_name
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.to_prompt import convert, to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.prompt import Source, link_source
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.oracle import hand_made_cases, hand_made_object_info

INFO = index_object_info(
    {
        "Make": {
            "input": {"required": {"seed": ["INT", {"default": 1}], "name": ["STRING"]}},
            "output": ["IMAGE"],
        },
        "Use": {
            "input": {"required": {"image": ["IMAGE"], "seed": ["INT", {"forceInput": True}]}},
            "output": ["IMAGE"],
            "output_node": True,
        },
    }
)


def node(node_id, kind, values=None, inputs=(), links_out=(), **more):
    return {
        "id": node_id,
        "type": kind,
        "widgets_values": values,
        "inputs": [{"name": n, "type": t, "link": link, **w} for n, t, link, w in inputs],
        "outputs": [{"name": "o", "type": "IMAGE", "links": list(links_out)}],
        **more,
    }


def definition(key, nodes, links, inputs=(), outputs=()):
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": key,
        "name": key,
        "nodes": nodes,
        "links": [dict(zip(names, (*li, "*"), strict=True)) for li in links],
        "inputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in inputs],
        "outputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in outputs],
    }


def workflow(nodes, links=(), definitions=(), **more):
    return {
        "nodes": nodes,
        "links": [[*li, "*"] for li in links],
        "definitions": {"subgraphs": list(definitions)},
        **more,
    }


SEED = ("seed", "INT", 1, {"widget": {"name": "seed"}})


def maker(key="S"):
    """A subgraph with a promoted seed, which also feeds a bare socket."""
    return definition(
        key,
        [
            node(5, "Make", [10, "fixed", "inner"], [SEED]),
            node(6, "Use", [], [("image", "IMAGE", 2, {}), ("seed", "INT", 3, {})]),
        ],
        [(1, -10, 0, 5, 0), (3, -10, 0, 6, 1), (2, 5, 0, 6, 0), (4, 6, 0, -20, 0)],
        [("seed", "INT", [1, 3])],
        [("o", "IMAGE", [4])],
    )


def test_a_promoted_value_reaches_all_that_its_input_feeds():
    data = workflow([node(1, "S", [77]), node(2, "S", [])], (), [maker()])
    prompt = to_prompt(data, INFO)
    assert list(prompt) == ["1:5", "1:6", "2:5", "2:6"]
    assert prompt["1:5"]["inputs"] == {"seed": 77, "name": "inner"}
    assert prompt["1:6"]["inputs"] == {"image": ["1:5", 0], "seed": 77}
    assert prompt["2:5"]["inputs"]["seed"] == 10 and prompt["2:6"]["inputs"]["seed"] == 10


def test_an_older_file_names_the_promoted_widgets_in_its_properties():
    proxies = {"proxyWidgets": [["5", "name"], ["-1", "seed"], ["5", "gone"], ["99", "seed"]]}
    data = workflow(
        [node(1, "S", ["outer", 33, "x", 5], properties=proxies), node(2, "S", [44])], (), [maker()]
    )
    prompt = to_prompt(data, INFO)
    assert prompt["1:5"]["inputs"] == {"seed": 33, "name": "outer"}
    assert prompt["2:5"]["inputs"] == {"seed": 44, "name": "inner"}


def test_a_subgraph_in_a_subgraph_hands_values_and_links_through():
    outer = definition(
        "O",
        [node(8, "S", [5], [("seed", "INT", 1, {"widget": {"name": "seed"}})])],
        [(1, -10, 0, 8, 0), (2, 8, 0, -20, 0)],
        [("deep", "INT", [1])],
        [("o", "IMAGE", [2])],
    )
    data = workflow(
        [node(1, "O", [123]), node(2, "Use", [], [("image", "IMAGE", 3, {})])],
        [(3, 1, 0, 2, 0)],
        [outer, maker()],
    )
    prompt = to_prompt(data, INFO)
    assert prompt["1:8:5"]["inputs"]["seed"] == 123
    assert prompt["2"]["inputs"] == {"image": ["1:8:6", 0]}


def test_without_object_info_the_same_nodes_and_links_are_found():
    info = index_object_info(hand_made_object_info())
    for case in hand_made_cases():
        parsed = parse_workflow(case.workflow)
        bare, informed = flatten(parsed), flatten(parsed, info)
        assert list(bare.nodes) == list(informed.nodes)
        if "bypass" not in case.name and "linked_first_widget" not in case.name:
            assert set(bare.links()) == set(informed.links()), case.name


def test_flat_nodes_tell_where_they_come_from():
    parsed = parse_workflow(workflow([node(1, "S", [77])], (), [maker()]))
    flat = flatten(parsed, INFO)
    inner = flat.nodes["1:6"]
    assert inner.node.id == 6 and [h.id for h in inner.instances] == [1]
    assert inner.graph is parsed.subgraphs["S"]
    assert flat.source("1:6", "image") == Source("1:5", 0)
    assert flat.source("1:6", "seed") is None and flat.source("1:6", "nothing") is None
    assert list(flat.links()) == [(Source("1:5", 0), "1:6", "image")]
    assert flat.input_type("1:6", "image") == "IMAGE" and flat.output_type("1:5", 0) == "IMAGE"
    assert flat.input_type("1:6", "nothing") == "*"


def test_the_links_of_a_flat_graph_are_those_of_the_prompt():
    info = index_object_info(hand_made_object_info())
    for case in hand_made_cases():
        flat = flatten(parse_workflow(case.workflow), info)
        wanted = {
            (link_source(v), i, name)
            for i, n in case.prompt.items()
            for name, v in n["inputs"].items()
            if link_source(v)
        }
        assert set(flat.links()) == wanted, case.name


def test_inputs_that_share_a_promoted_seed_go_on_sharing_it():
    makers = [
        node(5, "Make", [10, "fixed", ""], [SEED]),
        node(6, "Make", [10, "increment", ""], [("seed", "INT", 2, {"widget": {"name": "seed"}})]),
        node(7, "Make", [10, "decrement", ""], [("seed", "INT", 3, {"widget": {"name": "seed"}})]),
        node(8, "Use", [], [("seed", "INT", 4, {})]),
    ]
    links = [(i, -10, 0, i + 4, 0) for i in (1, 2, 3, 4)]
    shared = definition("S", makers, links, [("seed", "INT", [1, 2, 3, 4])])
    data = workflow([node(1, "S", [50]), node(2, "S", [60])], (), [shared])
    found = convert(data, INFO, randomize_seeds=True)
    values = {i: n["inputs"]["seed"] for i, n in found.prompt.items()}
    assert values == {f"1:{i}": 51 for i in "5678"} | {f"2:{i}": 61 for i in "5678"}
    assert found.seeds == {(i, "seed"): v for i, v in values.items()}


# ---- what can't be expanded


def test_a_subgraph_that_contains_itself_is_an_error_that_names_it():
    looped = definition("A", [node(1, "B")], [])
    other = definition("B", [node(2, "A")], [])
    with pytest.raises(WorkflowError) as caught:
        flatten(parse_workflow(workflow([node(9, "A")], (), [looped, other])))
    assert {p.title for p in caught.value.problems} == {"A", "B"}


def test_nesting_of_ten_thousand_is_an_error_and_of_hundreds_is_not():
    def nested(depth):
        chain = [definition(f"D{i}", [node(1, f"D{i + 1}")], []) for i in range(depth - 1)]
        last = definition(f"D{depth - 1}", [node(1, "Make", [7])], [])
        return workflow([node(1, "D0")], (), [*chain, last])

    prompt = to_prompt(nested(300), INFO)
    assert [n["inputs"]["seed"] for n in prompt.values()] == [7]
    with pytest.raises(WorkflowError, match="nested"):
        to_prompt(nested(10_000), INFO)


def test_definitions_that_multiply_are_refused_before_they_are_expanded():
    doubling = [
        definition(f"D{i}", [node(1, f"D{i + 1}"), node(2, f"D{i + 1}")], []) for i in range(60)
    ]
    data = workflow([node(1, "D0")], (), [*doubling, definition("D60", [node(1, "Make")], [])])
    with pytest.raises(WorkflowError, match="nodes when its subgraphs are expanded"):
        to_prompt(data, INFO)


def test_a_long_chain_of_reroutes_is_followed():
    count = 10_000
    nodes = [
        node(1, "Make", [7]),
        *(node(i, "Reroute", [], [("", "*", i, {})]) for i in range(2, count)),
        node(count, "Use", [], [("image", "IMAGE", count, {})]),
    ]
    links = [(i, i - 1, 0, i, 0) for i in range(2, count + 1)]
    prompt = to_prompt(workflow(nodes, links), INFO)
    assert prompt[str(count)]["inputs"] == {"image": ["1", 0]}


def test_a_link_from_an_edge_that_does_not_exist_is_an_error():
    broken = definition("S", [node(6, "Use", [], [("image", "IMAGE", 1, {})])], [(1, -10, 4, 6, 0)])
    with pytest.raises(WorkflowError, match="input 4 of the subgraph 'S'"):
        to_prompt(workflow([node(1, "S")], (), [broken]), INFO)


def test_two_nodes_with_one_id_in_the_prompt_are_an_error():
    with pytest.raises(WorkflowError, match="two nodes have this id"):
        to_prompt(workflow([node(1, "Make"), node("1", "Make")]), INFO)
    data = workflow([node(1, "S"), node("1:5", "Make")], (), [maker()])
    with pytest.raises(WorkflowError, match="two nodes would have this id"):
        to_prompt(data, INFO)


# ---- the bypass rule


@pytest.mark.parametrize(
    ("inputs", "output", "wanted", "slot", "found"),
    [
        (["MODEL", "CLIP"], "CLIP", "CLIP", 1, 1),
        (["MASK", "IMAGE"], "IMAGE", "IMAGE", 0, 1),
        (["MODEL", "CLIP"], "CLIP", "*", 1, 1),
        (["LATENT", "VAE"], "IMAGE", "*", 5, 0),
        (["LATENT", "VAE"], "IMAGE", "IMAGE", 0, None),
        (["FLOAT,INT", "IMAGE"], "INT", "int", 0, 0),
        (["IMAGE", "*"], "MASK", "MASK", 0, 1),
        (["IMAGE", "*", "MASK"], "MASK", "MASK", 0, 2),
        ([], "IMAGE", "*", 0, None),
    ],
)
def test_the_input_that_a_bypassed_node_passes_on(inputs, output, wanted, slot, found):
    assert bypass_slot(inputs, output, wanted, slot) == found


def test_types_fit_by_any_of_their_names():
    assert fits("A,B", "b") and fits("*", "A") and fits("", "A") and not fits("A", "B")
    assert type_name(["a", "b"]) == "COMBO" and type_name(None) == "*" and type_name({}) == "*"


# ---- group nodes


def group_workflow(**more):
    inner = [
        {
            "type": "Make",
            "index": 0,
            "inputs": [],
            "outputs": [{"name": "o", "type": "IMAGE"}],
            "widgets_values": [1, "fixed", "a"],
        },
        {
            "type": "Use",
            "index": 1,
            "inputs": [
                {"name": "image", "type": "IMAGE", "link": None},
                {"name": "seed", "type": "INT", "link": None},
            ],
            "outputs": [{"name": "o", "type": "IMAGE"}],
        },
    ]
    group = {"nodes": inner, "links": [[0, 0, 1, 0, 4, "IMAGE"]], "external": [[1, 0, "IMAGE"]]}
    return {
        "nodes": [
            node(3, "workflow>pair", [9, "fixed", "mine"], [("Use seed", "INT", 1, {})], [2]),
            node(4, "Make", [5], [], [1]),
            node(7, "Use", [], [("image", "IMAGE", 2, {})]),
        ],
        "links": [[1, 4, 0, 3, 0, "INT"], [2, 3, 0, 7, 0, "IMAGE"]],
        "extra": {"groupNodes": {"pair": group, **more}},
    }


def test_a_group_node_is_expanded():
    prompt = to_prompt(group_workflow(), INFO)
    classes = {i: n["class_type"] for i, n in prompt.items()}
    (make,) = [i for i, c in classes.items() if c == "Make" and i.startswith("3:")]
    (use,) = [i for i, c in classes.items() if c == "Use" and i.startswith("3:")]
    assert prompt[make]["inputs"] == {"seed": 9, "name": "mine"}
    assert prompt[use]["inputs"] == {"image": [make, 0], "seed": ["4", 0]}
    assert prompt["7"]["inputs"] == {"image": [use, 0]}


def test_a_malformed_group_is_an_error_that_names_the_node():
    data = group_workflow(pair={"nodes": [{"type": 3}]})
    with pytest.raises(WorkflowError, match="node 3 .*group node"):
        to_prompt(data, INFO)


def test_a_group_node_with_an_input_that_is_not_in_its_definition_is_an_error():
    data = group_workflow()
    data["nodes"][0]["inputs"][0]["name"] = "other"
    with pytest.raises(WorkflowError, match="other"):
        to_prompt(data, INFO)
