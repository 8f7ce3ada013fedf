"""Use Everywhere: its broadcasts become links, and what can't be known is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import definition
from support.pack_files import INFO, kind, node, problems_of, prompt_of, workflow

PACK = "cg-use-everywhere"
UE = {
    "Anything Everywhere": kind({}, optional={"anything": ["*", {}]}, pack=PACK),
    "Anything Everywhere?": kind({}, optional={"anything": ["*", {}]}, pack=PACK),
    "Prompts Everywhere": kind(
        {}, optional={"positive": ["*", {}], "negative": ["*", {}]}, pack=PACK
    ),
    "Seed Everywhere": kind({"seed": ["INT", {"default": 0}]}, "INT", pack=PACK),
    "Load": kind({"name": ["STRING"]}, "MODEL", "CLIP"),
    "Encode": kind({"text": ["STRING"], "clip": ["CLIP"]}, "COND"),
    "Sample": kind(
        {"model": ["MODEL"], "positive": ["COND"], "negative": ["COND"], "seed": ["INT"]},
        "LATENT",
        output_node=True,
    ),
}
LOAD = node(1, "Load", ["m"], None, 2)
FROM_MODEL, FROM_CLIP = (1, 1, 0, 2, 0), (2, 1, 1, 2, 1)


def ue(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"properties": {"ue_properties": {"version": "7.8", **(settings or {})}, **more}}


def everywhere(node_id=2, name="Anything Everywhere", link=1, values=None, **more):
    return node(node_id, name, values, {"anything": link, "anything2": None}, 0, **(more or ue()))


def sample(node_id=9, settings: dict[str, Any] | None = None, **more):
    empty = {"model": (None, "MODEL"), "positive": (None, "COND"), "negative": (None, "COND")}
    seed = {"seed": (None, "INT", {"widget": {"name": "seed"}})}
    return node(node_id, "Sample", [5, "fixed"], {**empty, **seed}, **ue(settings), **more)


def linked(data: dict[str, Any], node_id: str = "9") -> dict[str, Any]:
    inputs = prompt_of(data, UE)[node_id]["inputs"]
    return {k: v for k, v in inputs.items() if isinstance(v, list)}


def test_what_is_linked_to_the_node_goes_to_unlinked_inputs_of_its_type():
    data = workflow([LOAD, everywhere(), sample()], FROM_MODEL)
    prompt = prompt_of(data, UE)
    assert prompt["9"]["inputs"] == {"seed": 5, "model": ["1", 0]}
    assert prompt["2"]["inputs"] == {"anything": ["1", 0]}


def test_the_type_is_found_behind_reroutes():
    nodes = [LOAD, node(5, "Reroute", None, {"": 1}), everywhere(link=3), sample()]
    assert linked(workflow(nodes, (1, 1, 0, 5, 0), (3, 5, 0, 2, 0))) == {"model": ["1", 0]}


def test_a_server_without_the_pack_leaves_its_nodes_out():
    info = {k: v for k, v in UE.items() if v["python_module"] == "nodes"}
    prompt = prompt_of(workflow([LOAD, everywhere(), sample()], FROM_MODEL), info)
    assert list(prompt) == ["1", "9"] and prompt["9"]["inputs"]["model"] == ["1", 0]


def test_an_ordinary_node_that_broadcasts_sends_its_outputs():
    silent = {"output_not_broadcasting": {"o1": True}}
    load = node(1, "Load", ["m"], None, 2, **ue(silent, ue_convert=True))
    nodes = [load, node(3, "Encode", ["x"], {"clip": (None, "CLIP")}), sample()]
    data = workflow(nodes)
    assert linked(data) == {"model": ["1", 0]} and linked(data, "3") == {}


@pytest.mark.parametrize("mode", [2, 4])
def test_a_node_that_is_switched_off_neither_sends_nor_gets(mode):
    off = everywhere(mode=mode, **ue())
    assert linked(workflow([LOAD, off, sample()], FROM_MODEL)) == {}
    data = workflow([LOAD, everywhere(), sample(mode=mode)], FROM_MODEL)
    assert "9" not in prompt_of(data, UE)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"widget_ue_connectable": {"seed": True}}, {"seed": ["1", 0]}),
        ({"widget_ue_connectable": {"seed": False}}, {}),
        ({"widget_ue_connectable": {"seed": True}, "rejects_ue_links": True}, {}),
    ],
)
def test_a_widget_gets_a_broadcast_only_where_it_may(settings, expected):
    info = {**UE, "Number": kind({"n": ["INT"]}, "INT")}
    data = workflow([node(1, "Number", [7]), everywhere(), sample(settings=settings)], FROM_MODEL)
    inputs = prompt_of(data, info)["9"]["inputs"]
    assert {k: v for k, v in inputs.items() if isinstance(v, list)} == expected


def test_an_input_that_was_closed_gets_nothing():
    closed = sample(settings={"input_ue_unconnectable": {"model": True}})
    assert linked(workflow([LOAD, everywhere(), closed], FROM_MODEL)) == {}


def test_a_linked_input_keeps_its_link():
    other = node(3, "Load", ["n"], None, 2)
    target = sample()
    target["inputs"][0]["link"] = 5
    data = workflow([LOAD, other, everywhere(), target], FROM_MODEL, (5, 3, 0, 9, 0))
    assert linked(data) == {"model": ["3", 0]}


def test_links_that_the_file_lost_are_drawn_anew_or_gone():
    target = sample()
    target["inputs"][0]["link"], target["inputs"][1]["link"] = 70, 71
    assert linked(workflow([LOAD, everywhere(), target], FROM_MODEL)) == {"model": ["1", 0]}


def test_a_lost_link_is_an_error_where_the_pack_left_no_mark():
    target = sample()
    target["inputs"][1]["link"] = 71
    assert linked(workflow([target])) == {}
    target["properties"] = {}
    assert "71" in problems_of(workflow([target]), UE)[0].reason


def encoders(**sides: str) -> list[dict[str, Any]]:
    return [
        node(
            i,
            "Encode",
            ["x"],
            {"clip": (None, "CLIP")},
            **ue({"input_regex": regex}, ue_convert=True),
        )
        for i, regex in enumerate(sides.values(), 3)
    ]


def test_regular_expressions_narrow_a_broadcast():
    nodes = [*encoders(a="pos", b="neg"), sample()]
    assert linked(workflow(nodes)) == {"positive": ["3", 0], "negative": ["4", 0]}
    only = everywhere(**ue({"title_regex": "^Mine$"}))
    data = workflow([LOAD, only, sample(), sample(10, title="Mine")], FROM_MODEL)
    assert linked(data) == {} and linked(data, "10") == {"model": ["1", 0]}
    other = everywhere(**ue({"title_regex": "^Mine$", "title_regex_invert": True}))
    data = workflow([LOAD, other, sample(), sample(10, title="Mine")], FROM_MODEL)
    assert linked(data) == {"model": ["1", 0]} and linked(data, "10") == {}


def test_of_a_type_that_is_sent_twice_the_names_decide():
    two = node(3, "Two", None, None, 2, **ue({}, ue_convert=True))
    two["outputs"] = [{"name": n, "type": "COND", "links": []} for n in ("negative", "positive")]
    info = {**UE, "Two": kind({}, "COND", "COND")}
    data = workflow([two, sample()])
    inputs = prompt_of(data, info)["9"]["inputs"]
    assert (inputs["positive"], inputs["negative"]) == (["3", 1], ["3", 0])
    two["properties"]["ue_properties"]["repeated_type_rule"] = 1
    (problem,) = problems_of(data, info)
    assert problem.node_id == "3" and "tells outputs of one type apart" in problem.reason


def test_the_highest_priority_wins_and_a_tie_links_nothing():
    second = node(3, "Load", ["n"], None, 2)
    links = [FROM_MODEL, (7, 3, 0, 4, 0)]
    tie = workflow([LOAD, second, everywhere(), everywhere(4, link=7), sample()], *links)
    assert linked(tie) == {}
    wins = everywhere(4, link=7, **ue({"priority": 11}))
    assert linked(workflow([LOAD, second, everywhere(), wins, sample()], *links)) == {
        "model": ["3", 0]
    }
    named = everywhere(4, link=7, **ue({"input_regex": "mod"}))
    assert linked(workflow([LOAD, second, everywhere(), named, sample()], *links)) == {
        "model": ["3", 0]
    }


def test_prompts_go_to_inputs_by_their_names():
    texts = [node(i, "Encode", ["x"], {"clip": (None, "CLIP")}) for i in (3, 4)]
    prompts = node(5, "Prompts Everywhere", None, {"positive": 1, "negative": 2}, 0, **ue())
    data = workflow([*texts, prompts, sample()], (1, 3, 0, 5, 0), (2, 4, 0, 5, 1))
    assert linked(data) == {"positive": ["3", 0], "negative": ["4", 0]}


def test_a_broadcast_stays_in_its_graph_and_enters_subgraphs_by_their_inputs():
    inner_target = sample(7)
    inner_target["inputs"][0]["link"] = 12
    inner = definition(
        "s", [inner_target, sample(8)], [(12, -10, 0, 7, 0)], [("model", "MODEL", [12])]
    )
    instance = node(20, "s", [], {"model": (None, "MODEL")})
    data = workflow([LOAD, everywhere(), instance], FROM_MODEL, definitions={"subgraphs": [inner]})
    assert linked(data, "20:7") == {"model": ["1", 0]} and linked(data, "20:8") == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"group_restricted": 1},
        {"color_restricted": 2},
        {"group_regex": "x"},
        {"send_to_any": True},
        {"title_regex": "("},
        {"title_regex": "(a+)+$"},
        {"input_regex": "a*a*a*a*b"},
    ],
)
def test_a_restriction_that_is_not_known_well_is_refused_where_it_matters(settings):
    sender = everywhere(**ue(settings))
    (problem,) = problems_of(workflow([LOAD, sender, sample()], FROM_MODEL), UE)
    assert problem.node_id == "2" and "'model' of node 9" in problem.reason
    assert list(prompt_of(workflow([LOAD, sender], FROM_MODEL), UE)) == ["1", "2"]


def test_two_values_of_one_type_in_one_node_are_refused():
    sender = node(2, "Anything Everywhere", None, {"anything": 1, "anything2": 3}, 0, **ue())
    second = node(3, "Load", ["n"], None, 2)
    data = workflow([LOAD, second, sender, sample()], FROM_MODEL, (3, 3, 0, 2, 1))
    assert "apart is not known" in problems_of(data, UE)[0].reason


def test_seed_everywhere_is_refused_only_where_a_seed_could_take_it():
    seed = node(3, "Seed Everywhere", [4, "fixed"], None, 1, **ue())
    assert linked(workflow([seed, sample()])) == {}
    data = workflow([seed, sample(settings={"widget_ue_connectable": {"seed": True}})])
    assert "its seed" in problems_of(data, UE)[0].reason


def test_widgets_of_an_old_file_are_refused_and_its_regular_expressions_read():
    info = {**UE, "Number": kind({"n": ["INT"]}, "INT")}
    sender = everywhere(name="Anything Everywhere?", values=[".*", "seed", ".*"], properties={})
    target = sample()
    target["properties"] = {}
    data = workflow([node(1, "Number", [7]), sender, target], FROM_MODEL)
    (problem,) = problems_of(data, info)
    assert problem.node_id == "2" and "version 7" in problem.reason
    sender["widgets_values"] = [".*", "steps", ".*"]
    assert prompt_of(data, info)["9"]["inputs"]["seed"] == 5


def test_stitched_workflows_do_not_broadcast_into_each_other():
    info = index_object_info({**INFO, **UE})
    sending = workflow([LOAD, everywhere(), sample()], FROM_MODEL)
    silent = workflow([sample()])
    both = [parse_workflow(sending), parse_workflow(silent)]
    prompt = to_prompt(stitch(both, info=info), info)
    models = [n["inputs"].get("model") for n in prompt.values() if n["class_type"] == "Sample"]
    assert sorted(map(bool, models)) == [False, True]
