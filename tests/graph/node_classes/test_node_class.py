"""One node class, compiled: its sockets and widgets in the editor's order."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.node_classes.input_specs import MISSING, MULTI_COMBO
from custom_nodes.discomfort.graph.node_classes.node_class import (
    ClassSpec,
    Socket,
    Widget,
    compile_class,
)


def compiled(required: dict[str, Any], kind: str = "A", **more: Any) -> ClassSpec:
    return compile_class(kind, {"input": {"required": required}, **more})


def names(spec: ClassSpec) -> list[str]:
    """Of all elements; a companion of a widget is "widget/what it is"."""
    return [element.name.replace("\0", "/") for element in spec.elements]


def test_a_type_that_has_a_widget_is_one_and_any_other_is_a_socket():
    spec = compiled({"model": ["MODEL"], "steps": ["INT", {"default": 3}]})
    assert spec.elements == (
        Socket("model", "MODEL"),
        Widget("steps", "INT", "INT", {"default": 3}, 3),
    )
    assert spec.widgets == (spec.elements[1],) and spec.by_name == {"steps": spec.elements[1]}
    assert spec.required_sockets == ("model",)
    assert spec.is_static


def test_a_class_without_anything_has_nothing():
    spec = compile_class("A", {})
    assert (spec.elements, spec.outputs, spec.display_name) == ((), (), "A")
    assert not spec.is_output_node and not spec.is_custom


def test_a_class_says_what_it_is():
    spec = compile_class(
        "A",
        {
            "output": ["IMAGE", ["a", "b"]],
            "output_matchtypes": ["t", None],
            "output_node": True,
            "python_module": "custom_nodes.pack",
            "display_name": "An A",
        },
    )
    assert (spec.outputs, spec.output_groups) == (("IMAGE", "COMBO"), ("t", None))
    assert spec.is_output_node and spec.is_custom and spec.display_name == "An A"


def test_the_order_is_that_of_input_order_with_the_rest_behind():
    sections = {
        "required": {"a": ["X"], "b": ["X"], "c": ["X"]},
        "optional": {"d": ["X"], "e": ["X"]},
    }
    order = {"required": ["c", "unknown", "a"], "optional": ["e"]}
    assert names(compile_class("A", {"input": sections, "input_order": order})) == list("caebd")
    assert names(compile_class("A", {"input": sections})) == list("abcde")


@pytest.mark.parametrize(
    ("spec", "element"),
    [
        (["INT", {"forceInput": True}], Socket("x", "INT")),
        (["COMFY_MATCHTYPE_V3", {}], Socket("x", "*")),
        (
            ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t", "allowed_types": "A,B"}}],
            Socket("x", "A,B", "t"),
        ),
        (
            ["MY_TYPE", {"widgetType": "STRING"}],
            Widget("x", "STRING", "MY_TYPE", {"widgetType": "STRING"}, ""),
        ),
        (
            ["COMBO", {"options": [], "multi_select": {}}],
            Widget("x", MULTI_COMBO, "COMBO", {"options": [], "multi_select": {}}, []),
        ),
        (
            ["INT", {"socketless": True}],
            Widget("x", "INT", "INT", {"socketless": True}, 0, has_socket=False),
        ),
        (["IMAGECOMPARE"], Widget("x", "IMAGECOMPARE", "IMAGECOMPARE", {}, ["", ""], False)),
        (["COMBO", {"options": []}], Widget("x", "COMBO", "COMBO", {"options": []}, MISSING)),
    ],
)
def test_one_input_is_one_element(spec, element):
    assert compiled({"x": spec}).elements == (element,)


@pytest.mark.parametrize(
    ("name", "spec", "behind"),
    [
        ("seed", ["INT"], ["seed/control_after_generate"]),
        ("noise_seed", ["INT"], ["noise_seed/control_after_generate"]),
        ("seed", ["INT", {"control_after_generate": False}], []),
        ("seed", ["FLOAT"], []),
        ("x", ["FLOAT", {"control_after_generate": True}], ["x/control_after_generate"]),
        (
            "x",
            [["a"], {"control_after_generate": True}],
            ["x/control_after_generate", "x/control_filter_list"],
        ),
        ("x", ["STRING", {"control_after_generate": True}], []),
        ("x", ["BOUNDING_BOX"], ["x/x", "x/y", "x/width", "x/height"]),
        ("x", [[], {"remote": {}}], ["Auto-refresh after generation"]),
        (
            "x",
            [[], {"remote": {"refresh_button": True}}],
            ["Auto-refresh after generation", "refresh"],
        ),
    ],
)
def test_what_stands_behind_a_widget(name, spec, behind):
    assert names(compiled({name: spec})) == [name, *behind]


@pytest.mark.parametrize(
    ("spec", "mode"),
    [
        (["INT", {"control_after_generate": True}], "randomize"),
        (["INT", {"control_after_generate": "increment"}], "increment"),
        (["FLOAT", {"control_after_generate": "increment"}], "fixed"),
    ],
)
def test_a_control_begins_as_its_class_says(spec, mode):
    control = compiled({"x": spec}).elements[1]
    assert isinstance(control, Widget)
    assert control.default == mode and control.is_saved and not control.is_sent


@pytest.mark.parametrize(
    ("required", "kind", "order"),
    [
        ({"image": [["a"], {"image_upload": True}], "z": ["X"]}, "A", ["image", "z", "upload"]),
        ({"audio": [["a"], {"audio_upload": True}]}, "A", ["audio", "upload"]),
        ({"model_file": ["STRING"]}, "Preview3D", ["model_file", "image"]),
        (
            {"model_file": ["STRING"], "image": ["LOAD_3D"]},
            "A",
            [
                "model_file",
                "upload 3d model",
                "upload extra resources",
                "clear",
                "image",
            ],
        ),
        ({"image": ["LOAD_3D"]}, "A", ["image"]),
    ],
)
def test_what_core_javascript_adds(required, kind, order):
    before = dict(required)
    assert names(compiled(required, kind)) == order
    assert required == before


@pytest.mark.parametrize(
    ("template", "rows"),
    [
        ({"prefix": "p"}, ["p0"]),
        ({"prefix": "p", "min": 2}, ["p0", "p1", "p2"]),
        ({"prefix": "p", "min": 5, "max": 3}, ["p0", "p1", "p2"]),
        ({"names": ["left", "right"], "min": 9}, ["left", "right"]),
        ({}, ["0"]),
    ],
)
def test_a_group_that_grows_begins_with_its_first_rows(template, rows):
    template = {"input": {"required": {"part": ["X"]}}, **template}
    spec = compiled({"parts": ["COMFY_AUTOGROW_V3", {"template": template}]})
    assert names(spec) == [f"parts.{row}" for row in rows]


def test_rows_of_several_inputs_are_called_after_these():
    template = {"input": {"required": {"a": ["X"]}, "optional": {"b": ["X"]}}, "min": 1}
    spec = compiled({"parts": ["COMFY_AUTOGROW_V3", {"template": template}]})
    assert names(spec) == ["parts.a0", "parts.b0", "parts.a1", "parts.b1"]
    assert names(compiled({"parts": ["COMFY_AUTOGROW_V3", {}]})) == []


def test_an_option_of_a_dynamic_combo_brings_inputs():
    option = {"key": "k", "inputs": {"required": {"w": ["INT"]}, "optional": {"i": ["IMAGE"]}}}
    spec = compiled({"c": ["COMFY_DYNAMICCOMBO_V3", {"options": [option, {"key": "bare"}]}]})
    (combo,) = spec.widgets
    assert not spec.is_static
    brought = spec.sub_elements(combo, "k")
    assert [element.name for element in brought] == ["c.w", "c.i"]
    assert spec.sub_elements(combo, "k") is brought
    for other in ("bare", "unknown", 5, None):
        assert spec.sub_elements(combo, other) == ()


def test_a_combo_of_the_users_own_has_no_fixed_widgets():
    assert not compiled({"choice": ["COMBO", {"options": []}]}, "CustomCombo").is_static


def test_forced_inputs_had_a_place_in_old_files():
    required = {
        "a": ["INT", {"forceInput": True}],
        "m": ["MODEL"],
        "b": ["INT", {"control_after_generate": True}],
        "c": ["INT", {"forceInput": True, "control_after_generate": True}],
    }
    assert compiled(required).force_input_mask == (True, False, False, True, False)
    assert compiled({"b": ["INT"]}).force_input_mask is None
