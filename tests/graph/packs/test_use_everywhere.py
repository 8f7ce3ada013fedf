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


def test_one_prompt_alone_goes_to_all_inputs_of_its_type():
    text = node(3, "Encode", ["x"], {"clip": (None, "CLIP")})
    prompts = node(5, "Prompts Everywhere", None, {"positive": 1, "negative": None}, 0, **ue())
    data = workflow([text, prompts, sample()], (1, 3, 0, 5, 0))
    assert linked(data) == {"positive": ["3", 0], "negative": ["3", 0]}


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ({}, {"group_restricted": 1}, "3"),
        ({"color_restricted": 1}, {"group_restricted": 1}, "1"),
        ({"group_regex": "Mine"}, {"color_restricted": 1, "group_restricted": 1}, "1"),
        ({"priority": 0}, {"priority": 9}, "1"),
        ({"color_restricted": 1}, {"priority": 16.5}, "3"),
    ],
)
def test_restrictions_raise_the_priority(first, second, wins):
    at = {"pos": [0, 0], "size": [200, 100]}
    senders = [everywhere(**ue(first)) | at, everywhere(4, link=7, **ue(second)) | at]
    nodes = [LOAD, node(3, "Load", ["n"], None, 2), *senders, placed(9, 300)]
    data = workflow(nodes, FROM_MODEL, (7, 3, 0, 4, 0), groups=[group("Mine", -50, 600)])
    assert linked(data) == {"model": [wins, 0]}


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
        {"group_restricted": 3},
        {"color_restricted": 5},
        {"group_regex": "("},
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


def test_of_two_values_of_one_type_in_one_node_each_goes_where_its_name_is():
    labels = [{"label": "model"}, {"label": "another"}]
    taken = {"anything": (1, "*", labels[0]), "anything2": (3, "*", labels[1])}
    sender = node(2, "Anything Everywhere", None, taken, 0, **ue())
    second = node(3, "Load", ["n"], None, 2)
    links = FROM_MODEL, (3, 3, 0, 2, 1)
    assert linked(workflow([LOAD, second, sender, sample()], *links)) == {"model": ["1", 0]}
    labels[0]["label"] = "Model"
    assert linked(workflow([LOAD, second, sender, sample()], *links)) == {"model": ["1", 0]}
    sender["inputs"][0]["label"] = "MODEL"
    assert linked(workflow([LOAD, second, sender, sample()], *links)) == {}
    sender["properties"]["ue_properties"]["repeated_type_rule"] = 2
    data = workflow([LOAD, second, sender, sample()], *links)
    assert "apart is not known" in problems_of(data, UE)[0].reason
    sender["properties"] = {}  # before version 7
    assert "apart is not known" in problems_of(data, UE)[0].reason


def placed(node_id: int, x: float, y: float = 0.0, **more: Any) -> dict[str, Any]:
    """A target of 200 x 100 with its title bar of 30 above."""
    return sample(node_id, pos=[x, y], size=[200, 100], **more)


def group(title: str, x: float, width: float) -> dict[str, Any]:
    return {"title": title, "bounding": [x, -100, width, 400]}


def reached(settings: dict[str, Any], targets: list[dict[str, Any]], **more: Any) -> set[str]:
    """Which targets the one sender, at 0, reaches."""
    sender = everywhere(**ue(settings)) | {"pos": [0, 0], "size": [200, 100]}
    sender |= more.pop("sender", {})
    data = workflow([LOAD, sender, *targets], FROM_MODEL, **more)
    prompt = prompt_of(data, UE)
    return {n for n, x in prompt.items() if x["class_type"] == "Sample" and "model" in x["inputs"]}


MINE, OTHER = group("Mine", -50, 600), group("Other", 900, 400)


@pytest.mark.parametrize(
    ("settings", "groups", "expected"),
    [
        ({"group_restricted": 1}, [MINE, OTHER], {"10"}),
        ({"group_restricted": True}, [MINE, OTHER], {"10"}),
        ({"group_restricted": 2}, [MINE, OTHER], {"11", "12"}),
        ({"group_restricted": 1}, [OTHER], set()),
        ({"group_restricted": 2}, [], {"10", "11", "12"}),
        ({"group_restricted": 1}, [MINE, group("Wide", -60, 1500)], {"10", "11"}),
        ({"group_regex": "^M"}, [MINE, OTHER], {"10"}),
        ({"group_regex": "^M", "group_regex_invert": True}, [MINE, OTHER], {"11"}),
        ({"group_regex": ".*"}, [MINE], {"10", "11", "12"}),
        ({"group_regex": "O", "group_restricted": 2}, [MINE, OTHER], {"11"}),
        ({"group_restricted": 0}, [MINE], {"10", "11", "12"}),
    ],
)
def test_groups_narrow_a_broadcast(settings, groups, expected):
    targets = [placed(10, 300), placed(11, 1000), placed(12, 300, 1000)]
    assert reached(settings, targets, groups=groups) == expected


