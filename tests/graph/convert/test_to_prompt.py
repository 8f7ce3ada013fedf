"""Conversion rule by rule, where the oracle has no case: errors, seeds, texts, old servers."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.draw_seeds import Draw
from custom_nodes.discomfort.graph.convert.to_prompt import convert, to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow

INFO = {
    "Source": {
        "input": {"required": {"seed": ["INT", {"default": 3, "min": 0, "max": 100}]}},
        "output": ["IMAGE", "MASK"],
        "output_node": False,
    },
    "Text": {
        "input": {"required": {"text": ["STRING", {"multiline": True, "dynamicPrompts": True}]}},
        "output": ["STRING"],
    },
    "SaveImage": {
        "input": {
            "required": {"images": ["IMAGE", {}], "filename_prefix": ["STRING", {"default": "x"}]}
        },
        "output": [],
        "output_node": True,
    },
    "Filter": {
        "input": {
            "required": {"image": ["IMAGE"], "mask": ["MASK"]},
            "optional": {"amount": ["FLOAT", {"default": 0.5}]},
        },
        "output": ["MASK", "IMAGE"],
    },
    "Pack": {
        "input": {"required": {"name": [["a", "b"]]}},
        "output": [],
        "python_module": "custom_nodes.pack",
    },
}


def node(node_id, kind, values=None, inputs=(), **more):
    slots = [{"name": name, "type": "*", "link": link} for name, link in inputs]
    return {"id": node_id, "type": kind, "inputs": slots, "widgets_values": values, **more}


def workflow(nodes, links=(), **more):
    return {"nodes": nodes, "links": [list(link) for link in links], **more}


def inputs_of(data, node_id="1", **options):
    return to_prompt(data, INFO, **options)[node_id]["inputs"]


def problems_of(data, info=INFO):
    with pytest.raises(WorkflowError) as caught:
        to_prompt(data, info)
    return caught.value.problems


def saved_image(origin, slot=0, node_id=9):
    """A SaveImage that is linked to one output."""
    return (
        [node(node_id, "SaveImage", ["p"], [("images", 90)])],
        [[90, origin, slot, node_id, 0, "IMAGE"]],
    )


# ---- errors


def test_all_problems_are_reported_at_once_with_id_title_and_type():
    data = workflow(
        [
            node(1, "Nowhere", inputs=[("a", 5)], title="My node"),
            node(2, "SaveImage", ["p"], [("images", 77)], title="End"),
            node(3, "Source", {"unknown": 1}),
            node(4, "Gone", inputs=[("a", 6)], properties={"cnr_id": "some-pack"}),
        ],
        [[5, 3, 0, 1, 0, "*"], [6, 3, 0, 4, 0, "*"]],
    )
    problems = problems_of(data)
    assert [(p.node_id, p.node_type, p.title) for p in problems] == [
        ("1", "Nowhere", "My node"),
        ("2", "SaveImage", "End"),
        ("3", "Source", "Source"),
        ("4", "Gone", "Gone"),
    ]
    assert "not know this node type" in problems[0].reason
    assert "77" in problems[1].reason and "images" in problems[1].reason
    assert "unknown" in problems[2].reason
    assert "some-pack" in problems[3].reason


def test_the_message_names_what_a_person_looks_for():
    with pytest.raises(WorkflowError, match=r"node 1 'My node' \(Nowhere\): the server does not"):
        to_prompt(workflow([node(1, "Nowhere", inputs=[("a", 5)], title="My node")]), INFO)


@pytest.mark.parametrize("mode", [2, 4])
def test_an_inactive_node_of_an_unknown_type_is_no_error(mode):
    nodes, links = saved_image(1)
    prompt = to_prompt(workflow([node(1, "Nowhere", mode=mode), *nodes], links), INFO)
    assert prompt == {
        "9": {
            "inputs": {"filename_prefix": "p"},
            "class_type": "SaveImage",
            "_meta": {"title": "SaveImage"},
        }
    }


def test_a_bypassed_unknown_node_passes_on_by_the_slots_in_the_file():
    unknown = node(2, "Nowhere", inputs=[("a", 5), ("b", 6)], mode=4)
    unknown["inputs"][0]["type"], unknown["inputs"][1]["type"] = "MASK", "IMAGE"
    unknown["outputs"] = [{"name": "o", "type": "IMAGE"}]
    nodes, links = saved_image(2)
    links += [[5, 1, 1, 2, 0, "MASK"], [6, 1, 0, 2, 1, "IMAGE"]]
    data = workflow([node(1, "Source", [1]), unknown, *nodes], links)
    assert inputs_of(data, "9")["images"] == ["1", 0]


def test_a_link_from_a_node_that_does_not_exist_is_an_error():
    nodes, links = saved_image(1)
    (problem,) = problems_of(workflow(nodes, links))
    assert "node 1, which does not exist" in problem.reason


def test_a_circle_of_reroutes_is_an_error():
    nodes, links = saved_image(1)
    links += [[5, 2, 0, 1, 0, "*"], [6, 1, 0, 2, 0, "*"]]
    data = workflow(
        [node(1, "Reroute", inputs=[("", 5)]), node(2, "Reroute", inputs=[("", 6)]), *nodes], links
    )
    (problem,) = problems_of(data)
    assert "circle" in problem.reason and problem.node_id == "9"


def test_nodes_that_wait_for_each_other_are_named():
    data = workflow(
        [node(1, "Filter", [], [("image", 5)]), node(2, "Filter", [], [("image", 6)])],
        [[5, 2, 1, 1, 0, "IMAGE"], [6, 1, 1, 2, 0, "IMAGE"]],
    )
    assert {p.node_id for p in problems_of(data)} == {"1", "2"}


def test_a_packs_node_says_of_which_pack_it_is():
    of_pack = {"cnr_id": "my-pack", "aux_id": "me/my-pack", "ver": "1.2", "other": 3}
    data = workflow(
        [
            node(1, "Pack", ["a"], properties=of_pack, title="Mine"),
            node(2, "Pack", ["a"], properties={"cnr_id": None, "ver": 3}),
            node(3, "Source", [1], properties={"cnr_id": "comfy-core", "ver": "0.3"}),
        ]
    )
    metas = {i: n["_meta"] for i, n in to_prompt(data, INFO).items()}
    kept = {k: v for k, v in of_pack.items() if k != "other"}
    assert metas == {
        "1": {"title": "Mine", **kept},
        "2": {"title": "Pack"},
        "3": {"title": "Source", "cnr_id": "comfy-core", "ver": "0.3"},
    }


def test_widgets_that_javascript_made_are_an_error():
    data = workflow([node(1, "Pack", ["b", {"on": True, "lora": "x"}])])
    (problem,) = problems_of(data)
    assert problem.node_id == "1" and "JavaScript" in problem.reason


def test_a_type_to_which_javascript_gives_a_widget_is_an_error():
    spec = {"required": {"where": ["PACKPATH"], "size": ["INT"]}}
    info = {"P": {"input": spec, "output": [], "python_module": "custom_nodes.pack"}}
    data = workflow([node(1, "P", ["/a", 4])])
    (problem,) = problems_of(data, info)  # one value too many, and a required socket without link
    assert "JavaScript" in problem.reason
    slot = {"name": "where", "type": "PACKPATH", "widget": {"name": "where"}, "link": None}
    data["nodes"][0]["inputs"] = [slot]
    (problem,) = problems_of(data, info)
    assert "'where'" in problem.reason and "JavaScript" in problem.reason


def test_a_viewer_shows_the_file_that_it_remembers():
    spec = {"required": {"model_file": ["STRING,FILE", {"widgetType": "STRING"}]}}
    info = {"Preview3D": {"input": spec, "output": []}}
    data = workflow(
        [node(1, "Preview3D", ["old.glb", ""], properties={"Last Time Model File": "new.glb"})]
    )
    assert to_prompt(data, info)["1"]["inputs"] == {"model_file": "new.glb", "image": ""}


def test_further_plain_values_are_ignored_as_the_front_end_does():
    assert inputs_of(workflow([node(1, "Pack", ["b", "image", None, {}])])) == {"name": "b"}


def test_a_recording_that_the_file_lacks_is_an_error():
    info = {"RecordAudio": {"input": {"required": {"audio": ["AUDIO_RECORD", {}]}}, "output": []}}
    (problem,) = problems_of(workflow([node(1, "RecordAudio", [""])]), info)
    assert "record" in problem.reason
    prompt = to_prompt(workflow([node(1, "RecordAudio", ["a.mp3"])]), info)
    assert prompt["1"]["inputs"] == {"audio": "a.mp3"}


def test_a_group_node_without_definition_is_an_error_that_says_so():
    (problem,) = problems_of(workflow([node(1, "workflow>mine")]))
    assert "group node" in problem.reason


def test_a_subgraph_without_definition_is_an_error_that_says_so():
    (problem,) = problems_of(workflow([node(1, "0b4f6d9a-0000-4000-8000-0123456789ab")]))
    assert "subgraph" in problem.reason


# ---- values


def test_values_saved_by_name_are_read_by_name():
    assert inputs_of(workflow([node(1, "Source", {"seed": 8})])) == {"seed": 8}


def test_missing_values_are_defaults():
    assert inputs_of(workflow([node(1, "Source")])) == {"seed": 3}


@pytest.mark.parametrize(
    "spec",
    [
        [["a", "b"], {"default": "b"}],
        ["COMBO", {"options": ["a", "b"], "default": "b"}],
    ],
)
def test_both_forms_of_a_combo_and_no_input_order(spec):
    info = {"C": {"input": {"required": {"x": spec, "y": ["INT"]}}, "output": []}}
    data = workflow([node(1, "C", ["a", 4])])
    assert to_prompt(data, info)["1"]["inputs"] == {"x": "a", "y": 4}
    assert to_prompt(workflow([node(1, "C")]), info)["1"]["inputs"] == {"x": "b", "y": 0}


def test_input_order_decides_and_not_the_order_of_the_definition():
    info = {
        "C": {
            "input": {"required": {"x": ["INT"], "y": ["INT"]}},
            "input_order": {"required": ["y", "x"]},
            "output": [],
        }
    }
    assert to_prompt(workflow([node(1, "C", [1, 2])]), info)["1"]["inputs"] == {"y": 1, "x": 2}


def test_links_in_the_form_of_schema_version_1():
    link = {"id": 90, "origin_id": 1, "origin_slot": 0, "target_id": 9, "target_slot": 0}
    data = {"nodes": [node(1, "Source", [1]), *saved_image(1)[0]], "links": [link], "version": 1}
    assert inputs_of(data, "9")["images"] == ["1", 0]


def test_a_port_needs_no_entry_in_object_info():
    data = workflow([node(1, "DiscomfortPort", ["key", "tag"])])
    assert to_prompt(data, {})["1"]["inputs"] == {"unique_id": "key", "tags": "tag"}


def test_an_indexed_object_info_and_a_parsed_workflow_give_the_same():
    data = workflow([node(1, "Source", [5])])
    assert to_prompt(parse_workflow(data), index_object_info(INFO)) == to_prompt(data, INFO)


# ---- texts


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a cat", "a cat"),
        ("a /* no */cat // never\nend", "a cat \nend"),
        ("see http://x", "see http:"),
        ("{one}", "one"),
        (r"\{a\|b\}", "{a|b}"),
        ("a|b}", "a|b}"),
        ("{open", "open"),
        ("{{{deep}}}", "deep"),
    ],
)
def test_comments_and_braces_in_a_prompt_text(text, sent):
    assert inputs_of(workflow([node(1, "Text", [text])])) == {"text": sent}


def test_a_choice_is_one_of_the_options_and_can_be_repeated():
    data = workflow([node(1, "Text", ["a {red|{dark|light} blue} cat"])])
    seen = {inputs_of(data, seed=n)["text"] for n in range(60)}
    assert seen == {"a red cat", "a dark blue cat", "a light blue cat"}
    assert inputs_of(data) == inputs_of(data)
    assert inputs_of(data, seed=7) == inputs_of(data, seed=7)


def test_very_deep_braces_are_read():
    text = "{" * 10_000 + "x"
    assert inputs_of(workflow([node(1, "Text", [text])])) == {"text": "x"}


def test_patterns_in_a_file_name():
    now = datetime(2025, 3, 7, 4, 5, 6)
    prefix = "%date:yyyy-MM-dd hh:mm:s yy%/%Sampler.seed%/%Source.seed%/%Nobody.seed%/%what%"
    data = workflow(
        [
            node(1, "Source", [12], title="Sampler", properties={"Node name for S&R": "Source"}),
            node(2, "SaveImage", [prefix]),
            node(3, "Text", ["%Source.seed%"]),
        ]
    )
    prompt = to_prompt(data, INFO, now=now)
    assert prompt["2"]["inputs"]["filename_prefix"] == (
        "2025-03-07 04:05:6 25/12/12/%Nobody.seed%/%what%"
    )
    assert prompt["3"]["inputs"]["text"] == "%Source.seed%"
    undated = "%date:yyyy-MM-dd hh:mm:s yy%/12/12/%Nobody.seed%/%what%"
    assert convert(data, INFO, now=now).undated == {("2", "filename_prefix"): undated}


PREFIX = [("filename_prefix", 1)]


@pytest.mark.parametrize(
    ("source", "undated"),
    [
        (node(1, "PrimitiveNode", ["plain"]), {}),
        (node(1, "PrimitiveNode", ["%date:yy%"]), {}),
        (
            node(1, "PrimitiveNode", ["%date:yy%"], properties={"Run widget replace on values": 1}),
            {("2", "filename_prefix"): "%date:yy%"},
        ),
        (node(1, "Text", ["%date:yy%"]), {}),
        (node(3, "PrimitiveNode", ["plain"]), {("2", "filename_prefix"): "%date:MM%"}),
    ],
    ids=["primitive", "unread primitive", "primitive with a date", "node", "nothing"],
)
def test_a_text_with_a_date_is_told_only_where_it_is_sent(source, undated):
    source["outputs"] = [{"name": "", "type": "STRING", "links": [1]}]
    inputs = PREFIX if source["id"] == 1 else ()
    saver = node(2, "SaveImage", ["%date:MM%"], inputs)
    saver["inputs"] = [{**slot, "widget": {"name": slot["name"]}} for slot in saver["inputs"]]
    links = [(1, 1, 0, 2, 0, "STRING")] if inputs else ()
    assert convert(workflow([source, saver], links), INFO).undated == undated


def test_a_value_in_a_file_name_can_not_be_a_path():
    data = workflow(
        [
            node(1, "Text", ['a/b:"c"'], title="T"),
            node(2, "SaveImage", ["%T.text%"]),
        ]
    )
    assert inputs_of(data, "2") == {"filename_prefix": "a_b__c_"}


@pytest.mark.parametrize(
    ("kind", "options", "value", "written"),
    [
        ("INT", {"step": 8, "min": 64}, 777, 776),
        ("INT", {}, 2.5, 3),
        ("INT", {"max": 5}, 10**18 + 1, 10**18 + 1),
        ("FLOAT", {"step": 0.01}, 0.126, 0.13),
        ("FLOAT", {"step": 0.1, "round": 0.01}, 8.26, 8.3),
        ("FLOAT", {"step": 1.0}, 3.7, 3.7),
        ("FLOAT", {"step": 1.0, "round": 0.5}, 3.7, 4),
        ("FLOAT", {}, 9999.0, 2048),
        ("FLOAT", {"min": -1.0}, -7.0, -1.0),
        ("FLOAT", {}, "text", "text"),
        ("STRING", {}, 3, 3),
        ("INT", {}, True, True),
    ],
)
def test_what_a_primitive_writes_passes_the_rounding_of_the_widget(kind, options, value, written):
    info = {"N": {"input": {"required": {"x": [kind, options]}}, "output": []}}
    data = workflow(
        [node(1, "PrimitiveNode", [value]), node(2, "N", [0], [("x", 5)])], [[5, 1, 0, 2, 0, kind]]
    )
    assert to_prompt(data, info) == {
        "2": {"inputs": {"x": written}, "class_type": "N", "_meta": {"title": "N"}}
    }


# ---- seeds


def seeds(control, **options):
    return convert(workflow([node(1, "Source", [50, control])]), INFO, **options)


@pytest.mark.parametrize("control", ["randomize", "increment", "fixed", True])
def test_a_seed_is_the_one_in_the_file_unless_told_otherwise(control):
    found = seeds(control)
    assert found.prompt["1"]["inputs"] == {"seed": 50} and found.seeds == {}


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("increment", 51),
        ("decrement", 49),
        ("fixed", 50),
        (False, 50),
        (None, 50),
    ],
)
def test_a_seed_changes_as_the_widget_beside_it_says(control, value):
    found = seeds(control, draw=Draw())
    assert found.prompt["1"]["inputs"] == {"seed": value}
    assert found.seeds == ({("1", "seed"): value} if value != 50 else {})


@pytest.mark.parametrize("control", ["randomize", True])
def test_a_random_seed_is_in_range_reported_and_repeatable(control):
    drawn = [seeds(control, draw=Draw(), seed=n).prompt for n in range(40)]
    values = {p["1"]["inputs"]["seed"] for p in drawn}
    assert len(values) > 10 and all(0 <= v <= 100 for v in values)
    again = seeds(control, draw=Draw(), seed=0)
    assert again.prompt == drawn[0]
    assert again.seeds == {("1", "seed"): drawn[0]["1"]["inputs"]["seed"]}


def test_random_seeds_differ_without_a_seed():
    found = [seeds("randomize", draw=Draw()) for _ in range(40)]
    assert len({f.prompt["1"]["inputs"]["seed"] for f in found}) > 5


def test_a_linked_seed_is_left_alone():
    data = workflow(
        [node(1, "Source", [50, "randomize"], [("seed", 5)]), node(2, "Source", [1, "fixed"])],
        [[5, 2, 0, 1, 0, "INT"]],
    )
    found = convert(data, INFO, draw=Draw(), seed=1)
    assert found.prompt["1"]["inputs"] == {"seed": ["2", 0]} and found.seeds == {}


def test_nodes_that_share_a_primitive_go_on_sharing_its_seed():
    data = workflow(
        [
            node(1, "PrimitiveNode", [50, "randomize"]),
            node(2, "Source", [0, "fixed"], [("seed", 5)]),
            node(3, "Source", [0, "fixed"], [("seed", 6)]),
        ],
        [[5, 1, 0, 2, 0, "INT"], [6, 1, 0, 3, 0, "INT"]],
    )
    found = convert(data, INFO, draw=Draw(), seed=4)
    values = {found.prompt[i]["inputs"]["seed"] for i in "23"}
    assert len(values) == 1 and values != {50}
    assert set(found.seeds) == {("2", "seed"), ("3", "seed")}


def test_a_conversion_can_be_sent_as_json():
    found = seeds("randomize", draw=Draw(), seed=1)
    assert json.loads(json.dumps(found.prompt)) == found.prompt
