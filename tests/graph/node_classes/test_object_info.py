"""What is asked of an indexed `/object_info` by class and input name."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo, index_object_info
from support.oracle import object_info

COMBO = {
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
                        {"options": [{"key": "a", "inputs": {"required": {"x": ["INT"]}}}]},
                    ]
                }
            },
        },
    ]
}
ROWS = {"template": {"input": {"required": {"part": ["STRING", {"default": "p"}]}}}}
INFO = index_object_info(
    {
        "Plain": {
            "input": {
                "required": {"name": [["a", "b"]], "model": ["MODEL"]},
                "optional": {"size.odd": ["FLOAT"]},
            },
            "output": ["IMAGE", ["a", "b"]],
        },
        "Dynamic": {
            "input": {
                "required": {
                    "resize": ["COMFY_DYNAMICCOMBO_V3", COMBO],
                    "parts": ["COMFY_AUTOGROW_V3", ROWS],
                }
            },
            "output_node": True,
        },
        "Broken": "no object",
    }
)


@pytest.mark.parametrize(
    ("kind", "name", "spec"),
    [
        ("Plain", "name", ("COMBO", {"options": ["a", "b"]})),
        ("Plain", "model", ("MODEL", {})),
        ("Plain", "size.odd", ("FLOAT", {})),
        ("Plain", "nothing", None),
        ("Dynamic", "resize.width", ("INT", {"default": 7})),
        ("Dynamic", "resize.image", ("IMAGE", {})),
        ("Dynamic", "resize.more.x", ("INT", {})),
        ("Dynamic", "resize.more.y", None),
        ("Dynamic", "resize", ("COMFY_DYNAMICCOMBO_V3", COMBO)),
        ("Dynamic", "resizewidth", None),
        ("Dynamic", "partspart7", None),
        ("Dynamic", "parts.part7", ("STRING", {"default": "p"})),
        ("DiscomfortPort", "unique_id", ("STRING", {"default": ""})),
        ("Nowhere", "x", None),
    ],
)
def test_an_input_has_type_and_options_also_inside_of_a_dynamic_one(kind, name, spec):
    assert INFO.input_spec(kind, name) == spec


def test_outputs_have_types():
    assert INFO.output_types("Plain") == ("IMAGE", "COMBO")
    assert INFO.output_types("DiscomfortPort") == ("*",)
    assert INFO.output_types("Nowhere") == ()
    assert INFO.is_output_node("Dynamic") and INFO.is_output_node("DiscomfortPort")
    assert not INFO.is_output_node("Plain") and not INFO.is_output_node("Nowhere")


def test_a_port_is_known_to_every_server_and_is_none_of_its_own_classes():
    assert "Plain" in INFO and "DiscomfortPort" in INFO and "Nowhere" not in INFO
    assert list(INFO) == ["Plain", "Dynamic", "Broken"]
    own = ObjectInfo({"DiscomfortPort": {"output": ["X"]}})
    assert own.output_types("DiscomfortPort") == ("X",)


def test_a_class_is_compiled_once_and_one_that_is_no_object_is_unknown():
    assert INFO.spec("Plain") is INFO.spec("Plain")
    assert INFO.spec("Broken") is None and INFO.spec("Nowhere") is None


def test_an_index_of_an_index_is_itself():
    assert index_object_info(INFO) is INFO


def test_every_class_of_a_real_server_has_all_the_inputs_that_it_names():
    raw = object_info()
    info = index_object_info(raw)
    for kind, definition in raw.items():
        for section in ("required", "optional"):
            for name in definition.get("input", {}).get(section, {}):
                assert info.input_spec(kind, name) is not None, (kind, name)
