"""The forms in which `/object_info` writes an input, and what a fresh widget holds."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.node_classes.input_specs import (
    MISSING,
    MULTI_COMBO,
    default_value,
    dicts_of,
    hidden_kinds,
    items_of,
    normal_spec,
)


@pytest.mark.parametrize(
    ("spec", "normal"),
    [
        (["INT", {"min": 1}], ("INT", {"min": 1})),
        (["MODEL"], ("MODEL", {})),
        (("MODEL", None), ("MODEL", {})),
        ("MODEL", ("MODEL", {})),
        ([["a", "b"], {"default": "b"}], ("COMBO", {"default": "b", "options": ["a", "b"]})),
        ([("a",)], ("COMBO", {"options": ["a"]})),
        ([["a"], {"options": ["old"]}], ("COMBO", {"options": ["a"]})),
        (["COMBO", {"options": ["a"]}], ("COMBO", {"options": ["a"]})),
        ([], ("*", {})),
        (None, ("None", {})),
        ([5, "odd"], ("5", {})),
    ],
)
def test_every_form_of_an_input_is_a_type_and_options(spec, normal):
    assert normal_spec(spec) == normal


def test_a_spec_is_not_changed_where_it_lies():
    options = {"default": "b"}
    normal_spec([["a", "b"], options])
    assert options == {"default": "b"}


@pytest.mark.parametrize(
    ("kind", "options", "held"),
    [
        ("INT", {}, 0),
        ("INT", {"default": 5}, 5),
        ("BOOLEAN", {}, False),
        ("STRING", {}, ""),
        ("STRING", {"default": "x"}, "x"),
        ("COMBO", {"options": ["a", "b"]}, "a"),
        ("COMBO", {"options": ["a", "b"], "default": "b"}, "b"),
        ("COMBO", {"options": []}, MISSING),
        ("COMBO", {"options": [], "remote": {"route": "/x"}}, "Loading..."),
        ("COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "k"}, {"key": "l"}]}, "k"),
        ("COMFY_DYNAMICCOMBO_V3", {"options": ["odd"]}, MISSING),
        (MULTI_COMBO, {"options": ["a"], "default": ["a"]}, []),
        ("TEXTAREA", {"options": {"default": "inner"}, "default": "outer"}, "inner"),
        ("CHART", {}, {}),
        ("GALLERIA", {"options": {"images": ["i"]}}, ["i"]),
        ("COMPOSITOR", {"default": 5}, {}),
        ("COMPOSITOR", {"default": {"a": 1}}, {"a": 1}),
        ("COLOR", {}, "#000000"),
        ("COLOR", {"options": {"default": "#ffffff"}}, "#ffffff"),
        ("COLOR", {"options": {"default": "#ffffff"}, "default": "#111111"}, "#111111"),
        ("RANGE", {}, {"min": 0, "max": 1}),
    ],
)
def test_a_fresh_widget_holds_its_default_or_that_of_its_kind(kind, options, held):
    found = default_value(kind, options)
    assert found is held if held is MISSING else found == held


def test_missing_is_told_from_every_value_and_shows_its_name():
    assert repr(MISSING) == "MISSING"
    assert MISSING not in (None, False, "", 0, [])


def test_what_is_no_section_and_no_list_has_nothing():
    assert items_of({"a": 1}) == [("a", 1)] and items_of(None) == items_of([1]) == []
    assert dicts_of([{"a": 1}, 5]) == [{"a": 1}] and dicts_of(None) == dicts_of({"a": 1}) == []


@pytest.mark.parametrize(
    ("definition", "kinds"),
    [
        ({"input": {"hidden": {"id": "UNIQUE_ID", "p": "PROMPT"}}}, {"UNIQUE_ID", "PROMPT"}),
        ({"input": {"hidden": {"prompt": ["PROMPT"], "odd": [], "none": None}}}, {"PROMPT"}),
        ({"input": {"hidden": None}}, set()),
        ({"input": "odd"}, set()),
        (None, set()),
    ],
)
def test_what_a_class_asks_for_in_secret_is_read_in_both_forms(definition, kinds):
    assert hidden_kinds(definition) == kinds
