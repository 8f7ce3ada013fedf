"""Other tools' markers are ports: which there are, what they feed, and which are none."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.markers.classes import INPUTS, OUTPUTS
from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo
from custom_nodes.discomfort.graph.ports.find_ports import Default, Port
from custom_nodes.discomfort.run.options import Options
from custom_nodes.discomfort.run.seeds import DrawnSeeds
from custom_nodes.discomfort.workflows.prepare import Prepared, Preparer
from support.prompts import port


def _class(required: dict[str, Any], output: list[str], **more: Any) -> dict[str, Any]:
    return {
        "input": {"required": required, **more.pop("sections", {})},
        "output": output,
        "output_name": output,
        "name": "",
        **more,
    }


TEXT = ["STRING", {"multiline": True}]
LINE = ["STRING", {}]
NUMBER = ["INT", {"default": 0, "min": 0, "max": 999}]
PICTURE = ["IMAGE", {}]
CLASSES = {
    "Encode": _class({"text": TEXT, "clip": ["CLIP", {}]}, ["CONDITIONING"]),
    "Sample": _class(
        {"seed": ["INT", {"control_after_generate": True}], "steps": NUMBER, "positive": LINE},
        ["LATENT"],
    ),
    "Make": _class({"width": NUMBER, "height": NUMBER}, ["IMAGE"]),
    "Blur": _class({"image": PICTURE, "radius": NUMBER}, ["IMAGE"]),
    "Save": _class({"images": PICTURE, "filename_prefix": LINE}, [], output_node=True),
    "Say": _class({"value": LINE, "other": PICTURE, "third": PICTURE}, [], output_node=True),
}
for _name, _rows in INPUTS.items():
    _inputs: dict[str, Any] = {}
    for _row in _rows:
        for _key in (_row.name, _row.value, _row.shown, _row.choices, *_row.limits):
            if _key and not _key.startswith("\0"):
                _inputs[_key] = NUMBER if _key in _row.limits else LINE
    if _name in ("SwarmInputInteger", "CPackInputInt", "ComfyUIDeployExternalNumberInt"):
        _inputs[_rows[0].value] = NUMBER
    _outputs = ["*"] * (max(row.slot for row in _rows) + 1)
    CLASSES[_name] = _class(_inputs, _outputs)
for _name, _output in OUTPUTS.items():
    _inputs = {"images": PICTURE, "filename_prefix": LINE}
    if _output.name and not _output.name.startswith("\0"):
        _inputs[_output.name] = LINE
    CLASSES[_name] = _class(_inputs, [], output_node=True)
INFO = ObjectInfo(CLASSES)


def node(kind: str, title: str = "", /, **inputs: Any) -> dict[str, Any]:
    meta = {"_meta": {"title": title}} if title else {}
    return {"class_type": kind, "inputs": inputs, **meta}


def prepared(data: dict[str, Any]) -> Prepared:
    return Preparer(INFO).prepare(data, "workflow")


def app(*inputs: Any, outputs: Any = (), mode: int = 0, **extra: Any) -> dict[str, Any]:
    """A workflow of a picture, blurred and saved, with an app of some entries."""
    return {
        "nodes": [
            {
                "id": 1,
                "type": "Make",
                "widgets_values": [64, 32],
                "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
            },
            {
                "id": 2,
                "type": "Blur",
                "title": "Blur it",
                "mode": mode,
                "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
                "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
                "widgets_values": [5],
            },
            {
                "id": 3,
                "type": "Save",
                "title": "Result",
                "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
                "widgets_values": ["x"],
            },
            {"id": 4, "type": "Make", "title": "Spare", "widgets_values": [64, 32]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
        "extra": {"linearData": {"inputs": [*inputs], "outputs": [*outputs]}, **extra},
    }


def default_of(found: Prepared, name: str) -> Default:
    default = found.ports.default(name)
    assert default is not None
    return default


def place_of(port_found: Port) -> str | None:
    assert port_found.place is not None
    return port_found.place.node_id


def reasons(found: Prepared) -> dict[str, str]:
    return {m.name: m.reason for m in found.markers.refused}


def test_an_app_has_its_widgets_and_results_as_ports():
    found = prepared(app([1, "width"], ["2", "radius", {"height": 9}], outputs=["3"]))
    assert set(found.ports.inputs) == {"width", "radius"}
    assert default_of(found, "width").value == 64
    assert found.ports.inputs["radius"][0].uses == (("2", "radius"),)
    assert set(found.ports.outputs) == {"Result"}
    assert found.ports.outputs["Result"].source == ("2", 0)
    assert place_of(found.ports.inputs["width"][0]) == "1"
    assert place_of(found.ports.outputs["Result"]) == "3"


@pytest.mark.parametrize(
    "entry",
    [
        ["e13112f7-3d09-4ae1-9e84-633a0627d945:1:width", "width"],
        ["1", "width"],
        [1, "width"],
    ],
)
def test_a_widget_of_an_app_is_named_in_each_form_of_the_front_end(entry):
    assert prepared(app(entry)).ports.inputs["width"][0].uses == (("1", "width"),)


def test_two_widgets_of_an_app_with_one_name_are_no_ports_and_have_addresses():
    found = prepared(app(["1", "width"], ["4", "width"]))
    assert not found.ports.inputs
    told = " ".join(m.reason for m in found.markers.refused)
    assert "'Make.width'" in told and "'Spare.width'" in told


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        7,
        "x",
        {},
        {"inputs": 3, "outputs": {}},
        {"inputs": [None, 1, [], [1], [[], "x"], [True, "x"], [1, 2], {"a": 1}]},
        {"outputs": [None, [], {}, True, "99", 1.5]},
        {"inputs": [["99", "seed"], ["1", "control_after_generate"], ["3", "images.x"]]},
        {"inputs": [["1", "w" * 10_000]] * 1000},
        {"inputs": [["1", ""], ["", ""], [":::", ":"], ["a:b:c", "d"]]},
        {"inputs": [float("nan"), [float("nan"), "width"]]},
    ],
)
def test_whatever_stands_where_an_app_is_expected_refuses_no_workflow(data):
    workflow = app()
    workflow["extra"]["linearData"] = data
    plain = app()
    del plain["extra"]
    found = prepared(workflow)
    assert found.prompt == prepared(plain).prompt
    assert not found.markers.ports


def test_a_marker_on_a_muted_node_is_no_port():
    found = prepared(app(["2", "radius"], mode=2))
    assert reasons(found) == {"radius": "its node is muted"}


def test_a_result_of_an_app_that_is_not_there_makes_no_output():
    found = prepared(app(outputs=["77", "1"]))
    assert not found.ports.outputs
    assert reasons(found)["77"] == "there is no such node"


@pytest.mark.parametrize(
    ("title", "name", "field", "is_required"),
    [
        ("$text", "text", "text", False),
        ("$prompt.text", "prompt", "text", False),
        ("$prompt.text!", "prompt", "text", True),
        ("Words, $prompt.~text!:what to paint", "prompt", "text", True),
        ("$~text", "text", "text", False),
    ],
)
def test_a_title_of_comfykit_is_a_port(title, name, field, is_required):
    found = prepared({"1": node("Encode", title, text="a cat"), "2": node("Say", value="x")})
    assert found.ports.inputs[name][0].uses == (("1", field),)
    assert default_of(found, name).value == "a cat"
    assert found.markers.ports[0].details.is_required is is_required


def test_several_names_in_a_title_are_several_ports():
    found = prepared({"1": node("Make", "Size, $width!, $tall.height", width=8, height=9)})
    assert {n: default_of(found, n).value for n in found.ports.inputs} == {"width": 8, "tall": 9}


def test_a_title_of_comfykit_names_a_result():
    found = prepared(
        {
            "1": node("Make", "$output.raw", width=8, height=8),
            "2": node("Save", "$output.cover", images=["1", 0], filename_prefix=""),
        }
    )
    assert {n: p.source for n, p in found.ports.outputs.items()} == {
        "raw": ("1", 0),
        "cover": ("1", 0),
    }


@pytest.mark.parametrize(
    "title", ["$", "$5 a piece", "$$", "$nothing", "$a.b.c", "a, $, $!", "$ x"]
)
def test_an_odd_title_is_no_port(title):
    prompt = {"1": node("Make", title, width=8, height=8)}
    found = prepared(prompt)
    assert not found.ports.inputs and found.prompt == prompt


def test_one_name_in_two_titles_is_no_port():
    found = prepared(
        {"1": node("Make", "$width", width=8, height=8), "2": node("Make", "$width", width=9)}
    )
    assert not found.ports.inputs
    assert reasons(found) == {"width": "several markers have this name; rename them"}


def test_a_discomfort_port_wins_over_a_marker_of_its_name():
    found = prepared(
        {
            "1": node("Make", "$width", width=8, height=8),
            "2": node("Make", width=["3", 0], height=1),
            "3": port("width"),
        }
    )
    assert found.ports.inputs["width"][0].node_id == "3"
    assert reasons(found) == {"width": "a DiscomfortPort has this name"}


def test_what_a_discomfort_port_feeds_is_no_other_port():
    found = prepared({"1": node("Make", "$width", width=["3", 0], height=8), "3": port("wide")})
    assert set(found.ports.inputs) == {"wide"}
    assert reasons(found) == {"width": "a DiscomfortPort feeds it already"}


def test_two_tools_that_name_one_input_differently_make_one_port():
    workflow = app(["1", "width"])
    workflow["nodes"][0]["title"] = "$wide.width"
    found = prepared(workflow)
    assert set(found.ports.inputs) == {"width"}
    assert reasons(found) == {"wide": "it is the same input as 'width' of App mode"}


def test_two_tools_that_say_the_same_make_one_port_and_complain_not():
    workflow = app(["1", "width"])
    workflow["nodes"][0]["title"] = "$width"
    found = prepared(workflow)
    assert set(found.ports.inputs) == {"width"} and not found.markers.refused


def test_a_marked_socket_has_its_link_as_default():
    found = prepared(
        {
            "1": node("Make", width=8, height=8),
            "2": node("Blur", "$picture.image", image=["1", 0], radius=1),
        }
    )
    assert default_of(found, "picture").under == {("2", "image"): ["1", 0]}


@pytest.mark.parametrize("kind", sorted(INPUTS))
def test_each_input_class_is_a_port(kind):
    inputs = {
        "input_id": "it", "title": "it", "name": "it", "Name": "it",
        "default_value": "v", "value": "v", "default": "v",
    }  # fmt: skip
    known = CLASSES[kind]["input"]["required"]
    own = {k: v for k, v in inputs.items() if k in known}
    for row in INPUTS[kind]:
        if row.value:
            own.setdefault(row.value, "v")
    slots = range(len(CLASSES[kind]["output"]))
    feeds = {str(5 + i): node("Say", value=["1", i]) for i in slots}
    found = prepared({"1": node(kind, "it", **own), **feeds})
    if INPUTS[kind][0].needs:
        assert not found.ports.inputs and INPUTS[kind][0].needs in reasons(found).values()
        return
    assert len(found.ports.inputs) == len(INPUTS[kind])
    for row, name in zip(INPUTS[kind], found.ports.inputs, strict=True):
        expected = ("1", row.value) if row.value else (str(5 + row.slot), "value")
        assert found.ports.inputs[name][0].uses == (expected,)
        assert name == (row.suffix[1:] if row.suffix[:1] == "=" else f"it{row.suffix}")


@pytest.mark.parametrize("kind", sorted(OUTPUTS))
def test_each_output_class_is_a_result(kind):
    own = {OUTPUTS[kind].name: "it"} if OUTPUTS[kind].name.isidentifier() else {}
    make = node("Make", width=8, height=8)
    found = prepared({"1": make, "2": node(kind, "it", images=["1", 0], **own)})
    assert {n: p.source for n, p in found.ports.outputs.items()} == {"it": ("1", 0)}


def test_a_number_of_swarmui_has_its_range():
    limits = {"min": 2, "max": 30, "step": 2}
    found = prepared({"1": node("SwarmInputInteger", title="Steps", value=4, **limits)})
    details = found.markers.ports[0].details
    assert (details.minimum, details.maximum, details.step) == (2, 30, 2)


def test_inputs_of_comfy_pack_are_named_as_it_names_them():
    found = prepared(
        {
            "1": node("CPackInputString", "prompt", value="a"),
            "2": node("CPackInputString", "String Input", value="b"),
            "3": node("Encode", text=["2", 0]),
            "4": node("CPackInputString", "String Input", value="c"),
            "5": node("Encode", text=["4", 0]),
        }
    )
    assert list(found.ports.inputs) == ["prompt", "text", "text_4"]


def test_a_result_that_shows_an_input_is_none():
    found = prepared(
        {
            "1": node("WorkflowInput", Name="in", type="IMAGE"),
            "2": node("WorkflowOutput", Name="out", images=["1", 0]),
        }
    )
    assert set(found.ports.inputs) == {"in"} and not found.ports.outputs
    assert reasons(found) == {"out": "what it shows is the input 'in' of FlowChain"}


def test_a_workflow_without_markers_is_prepared_as_before():
    prompt = {"1": node("Make", width=8, height=8)}
    found = prepared(prompt)
    assert found.unmarked is None and found.prompt == prompt


def sampled() -> dict[str, Any]:
    return {
        "nodes": [
            {
                "id": 1,
                "type": "Sample",
                "title": "$seed",
                "widgets_values": [7, "increment", 20, "a cat"],
            }
        ],
        "links": [],
    }


def test_a_marked_seed_that_is_given_nothing_is_drawn_as_its_widget_is():
    found = prepared(sampled())
    seeds = DrawnSeeds(Options(randomize_seeds=True), INFO)
    prompts = [seeds.draw(found, {"seed"})[0] for _ in range(2)]
    assert [p["1"]["inputs"]["seed"] for p in prompts] == [8, 9]


def test_a_marked_seed_that_is_given_one_is_not_drawn():
    found = prepared(sampled())
    prompt, drawn = DrawnSeeds(Options(randomize_seeds=True), INFO).draw(found, set())
    assert not drawn
    assert prompt == found.prompt


CORE = {
    kind: _class({"value": [type_name, {}]}, [type_name])
    for kind, type_name in (
        ("PrimitiveInt", "INT"),
        ("PrimitiveFloat", "FLOAT"),
        ("PrimitiveString", "STRING"),
        ("PrimitiveStringMultiline", "STRING"),
        ("PrimitiveBoolean", "BOOLEAN"),
    )
}
LACKING = ObjectInfo(
    {**{k: v for k, v in CLASSES.items() if k not in INPUTS and k not in OUTPUTS}, **CORE}
)
NOT_NEEDED = sorted(kind for kind, rows in INPUTS.items() if rows[0].instead)


@pytest.mark.parametrize("kind", NOT_NEEDED)
def test_a_plain_input_works_without_its_pack(kind):
    row = INPUTS[kind][0]
    value = {"PrimitiveInt": 4, "PrimitiveFloat": 4.0, "PrimitiveBoolean": True}.get(
        row.instead, "four"
    )
    own = {row.value: value, **({row.name: "it"} if row.name.isidentifier() else {})}
    prompt = {"1": node(kind, "it", **own), "2": node("Say", value=["1", 0])}
    found = Preparer(LACKING, ask_now=dict).prepare(prompt, "workflow")
    assert found.prompt["1"]["class_type"] == row.instead
    assert found.ports.inputs["it"][0].uses == (("1", "value"),)
    assert default_of(found, "it").value == value


def test_a_plain_input_in_a_file_of_the_editor_works_without_its_pack():
    workflow = {
        "nodes": [
            {
                "id": 1,
                "type": "SwarmInputInteger",
                "outputs": [{"name": "INT", "type": "INT", "links": [1]}],
                "widgets_values": ["Width", 40, 1, 0, 100, 100, "big", "", 0, False, ""],
            },
            {
                "id": 2,
                "type": "Make",
                "inputs": [
                    {"name": "width", "type": "INT", "link": 1, "widget": {"name": "width"}}
                ],
                "widgets_values": [64, 32],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "INT"]],
    }
    found = Preparer(LACKING, ask_now=dict).prepare(workflow, "workflow")
    assert default_of(found, "Width").value == 40
    assert found.written["1"]["inputs"] == {"value": 40}
    drawn, _ = DrawnSeeds(Options(randomize_seeds=True), LACKING).draw(found, {"Width"})
    assert drawn["1"]["inputs"] == {"value": 40}


def test_a_picture_input_needs_its_pack():
    with pytest.raises(WorkflowError, match="ETN_LoadImageBase64"):
        Preparer(LACKING, ask_now=dict).prepare({"1": node("ETN_LoadImageBase64", image="")}, "w")
