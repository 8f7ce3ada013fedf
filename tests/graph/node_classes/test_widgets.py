"""Which value of `widgets_values` belongs to which widget."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.node_classes.set_widget import widget_index, with_widget_value
from custom_nodes.discomfort.graph.node_classes.widgets import (
    index_object_info,
    widget_values,
)
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.oracle import cases, object_info

RESIZE = [
    "COMFY_DYNAMICCOMBO_V3",
    {
        "options": [
            {
                "key": "size",
                "inputs": {
                    "required": {"width": ["INT", {"default": 7}]},
                    "optional": {"image": ["IMAGE"]},
                },
            },
            {
                "key": "deep",
                "inputs": {
                    "required": {
                        "more": [
                            "COMFY_DYNAMICCOMBO_V3",
                            {
                                "options": [
                                    {
                                        "key": "a",
                                        "inputs": {"required": {"x": ["INT"], "y": ["STRING"]}},
                                    },
                                ]
                            },
                        ]
                    }
                },
            },
            {"key": "none", "inputs": {}},
        ]
    },
]
INFO = index_object_info(
    {
        "Plain": {
            "input": {
                "required": {
                    "model": ["MODEL"],
                    "seed": ["INT"],
                    "name": [["a", "b"]],
                    "box": ["BOUNDING_BOX"],
                    "flag": ["BOOLEAN"],
                },
                "optional": {"text": ["STRING", {"multiline": True}]},
            }
        },
        "Upload": {
            "input": {
                "required": {
                    "image": [["x.png"], {"image_upload": True}],
                    "last": ["INT"],
                }
            },
            "input_order": {"required": ["image", "last"]},
        },
        "OldUpload": {
            "input": {
                "required": {"image": [["x.png"], {"image_upload": True}]},
                "optional": {"last": ["INT"]},
            }
        },
        "Dynamic": {"input": {"required": {"resize": RESIZE, "last": ["INT"]}}},
        "Forced": {
            "input": {
                "required": {
                    "a": ["INT", {"forceInput": True}],
                    "b": ["INT", {"control_after_generate": True}],
                    "c": ["STRING", {"forceInput": True}],
                }
            }
        },
        "Unsaved": {"input": {"required": {"view": ["IMAGECOMPARE"], "last": ["INT"]}}},
        "Group": {
            "input": {
                "required": {
                    "parts": [
                        "COMFY_AUTOGROW_V3",
                        {
                            "template": {
                                "input": {"required": {"part": ["STRING", {"default": "p"}]}},
                                "prefix": "part",
                                "min": 1,
                            }
                        },
                    ],
                    "last": ["INT"],
                }
            }
        },
        "Combo": {
            "input": {
                "required": {
                    "kind": ["COMBO", {"options": ["a", "b"], "control_after_generate": True}],
                    "last": ["INT"],
                }
            }
        },
        "Multi": {
            "input": {
                "required": {
                    "many": [
                        "COMBO",
                        {"options": ["a"], "multi_select": {}, "control_after_generate": True},
                    ],
                    "last": ["INT"],
                }
            }
        },
        "Remote": {
            "input": {
                "required": {
                    "file": ["COMBO", {"remote": {"refresh_button": True}, "image_upload": True}],
                    "last": ["INT"],
                }
            },
            "input_order": {"required": ["file", "last"]},
        },
        "CustomCombo": {"input": {"required": {"choice": ["COMBO", {"options": []}]}}},
    }
)


def node(kind, values):
    return parse_workflow({"nodes": [{"id": 1, "type": kind, "widgets_values": values}]}).nodes[0]


def read(kind, values):
    spec = INFO.spec(kind)
    assert spec is not None
    return widget_values(node(kind, values), spec)


@pytest.mark.parametrize(
    ("kind", "values", "sent"),
    [
        (
            "Plain",
            [5, "fixed", "b", {"x": 1}, 1, 2, 3, 4, True, "t"],
            {"seed": 5, "name": "b", "box": {"x": 1}, "flag": True, "text": "t"},
        ),
        (
            "Plain",
            [5],
            {
                "seed": 5,
                "name": "a",
                "flag": False,
                "text": "",
                "box": {"x": 0, "y": 0, "width": 512, "height": 512},
            },
        ),
        (
            "Plain",
            [None, "fixed", None, None, 1, 2, 3, 4, None, None],
            {"seed": None, "name": "a", "box": None, "flag": None, "text": ""},
        ),
        ("Upload", ["y.png", 4, "image"], {"image": "y.png", "last": 4}),
        ("OldUpload", ["y.png", "image", 4], {"image": "y.png", "last": 4}),
        ("Dynamic", ["size", 3, 9], {"resize": "size", "resize.width": 3, "last": 9}),
        (
            "Dynamic",
            ["deep", "a", 1, "s", 9],
            {
                "resize": "deep",
                "resize.more": "a",
                "resize.more.x": 1,
                "resize.more.y": "s",
                "last": 9,
            },
        ),
        ("Dynamic", ["none", 9], {"resize": "none", "last": 9}),
        ("Dynamic", ["unknown", 9], {"resize": "unknown", "last": 9}),
        ("Dynamic", None, {"resize": "size", "resize.width": 7, "last": 0}),
        ("Dynamic", [None, 3, 9], {"resize": "size", "resize.width": 3, "last": 9}),
        ("Forced", [11, 5, "fixed", "text"], {"b": 5}),
        ("Forced", [5, "fixed"], {"b": 5}),
        ("Unsaved", [9], {"view": ["", ""], "last": 9}),
        ("Group", ["one", "two", 9], {"parts.part0": "one", "parts.part1": "two", "last": 9}),
        ("Combo", ["b", "fixed", "", 9], {"kind": "b", "last": 9}),
        ("Multi", [["a"], "fixed", 9], {"many": ["a"], "last": 9}),
        ("Multi", None, {"many": [], "last": 0}),
        (
            "Remote",
            ["a.png", False, "refresh", 9, "image"],
            {"file": "a.png", "refresh": "refresh", "last": 9},
        ),
        ("Remote", None, {"file": "Loading...", "refresh": "refresh", "last": 0}),
        (
            "CustomCombo",
            ["two", 0, "one", "two"],
            {"choice": "two", "index": 1, "option1": "one", "option2": "two", "option3": ""},
        ),
        ("CustomCombo", None, {"index": -1, "option1": ""}),
    ],
)
def test_values_are_read_by_position(kind, values, sent):
    assert read(kind, values) == sent


def test_a_wrong_type_of_values_is_an_error():
    with pytest.raises(WorkflowError, match="must be a list"):
        read("Plain", "text")


@pytest.mark.parametrize(
    ("kind", "values", "name", "index"),
    [
        ("Plain", [5, "fixed", "b"], "seed", 0),
        ("Plain", [5, "fixed", "b"], "name", 2),
        ("Plain", [], "flag", 8),
        ("Plain", [], "model", None),
        ("Forced", [1, 5, "fixed", "text"], "b", 1),
        ("Forced", [5, "fixed"], "b", 0),
        ("Dynamic", ["deep", "a", 1, "s", 9], "resize.more.y", 3),
        ("Dynamic", ["deep", "a", 1, "s", 9], "last", 4),
        ("Dynamic", ["none", 9], "resize.width", None),
        ("Unsaved", [9], "view", None),
        ("Unsaved", [9], "last", 0),
        ("Plain", {"seed": 5}, "seed", None),
    ],
)
def test_the_place_of_a_widget_in_the_file(kind, values, name, index):
    assert widget_index(node(kind, values), INFO, name) == index


@pytest.mark.parametrize(
    ("kind", "values", "name", "value"),
    [
        ("Plain", [5, "randomize", "b", {"x": 1}, 1, 2, 3, 4, True, "t"], "text", "new"),
        ("Plain", [], "name", "b"),
        ("Plain", {"seed": 5}, "seed", 6),
        ("Dynamic", ["deep", "a", 1, "s", 9], "last", 1),
        ("Dynamic", ["size", 3, 9], "resize", "deep"),
        ("Forced", [1, 5, "fixed", "text"], "b", 77),
        ("CustomCombo", ["one", 0, "one", "two", ""], "choice", "two"),
    ],
)
def test_a_widget_gets_a_value_and_the_others_keep_theirs(kind, values, name, value):
    before = read(kind, values)
    old = node(kind, values)
    new = with_widget_value(old, INFO, name, value)
    after = read(kind, new.widgets_values)
    assert after[name] == value
    kept = {k: v for k, v in after.items() if k in before and k not in (name, "index")}
    assert kept == {k: before[k] for k in kept}
    if "last" in before and name != "last":
        assert "last" in kept
    assert old.widgets_values == values


def test_setting_a_widget_that_is_not_there_is_an_error_that_lists_those_that_are():
    with pytest.raises(WorkflowError, match="no widget 'sed'.*seed, name"):
        with_widget_value(node("Plain", []), INFO, "sed", 1)
    with pytest.raises(WorkflowError, match="does not know"):
        with_widget_value(node("Nowhere", []), INFO, "seed", 1)


def test_every_node_of_the_oracle_can_have_each_of_its_widgets_set():
    info = index_object_info(object_info())
    seen = set()
    for case in cases():
        for graph in parse_workflow(case.workflow).graphs():
            for found in graph.nodes:
                spec = info.spec(found.type)
                if spec is None or found.type in seen or not isinstance(found.widgets_values, list):
                    continue
                seen.add(found.type)
                values = widget_values(found, spec)
                for name in values:
                    index = widget_index(found, info, name)
                    if index is None or found.type == "CustomCombo":
                        continue
                    same = with_widget_value(found, info, name, values[name])
                    assert widget_values(same, spec) == values, (found.type, name)
    assert len(seen) >= 15
