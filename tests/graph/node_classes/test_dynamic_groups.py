"""Inputs of newer front ends: groups of rows, widgets that only show, and ones not known."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from support.pack_files import kind, node, problems_of, prompt_of, workflow

ROW = {
    "optional": {"weight": ["FLOAT", {"default": 1.0}]},
    "required": {"text": ["STRING", {"default": "hi"}], "image": ["IMAGE"]},
}
GROUP = ["COMFY_DYNAMICGROUP_V3", {"template": ROW, "min": 1, "max": 3}]
CLASSES = {
    "Rows": kind({"first": ["INT"], "rows": GROUP, "last": ["STRING", {"default": "z"}]}),
    "Shows": kind({"p": ["RESOLUTION_PREVIEW", {"socketless": True}], "n": ["INT"]}, pack="p"),
    "Branches": kind({"b": ["COMFY_BRANCH_SELECTOR", {}]}),
    "Lamp": kind({}, optional={"b": ["LIGHT_INFO_PREVIEW", {"socketless": True}]}),
}


def inputs_of(type_name: str, values: Any) -> dict[str, Any]:
    return prompt_of(workflow([node(1, type_name, values)]), CLASSES)["1"]["inputs"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, {"first": 0, "rows.0.text": "hi", "rows.0.weight": 1.0, "last": "z"}),
        (
            [5, 1, "a", 0.5, "y"],
            {"first": 5, "rows.0.text": "a", "rows.0.weight": 0.5, "last": "y"},
        ),
        (
            [5, 2, "a", 0.5, "b", 0.6, "y"],
            {
                "first": 5,
                "rows.0.text": "a",
                "rows.0.weight": 0.5,
                "rows.1.text": "b",
                "rows.1.weight": 0.6,
                "last": "y",
            },
        ),
        # What is no count stands for the least.
        (
            [5, "x", "a", 0.5, "y"],
            {"first": 5, "rows.0.text": "a", "rows.0.weight": 0.5, "last": "y"},
        ),
        (
            [5, 0, "a", 0.5, "y"],
            {"first": 5, "rows.0.text": "a", "rows.0.weight": 0.5, "last": "y"},
        ),
    ],
)
def test_a_group_has_a_count_and_then_the_fields_of_each_row(values, expected):
    assert inputs_of("Rows", values) == expected


def test_a_group_has_no_more_rows_than_its_limit():
    assert sum(name.endswith(".text") for name in inputs_of("Rows", [5, 10**9])) == 3


def test_a_rows_field_and_socket_take_links():
    rows = node(
        1,
        "Rows",
        [5, 1],
        {"rows.0.image": 1, "rows.0.weight": (2, "*", {"widget": {"name": "rows.0.weight"}})},
    )
    data = workflow([rows, node(2, "Make", [5])], (1, 2, 0, 1, 0), (2, 2, 1, 1, 1))
    inputs = prompt_of(data, CLASSES)["1"]["inputs"]
    assert (inputs["rows.0.image"], inputs["rows.0.weight"]) == (["2", 0], ["2", 1])


def test_a_rows_field_has_its_type():
    info = index_object_info(CLASSES)
    assert info.input_spec("Rows", "rows.2.text") == ("STRING", {"default": "hi"})
    assert info.input_spec("Rows", "rows.2.none") is None
    assert info.input_spec("Rows", "rows.x.text") is None


def test_what_only_shows_something_has_neither_place_nor_value():
    assert inputs_of("Shows", [9]) == {"n": 9}
    assert inputs_of("Shows", [9, "shown after a run"]) == {"n": 9}


@pytest.mark.parametrize("type_name", ["Branches", "Lamp"])
def test_a_widget_that_is_not_known_is_refused_by_its_type(type_name):
    (problem,) = problems_of(workflow([node(1, type_name, [1])]), CLASSES)
    assert problem.node_id == "1" and "newer front end" in problem.reason
