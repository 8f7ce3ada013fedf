"""Classes that others have replaced: in prompts as the server, in workflows as the editor does."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.replace_nodes import (
    lacks_classes,
    read_replacements,
    replace_in_prompt,
    replace_in_workflow,
)
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow

INFO = index_object_info(
    {
        "Load": {
            "input": {"required": {"file": ["STRING", {"default": "none"}]}},
            "output": ["IMAGE", "MASK"],
            "output_name": ["IMAGE", "MASK"],
        },
        "Scale": {
            "input": {
                "required": {
                    "image": ["IMAGE"],
                    "size": ["INT", {"default": 1}],
                    "method": ["STRING", {"default": "near"}],
                }
            },
            "output": ["IMAGE"],
        },
        "Save": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": True},
    }
)
SCALE = {
    "new_node_id": "Scale",
    "old_widget_ids": ["edge"],
    "input_mapping": [
        {"new_id": "image", "old_id": "images"},
        {"new_id": "size", "old_id": "edge"},
        {"new_id": "method", "set_value": "lanczos"},
    ],
    "output_mapping": None,
}
LOAD = {
    "new_node_id": "Load",
    "old_widget_ids": ["name"],
    "input_mapping": [{"new_id": "file", "old_id": "name"}],
    "output_mapping": [{"old_idx": 0, "new_idx": 1}, {"old_idx": 1, "new_idx": 0}],
}
PLAIN = {
    "new_node_id": "Load",
    "old_widget_ids": None,
    "input_mapping": None,
    "output_mapping": None,
}
KNOWN = read_replacements(
    {
        "OldScale": [SCALE, {"new_node_id": "Save"}],
        "OldLoad": [LOAD],
        "Load ": [PLAIN],
        "Load": [{"new_node_id": "Save"}],
        "Nowhere": [{"new_node_id": "NotThere"}],
        "odd": [5],
        "empty": [],
        "odder": None,
    }
)
PROMPT = {
    "1": {"class_type": "OldLoad", "inputs": {"name": "a.png", "more": 3}, "_meta": {"title": "t"}},
    "2": {"class_type": "OldScale", "inputs": {"images": ["1", 1], "edge": 64}},
    "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
}
NEW = {
    "1": {"class_type": "Load", "inputs": {"file": "a.png"}, "_meta": {"title": "t"}},
    "2": {
        "class_type": "Scale",
        "inputs": {"image": ["1", 0], "size": 64, "method": "lanczos"},
    },
    "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
}


def node(node_id: Any, kind: str, values: Any = None, inputs: Any = (), **more: Any) -> Any:
    slots = [{"name": name, "type": "*", "link": link} for name, link in inputs]
    return {"id": node_id, "type": kind, "inputs": slots, "widgets_values": values, **more}


def workflow(scale: Any, load: Any = None) -> Any:
    load = load or node(1, "OldLoad", ["a.png"], outputs=[{"name": "MASK"}, {"name": "IMAGE"}])
    links = [[10, 1, 1, 2, 0, "IMAGE"], [11, 2, 0, 3, 0, "IMAGE"]]
    return {"nodes": [load, scale, node(3, "Save", [], [("images", 11)])], "links": links}


def converted(data: Any) -> Any:
    prompt = to_prompt(replace_in_workflow(parse_workflow(data), INFO, KNOWN), INFO)
    return {i: {k: v for k, v in n.items() if k != "_meta"} for i, n in prompt.items()}


BARE = {i: {k: v for k, v in n.items() if k != "_meta"} for i, n in NEW.items()}


def test_prompt_gets_the_new_classes_with_mapped_inputs_and_slots():
    given = {k: {**n, "inputs": dict(n["inputs"])} for k, n in PROMPT.items()}
    assert replace_in_prompt(given, INFO, KNOWN) == NEW
    assert given == PROMPT


def test_class_that_is_there_is_not_replaced_nor_one_whose_new_class_is_missing():
    prompt = {
        "1": {"class_type": "Load", "inputs": {}},
        "2": {"class_type": "Nowhere", "inputs": {}},
        "3": {"class_type": "odd", "inputs": {}},
    }
    assert replace_in_prompt(prompt, INFO, KNOWN) is prompt


def test_replacement_without_a_mapping_keeps_the_inputs_that_the_new_class_has():
    prompt = {"1": {"class_type": "Load ", "inputs": {"file": "b", "gone": 1}}}
    assert replace_in_prompt(prompt, INFO, KNOWN)["1"] == {
        "class_type": "Load",
        "inputs": {"file": "b"},
    }


@pytest.mark.parametrize(
    "scale",
    [
        node(2, "OldScale", [64], [("images", 10)]),
        node(2, "OldScale", {"edge": 64}, [("other", None), ("images", 10)]),
    ],
)
def test_workflow_gets_them_too(scale: Any):
    assert converted(workflow(scale)) == BARE


def test_widget_that_is_linked_stays_linked():
    scale = node(2, "OldScale", [64], [("images", 10), ("edge", 12)])
    scale["inputs"][1]["widget"] = {"name": "edge"}
    data = workflow(scale)
    data["nodes"].append(node(4, "PrimitiveNode", [7, "fixed"], outputs=[{"name": "INT"}]))
    data["links"].append([12, 4, 0, 2, 1, "INT"])
    assert converted(data)["2"]["inputs"]["size"] == 7


def test_workflow_without_a_mapping_keeps_widgets_in_place_and_outputs_by_name():
    load = node(1, "Load ", ["a.png"], outputs=[{"name": "MASK"}, {"name": "IMAGE"}])
    assert converted(workflow(node(2, "OldScale", [64], [("images", 10)]), load)) == BARE


def test_names_of_widgets_come_from_the_file_where_the_replacement_has_none():
    known = read_replacements({"OldScale": [{**SCALE, "old_widget_ids": None}]})
    scale = node(2, "OldScale", [5, 64], [("images", None), ("x", None), ("edge", None)])
    for slot in scale["inputs"][1:]:
        slot["widget"] = {"name": slot["name"]}
    data = {"nodes": [scale], "links": []}
    prompt = to_prompt(replace_in_workflow(parse_workflow(data), INFO, known), INFO)
    assert prompt["2"]["inputs"] == {"size": 64, "method": "lanczos"}


def test_replaced_node_in_a_subgraph_keeps_its_promoted_widget():
    inner = {
        "id": "11111111-1111-4111-8111-111111111111",
        "name": "sub",
        "nodes": [node(2, "OldScale", [64], [("images", 10)])],
        "links": [
            {"id": 10, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0},
            {"id": 11, "origin_id": 2, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
        "inputs": [{"name": "images", "type": "IMAGE", "linkIds": [10]}],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "linkIds": [11]}],
    }
    instance = node(5, inner["id"], [99], [("images", 20)])
    instance["properties"] = {"proxyWidgets": [["2", "edge"]]}
    data = {
        "nodes": [
            node(1, "OldLoad", ["a.png"]),
            instance,
            node(3, "Save", [], [("images", 21)]),
        ],
        "links": [[20, 1, 1, 5, 0, "IMAGE"], [21, 5, 0, 3, 0, "IMAGE"]],
        "definitions": {"subgraphs": [inner]},
    }
    made = converted(data)
    assert made["5:2"]["inputs"] == {"image": ["1", 0], "size": 99, "method": "lanczos"}
    assert made["3"]["inputs"] == {"images": ["5:2", 0]}


def test_links_from_an_output_that_is_gone_are_cut():
    known = read_replacements({"OldLoad": [{**LOAD, "output_mapping": []}]})
    data = workflow(node(2, "Scale", [64], [("image", 10)]))
    prompt = to_prompt(replace_in_workflow(parse_workflow(data), INFO, known), INFO)
    assert "image" not in prompt["2"]["inputs"]


def test_lack_of_a_class_is_seen_in_prompts_and_in_subgraphs():
    assert lacks_classes(PROMPT, INFO)
    assert not lacks_classes(NEW, INFO)
    notes = {"nodes": [node(1, "Note", ["x"]), node(2, "Reroute"), node(3, "Save")], "links": []}
    assert not lacks_classes(parse_workflow(notes), INFO)
    assert lacks_classes(parse_workflow({"nodes": [node(1, "Nowhere")], "links": []}), INFO)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"cnr_id": "some-pack", "ver": "1.2.3"}, ["'some-pack', version 1.2.3", "custom_nodes"]),
        ({"aux_id": "someone/some-pack"}, ["'someone/some-pack'", "install"]),
        ({"cnr_id": "comfy-core", "ver": "0.9.0"}, ["ComfyUI's own, version 0.9.0", "update"]),
        ({"cnr_id": 5, "ver": ["x"]}, ["a node pack is not installed"]),
        ({}, ["a node pack is not installed"]),
    ],
)
def test_missing_class_is_told_with_its_pack(said: Any, words: list[str]):
    properties = {"Node name for S&R": "Gone", **said}  # it came from a server
    data = {"nodes": [node(1, "Gone", properties=properties)], "links": []}
    with pytest.raises(WorkflowError) as caught:
        to_prompt(data, INFO)
    assert all(word in str(caught.value) for word in words)


def test_prompt_says_the_pack_of_a_node_as_the_front_end_does():
    properties = {"cnr_id": "comfy-core", "ver": "0.3.0", "aux_id": "", "other": 1}
    data = {"nodes": [node(1, "Load", ["x"], properties=properties)], "links": []}
    meta = {"title": "Load", "cnr_id": "comfy-core", "ver": "0.3.0"}
    assert to_prompt(data, INFO)["1"]["_meta"] == meta
