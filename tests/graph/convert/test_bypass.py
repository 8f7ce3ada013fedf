"""What a bypassed node passes on: the rule, and the types and slots that it goes by."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.convert.bypass import (
    bypass_slot,
    fits,
    input_slots,
    output_type,
    type_name,
)
from custom_nodes.discomfort.graph.convert.editor_state import GraphState
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo, index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import maker, node, workflow


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
        (["A"], "A", "B", 0, None),
        (["A"], "B", "a", 0, None),
        (["A"], "B", "a", 4, None),
    ],
)
def test_the_input_that_a_bypassed_node_passes_on(inputs, output, wanted, slot, found):
    assert bypass_slot(inputs, output, wanted, slot) == found


@pytest.mark.parametrize(
    ("kind", "name"),
    [("A,B", "A,B"), (["a"], "COMBO"), (0, "*"), (5, "5"), (True, "*"), (None, "*"), ({}, "*")],
)
def test_a_type_is_text_or_a_list_of_choices_or_anything(kind, name):
    assert type_name(kind) == name


def test_types_fit_by_any_of_their_names():
    assert fits("A,B", "b") and fits("*", "A") and fits("", "A") and fits("A", "")
    assert not fits("A", "B")


MATCH = {"template": {"template_id": "t", "allowed_types": "*"}}
CODEC = {"key": "mp4", "inputs": {"required": {"quality": ["INT"], "sound": ["AUDIO"]}}}
TYPED = index_object_info(
    {
        "Mixed": {
            "input": {"required": {"seed": ["INT"], "image": ["IMAGE"], "mode": [["a", "b"]]}},
            "output": ["IMAGE", ["a"]],
        },
        "Switch": {
            "input": {
                "required": {
                    "on": ["COMFY_MATCHTYPE_V3", MATCH],
                    "off": ["COMFY_MATCHTYPE_V3", MATCH],
                    "size": ["LATENT"],
                    "count": ["INT"],
                }
            },
            "output": ["COMFY_MATCHTYPE_V3"],
            "output_matchtypes": ["t"],
        },
        "Save": {
            "input": {"required": {"format": ["COMFY_DYNAMICCOMBO_V3", {"options": [CODEC]}]}},
            "output": [],
        },
    }
)


def state_of(item: dict[str, Any], info: ObjectInfo | None = TYPED, **more: Any):
    """The state of a node with id 1, and its graph."""
    graph: GraphState = load_graphs(parse_workflow(workflow([item], **more)), info)
    return graph.nodes["1"], graph


@pytest.mark.parametrize(
    ("item", "info", "slots"),
    [
        # Sockets come first, then those of widgets; what only the file has comes last.
        (
            node(1, "Mixed", [], [("extra", "MASK", None, {}), ("seed", "FLOAT", None, {})]),
            TYPED,
            [("image", "IMAGE"), ("seed", "INT"), ("mode", "COMBO"), ("extra", "MASK")],
        ),
        (
            node(1, "Mixed", [], [("b", "MASK", None, {}), ("a", ["x"], None, {})]),
            None,
            [("b", "MASK"), ("a", "COMBO")],
        ),
        # A dynamic combo has no socket; what its value brings has.
        (
            node(1, "Save", ["mp4", 5]),
            TYPED,
            [("format.quality", "INT"), ("format.sound", "AUDIO")],
        ),
        (node(1, "Save", ["gone"]), TYPED, []),
    ],
    ids=["class and file", "file alone", "dynamic", "dynamic without its option"],
)
def test_slots_stand_in_the_editors_order(item, info, slots):
    assert input_slots(*state_of(item, info)) == slots


def test_slots_of_an_instance_are_those_of_its_definition():
    state, graph = state_of(node(1, "S", []), None, definitions=[maker()])
    assert input_slots(state, graph) == [("seed", "INT")]
    assert [output_type(state, slot, graph) for slot in (0, 1)] == ["IMAGE", "*"]


def test_inputs_that_match_have_the_one_type_that_is_linked_to_them():
    for links, kind in (({}, "*"), ({1: "IMAGE"}, "IMAGE"), ({1: "IMAGE", 2: "MASK"}, "*")):
        inputs = [(n, "*", i, {}) for i, n in enumerate(("on", "off", "size", "count"), 1)]
        data = workflow([node(1, "Switch", [], inputs), node(9, "Any", [])])
        links |= {3: "LATENT", 4: "INT"}  # of other inputs
        data["links"] = [[i, 9, 0, 1, i - 1, k] for i, k in links.items()]
        graph = load_graphs(parse_workflow(data), TYPED)
        state = graph.nodes["1"]
        assert input_slots(state, graph)[:2] == [("on", kind), ("off", kind)]
        assert output_type(state, 0, graph) == kind


@pytest.mark.parametrize(
    ("kind", "slot", "shown"),
    [
        ("Mixed", 0, "IMAGE"),
        ("Mixed", 1, "COMBO"),
        ("Mixed", 2, "*"),
        ("Unknown", 0, "IMAGE"),
        ("Unknown", 1, "*"),
    ],
)
def test_the_type_of_an_output_is_that_of_the_class_else_of_the_file(kind, slot, shown):
    state, graph = state_of(node(1, kind, []))
    assert output_type(state, slot, graph) == shown