def test_a_node_that_is_partly_in_a_group_is_refused_and_one_that_is_collapsed_is_its_title_bar():
    rule = {"group_restricted": 1}
    sender = everywhere(**ue(rule)) | {"pos": [0, 0], "size": [200, 100]}
    data = workflow([LOAD, sender, placed(10, 500)], FROM_MODEL, groups=[MINE])
    (problem,) = problems_of(data, UE)
    assert problem.node_id == "2" and "groups" in problem.reason
    low = placed(10, 300, 250)
    data = workflow([LOAD, sender, low], FROM_MODEL, groups=[MINE])
    assert problems_of(data, UE)
    assert reached(rule, [{**low, "flags": {"collapsed": True}}], groups=[MINE]) == {"10"}
    odd = [{"title": "odd"}, 5, None]
    data = workflow([LOAD, sender, placed(10, 300)], FROM_MODEL, groups=odd)
    assert problems_of(data, UE)


@pytest.mark.parametrize(
    ("settings", "color", "expected"),
    [
        ({"color_restricted": 1}, "#232", {"10"}),
        ({"color_restricted": 2}, "#232", {"11", "12"}),
        ({"color_restricted": 1}, None, {"12"}),
        ({"color_restricted": 2}, None, {"10", "11"}),
        ({"color_restricted": 1, "group_restricted": 1}, "#232", {"10"}),
        ({"color_restricted": 2, "group_restricted": 1}, "#232", set()),
    ],
)
def test_colours_narrow_a_broadcast(settings, color, expected):
    targets = [placed(10, 300, color="#232"), placed(11, 1000, color="#322"), placed(12, 2000)]
    sender = {"color": color} if color else {}
    assert reached(settings, targets, groups=[MINE], sender=sender) == expected


@pytest.mark.parametrize(
    ("settings", "is_known"),
    [
        ({}, True),
        ({"color_restricted": 1}, True),
        ({"color_restricted": 2}, False),
        ({"group_restricted": 1}, False),
        ({"group_regex": "Mine"}, False),
    ],
)
def test_in_a_subgraph_only_the_same_colour_is_known(settings, is_known):
    sender = everywhere(**ue(settings)) | {"pos": [0, 0], "size": [200, 100]}
    inner = definition("s", [LOAD, sender, placed(10, 300)], [FROM_MODEL[:5]])
    instance = node(20, "s", [], {}, 0)
    data = workflow([instance], definitions={"subgraphs": [{**inner, "groups": [MINE]}]})
    if is_known:
        assert linked(data, "20:10") == {"model": ["20:1", 0]}
    else:
        assert problems_of(data, UE)


def test_a_broadcast_goes_to_inputs_of_any_type_where_it_is_told_to():
    def data(**settings: Any) -> dict[str, Any]:
        shows = [node(5, "Any", None, {"value": (None, "*")}, 0), sample()]
        return workflow([LOAD, everywhere(**ue(settings)), *shows], FROM_MODEL)

    assert linked(data(), "5") == {}
    for on in (1, True):
        assert linked(data(send_to_any=on), "5") == {"value": ["1", 0]}
        assert linked(data(send_to_any=on)) == {"model": ["1", 0]}
    loose = data(send_to_any=1)
    loose["nodes"].append(node(6, "Reroute", None, {"": (None, "*")}))
    assert "browser only" in problems_of(loose, UE)[0].reason
    loose["nodes"][-1]["mode"] = 2
    assert linked(loose, "5") == {"value": ["1", 0]}


def test_a_text_that_is_to_reach_choices_is_refused_where_there_are_some():
    info = {
        **UE,
        "Text": kind({"text": ["STRING"]}, "STRING"),
        "Pick": kind({"how": [["a", "b"]]}, output_node=True),
    }
    combo = {"how": (None, "COMBO", {"widget": {"name": "how"}})}
    pick = node(5, "Pick", ["a"], combo, 0, **ue({"widget_ue_connectable": {"how": True}}))
    sender = everywhere(**ue({"string_to_combo": 1}))
    data = workflow([node(1, "Text", ["b"]), sender, pick], FROM_MODEL)
    assert "choices" in problems_of(data, info)[0].reason
    pick["properties"]["ue_properties"]["widget_ue_connectable"] = {}
    assert prompt_of(data, info)["5"]["inputs"] == {"how": "a"}


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
