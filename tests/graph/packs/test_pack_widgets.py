"""Widgets that a pack's JavaScript makes or fills: by name, as rows, by a property or a format."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.draw_seeds import Draw
from custom_nodes.discomfort.graph.convert.to_prompt import convert
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.node_classes.set_widget import with_widget_value
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.pack_files import INFO, kind, node, problems_of, prompt_of, workflow

VHS = "ComfyUI-VideoHelperSuite"
FORMATS = {
    "image/gif": [],
    "video/mp4": [
        ["pix_fmt", ["yuv420p", "p10"]],
        ["crf", "INT", {"default": 19}],
        ["meta", "BOOLEAN"],
    ],
}
COMBINED = {
    "images": ["IMAGE"],
    "frame_rate": ["FLOAT", {"default": 8}],
    "filename_prefix": ["STRING", {"default": "A"}],
    "format": [["image/gif", "video/mp4"], {"formats": FORMATS}],
    "pingpong": ["BOOLEAN", {"default": False}],
}
CLASSES: dict[str, Any] = {
    "VHS_VideoCombine": kind(COMBINED, pack=VHS, output_node=True),
    "Formats": kind(COMBINED, pack="p", output_node=True),
    "VHS_LoadVideo": kind(
        {"video": [["a.mp4"]], "custom_width": ["INT"], "custom_height": ["INT"]}, "IMAGE", pack=VHS
    ),
    "VHS_LoadAudio": kind(
        {"file": ["STRING"]},
        "AUDIO",
        pack=VHS,
        optional={"start": ["FLOAT", {"default": 0, "widgetType": "VHSTIMESTAMP"}]},
    ),
    "Power Lora Loader (rgthree)": kind(
        {}, "MODEL", optional={"model": ["MODEL"]}, pack="rgthree-comfy"
    ),
    "Seed (rgthree)": kind(
        {"seed": ["INT", {"min": -1125899906842624, "max": 1125899906842624}]},
        "INT",
        pack="rgthree-comfy",
    ),
    "KSampler (Efficient)": kind(
        {"seed": ["INT", {"min": 0, "max": 99}]}, "LATENT", pack="efficiency"
    ),
    "mxSlider": kind({"Xi": ["INT"], "Xf": ["FLOAT"], "isfloatX": ["INT"]}, "*", pack="mx"),
    "mxSlider2D": kind(
        {"Xi": ["INT"], "Xf": ["FLOAT"], "Yi": ["INT"], "Yf": ["FLOAT"]}, "*", "*", pack="mx"
    ),
    "PreviewBridge": kind(
        {"image": ["STRING", {"default": ""}], "block": ["BOOLEAN"]}, "IMAGE", pack="i"
    ),
    "Wild": kind(
        {"text": ["STRING"], "Select to add LoRA": [["Select the LoRA to add to the text", "a"]]},
        "STRING",
        pack="some-fork",
    ),
    "ShowText|pysssss": kind({"text": ["STRING", {"forceInput": True}]}, "STRING", pack="p"),
    "Shown": kind({"source": ["*", {}]}, pack="p"),
    "Save Better": kind({"filename_prefix": ["STRING"]}, pack="p", output_node=True),
    "Choose": kind({"file": [["a", "b"]], "n": ["INT"]}, "MODEL"),
    "Other": kind({"filename_prefix": ["STRING"]}, "STRING", pack="p"),
    "Lost": kind({"seed": ["INT"], "model": ["MODEL"]}, "INT", pack="p"),
}


def inputs_of(type_name: str, values: Any, slots: Any = None, **more: Any) -> dict[str, Any]:
    return prompt_of(workflow([node(1, type_name, values, slots, **more)]), CLASSES)["1"]["inputs"]


def refused(type_name: str, values: Any, slots: Any = None, **more: Any) -> str:
    (problem,) = problems_of(workflow([node(1, type_name, values, slots, **more)]), CLASSES)
    assert problem.node_id == "1"
    return problem.reason


COMBINE = {"frame_rate": 24, "filename_prefix": "v", "pingpong": True}


# ---- by name, and by format


def test_values_by_name_are_taken_and_those_of_the_page_dropped():
    values = {**COMBINE, "format": "image/gif", "videopreview": {"hidden": False}}
    assert inputs_of("VHS_VideoCombine", values) == {**COMBINE, "format": "image/gif"}


def test_a_format_brings_its_widgets_with_defaults_for_what_the_file_lacks():
    values = {**COMBINE, "format": "video/mp4", "crf": 7, "bitrate": 3}
    brought = {"pix_fmt": "yuv420p", "crf": 7, "meta": False}
    expected = {**COMBINE, "format": "video/mp4", **brought}
    assert inputs_of("VHS_VideoCombine", values) == expected


def test_a_widget_of_a_format_takes_a_link():
    slots = {"crf": (5, "INT", {"widget": {"name": "crf"}})}
    combine = node(1, "VHS_VideoCombine", {**COMBINE, "format": "video/mp4"}, slots)
    data = workflow([node(2, "Make", [5]), combine], (5, 2, 1, 1, 0))
    assert prompt_of(data, CLASSES)["1"]["inputs"]["crf"] == ["2", 1]


def test_a_list_of_todays_widgets_is_read_and_any_other_refused():
    assert inputs_of("VHS_VideoCombine", [9, "p", "image/gif", True])["frame_rate"] == 9
    full = inputs_of("Formats", [9, "p", "video/mp4", "p10", 3, True, False])
    assert (full["pix_fmt"], full["crf"], full["meta"], full["pingpong"]) == ("p10", 3, True, False)
    assert "which belongs to which" in refused("VHS_VideoCombine", [9, "p", "video/mp4", True])
    assert "which belongs to which" in refused("Formats", [9, "p", "video/mp4", True])
    assert "which belongs to which" in refused("VHS_LoadVideo", ["a.mp4", 1])


OLD = {
    "VHS_VideoCombine": kind(
        {
            **COMBINED,
            "loop_count": ["INT", {"default": 0}],
            "save_output": ["BOOLEAN", {"default": True}],
        },
        pack=VHS,
    ),
    "VHS_LoadVideo": kind(
        {
            "video": [["a.mp4"]],
            "force_rate": ["INT"],
            "custom_width": ["INT"],
            "custom_height": ["INT"],
            "frame_load_cap": ["INT"],
            "skip_first_frames": ["INT"],
            "select_every_nth": ["INT"],
        },
        pack=VHS,
    ),
    "VHS_LoadImages": kind(
        {
            "directory": [["d"]],
            "image_load_cap": ["INT"],
            "skip_first_images": ["INT"],
            "select_every_nth": ["INT"],
        },
        pack=VHS,
    ),
}


def old_inputs(type_name: str, values: Any) -> dict[str, Any]:
    return prompt_of(workflow([node(1, type_name, values)]), {**CLASSES, **OLD})["1"]["inputs"]


@pytest.mark.parametrize("more", [[], ["image", {"a": 1}]])
def test_a_list_of_an_old_file_has_the_places_that_the_class_had_then(more):
    frames = {"frame_load_cap": 16, "skip_first_frames": 1, "select_every_nth": 2}
    video = {"video": "a.mp4", "force_rate": 8, "custom_width": 512, "custom_height": 0, **frames}
    assert old_inputs("VHS_LoadVideo", ["a.mp4", 8, "512x?", 16, 1, 2, *more]) == video
    images = {"directory": "d", "image_load_cap": 5, "skip_first_images": 1, "select_every_nth": 2}
    assert old_inputs("VHS_LoadImages", ["d", "image", 5, 1, 2, *more]) == images
    combine = old_inputs("VHS_VideoCombine", [12, 3, "v", "video/mp4", True, False, *more])
    brought = {"pix_fmt": "yuv420p", "crf": 19, "meta": False, "loop_count": 3}
    told = {"frame_rate": 12, "filename_prefix": "v", "format": "video/mp4", "pingpong": True}
    assert combine == {**told, **brought, "save_output": False}


def test_a_list_of_an_old_file_with_a_size_that_it_has_no_place_for_is_refused():
    data = workflow([node(1, "VHS_LoadVideo", ["a.mp4", 8, "Custom Width", 16, 1, 2])])
    (problem,) = problems_of(data, {**CLASSES, **OLD})
    assert "force_size 'Custom Width'" in problem.reason


def test_a_widget_has_the_value_that_was_saved_under_its_old_name_unless_it_has_one():
    values = {**COMBINE, "format": "image/gif", "save_image": False}
    assert old_inputs("VHS_VideoCombine", values)["save_output"] is False
    assert old_inputs("VHS_VideoCombine", {**values, "save_output": True})["save_output"] is True


def test_a_value_set_in_a_list_of_an_old_file_is_saved_by_name_beside_the_others():
    data = workflow([node(1, "VHS_VideoCombine", [12, 3, "v", "image/gif", True, False])])
    info = index_object_info({**INFO, **CLASSES, **OLD})
    changed = with_widget_value(parse_workflow(data).nodes[0], info, "frame_rate", 30)
    again = prompt_of(
        {"nodes": [{**data["nodes"][0], "widgets_values": changed.widgets_values}], "links": []},
        {**CLASSES, **OLD},
    )["1"]["inputs"]
    assert (again["frame_rate"], again["loop_count"], again["save_output"]) == (30, 3, False)


# ---- widgets of a pack's own types, and values that have been renamed

STYLES = {
    "easy stylesSelector": kind(
        {"styles": [["fooocus", "mine"]]},
        pack="ComfyUI-Easy-Use",
        optional={
            "positive": ["STRING", {"forceInput": True}],
            "negative": ["STRING", {"forceInput": True}],
            "select_styles": ["EASY_PROMPT_STYLES", {}],
        },
    ),
    "SDXL Power Prompt - Positive (rgthree)": kind(
        {"prompt_g": ["STRING"]},
        pack="rgthree-comfy",
        optional={
            "insert_lora": [["CHOOSE", "DISABLE LORAS"]],
            "target_width": ["INT", {"default": -1}],
        },
    ),
    "easy a1111Loader": kind(
        {"resolution": [["width x height (custom)", "512 x 512"]]}, pack="ComfyUI-Easy-Use"
    ),
    "easy prompt": kind(
        {"text": ["STRING"], "prefix": [["Select the prefix", "a photo of"]]},
        pack="ComfyUI-Easy-Use",
    ),
    "ImageReceiver": kind({"image_data": ["STRING"]}, pack="ComfyUI-Impact-Pack"),
    "VHS_SelectLatest": kind({"filename_prefix": ["STRING"]}, "STRING", pack=VHS),
}


def styled(type_name: str, values: Any, slots: Any = None) -> dict[str, Any]:
    return prompt_of(workflow([node(1, type_name, values, slots)]), STYLES)["1"]["inputs"]


@pytest.mark.parametrize("values", [["mine", "a,b"], ["mine", "", "", "a,b"]])
def test_a_widget_of_a_packs_own_type_has_a_place_and_is_sent(values):
    slots = {"select_styles": (None, "EASY_PROMPT_STYLES", {"widget": {"name": "select_styles"}})}
    for sockets in (slots, None):
        sent = styled("easy stylesSelector", values, sockets)
        assert sent == {"styles": "mine", "select_styles": "a,b"}
    assert styled("easy stylesSelector", ["mine"]) == {"styles": "mine", "select_styles": ""}


def test_an_input_whose_widget_the_page_takes_away_has_no_place_and_is_sent_by_a_link_only():
    sdxl = "SDXL Power Prompt - Positive (rgthree)"
    slot = {"target_width": (None, "INT", {"widget": {"name": "target_width"}})}
    sent = {"prompt_g": "g", "insert_lora": "DISABLE LORAS"}
    assert styled(sdxl, ["g", "DISABLE LORAS"], slot) == sent
    linked = node(1, sdxl, ["g", "DISABLE LORAS"], {"target_width": (5, "INT")})
    data = workflow([node(2, "Make", [5]), linked], (5, 2, 1, 1, 0))
    assert prompt_of(data, STYLES)["1"]["inputs"] == {**sent, "target_width": ["2", 1]}


def test_a_value_that_has_been_renamed_is_sent_under_its_new_name():
    old = "\u81ea\u5b9a\u4e49 x \u81ea\u5b9a\u4e49"
    assert styled("easy a1111Loader", [old])["resolution"] == "width x height (custom)"
    assert styled("easy a1111Loader", ["512 x 512"])["resolution"] == "512 x 512"
    assert styled("ImageReceiver", ["[IMAGE DATA]"])["image_data"] == ""
    assert styled("ImageReceiver", ["data:image/png;base64,AA"])["image_data"].startswith("data:")


def test_a_picker_sends_its_first_choice_whatever_was_picked():
    sent = styled("easy prompt", ["t", "a photo of"])
    assert sent == {"text": "t", "prefix": "Select the prefix"}


def test_a_node_whose_value_the_browser_looks_up_is_refused():
    (problem,) = problems_of(workflow([node(1, "VHS_SelectLatest", {})]), STYLES)
    assert "newest file" in problem.reason


def test_names_of_a_pack_that_is_not_known_to_save_so_are_refused():
    assert "'more'" in refused("Other", {"filename_prefix": "x", "more": 1})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Disabled", (0, 0)),
        ("Custom", (304, 312)),
        ("Custom Width", (304, 0)),
        ("Custom Height", (0, 312)),
        ("512x?", (512, 0)),
        ("?x256", (0, 256)),
        ("256x512", (256, 512)),
        (None, (304, 312)),
    ],
)
def test_an_old_size_as_text_becomes_two_numbers(text, size):
    values = {"video": "a.mp4", "custom_width": 304, "custom_height": 312, "force_size": text}
    inputs = inputs_of("VHS_LoadVideo", values)
    assert (inputs["custom_width"], inputs["custom_height"]) == size
    assert "force_size" not in inputs


def test_an_old_size_that_is_not_known_is_refused():
    assert "force_size 'huge'" in refused("VHS_LoadVideo", {"force_size": "huge"})
    assert "force_size [1]" in refused("VHS_LoadVideo", {"force_size": [1]})


def test_a_class_that_names_its_own_type_of_widget_has_one():
    assert inputs_of("VHS_LoadAudio", {"file": "a", "start": 4}) == {"file": "a", "start": 4}


# ---- rows, properties, fixed values

HEADER = [{}, {"type": "PowerLoraLoaderHeaderWidget"}]
ROW = {"on": True, "lora": "a", "strength": 0.7, "strengthTwo": None}


def test_rows_become_numbered_inputs_without_what_is_not_sent():
    values = [*HEADER, ROW, {**ROW, "lora": "b"}, {}, ""]
    sent = {"on": True, "lora": "a", "strength": 0.7}
    assert inputs_of("Power Lora Loader (rgthree)", values) == {
        "lora_1": sent,
        "lora_2": {**sent, "lora": "b"},
    }
    assert inputs_of("Power Lora Loader (rgthree)", [*HEADER, {}, ""]) == {}
    assert inputs_of("Power Lora Loader (rgthree)", None) == {}


def test_second_strengths_are_refused_where_they_could_be_sent():
    two = {"properties": {"Show Strengths": "Separate Model & Clip"}}
    values = [*HEADER, {**ROW, "strengthTwo": 0.3}]
    assert "'Show Strengths'" in refused("Power Lora Loader (rgthree)", values, **two)
    assert "lora_1" in inputs_of("Power Lora Loader (rgthree)", [*HEADER, ROW], **two)
    assert "strengthTwo" not in inputs_of("Power Lora Loader (rgthree)", values)["lora_1"]


def test_a_property_wins_over_the_widget():
    slider = {"properties": {"value": 3.5}}
    expected = {"Xi": 3, "Xf": 3.5, "isfloatX": 1}
    assert inputs_of("mxSlider", [20, 20, 1], **slider) == expected
    assert inputs_of("mxSlider", [20, 21, 1], properties={}) == {**expected, "Xi": 20, "Xf": 21}
    two = inputs_of("mxSlider2D", [1, 1, 2, 2], properties={"valueX": 8, "valueY": 9})
    assert two == {"Xi": 8, "Xf": 8, "Yi": 9, "Yf": 9}


def test_a_bridge_sends_its_own_name_and_not_the_old_file():
    assert inputs_of("PreviewBridge", [{"filename": "x.png"}, True]) == {
        "image": "$1-0",
        "block": True,
    }


def test_a_picker_goes_back_to_its_first_option_in_every_pack():
    assert (
        inputs_of("Wild", ["t", "a"])["Select to add LoRA"] == "Select the LoRA to add to the text"
    )


@pytest.mark.parametrize("slots", [None, {"model": None}])
def test_a_choice_with_a_picture_beside_it_is_the_choice(slots):
    shown = {"content": "b.safetensors", "image": None}
    assert inputs_of("Choose", [shown, 1], slots)["file"] == "b.safetensors"
    assert inputs_of("Choose", {"file": shown}, slots)["file"] == "b.safetensors"
    other = {"content": 3, "image": None}
    assert inputs_of("Choose", [other, 1], slots)["file"] == other
    assert inputs_of("Choose", ["a", shown], slots)["n"] == shown


@pytest.mark.parametrize(
    ("type_name", "values", "name"),
    [
        ("mxSlider", [1, 1, 0], "Xi"),
        ("PreviewBridge", ["", True], "image"),
        ("Wild", ["t", "a"], "Select to add LoRA"),
        ("VHS_VideoCombine", [9, "p", "video/mp4", True], "frame_rate"),
    ],
)
def test_a_value_that_the_pack_decides_or_of_no_certain_place_is_not_set(type_name, values, name):
    info = index_object_info({**INFO, **CLASSES})
    (parsed,) = parse_workflow(workflow([node(1, type_name, values)])).nodes
    with pytest.raises(WorkflowError):
        with_widget_value(parsed, info, name, 7)


def test_a_value_saved_by_name_is_set_by_name():
    info = index_object_info({**INFO, **CLASSES})
    data = workflow([node(1, "VHS_VideoCombine", {**COMBINE, "format": "video/mp4"})])
    (parsed,) = parse_workflow(data).nodes
    changed = with_widget_value(parsed, info, "crf", 7)
    assert changed.widgets_values == {**COMBINE, "format": "video/mp4", "crf": 7}


# ---- seeds


def test_a_seed_of_minus_one_is_drawn_when_seeds_are():
    data = workflow(
        [node(1, "Seed (rgthree)", [-1, "", "", ""]), node(2, "Seed (rgthree)", [7, "", "", ""])]
    )
    info = {**INFO, **CLASSES}
    assert prompt_of(data, CLASSES)["1"]["inputs"] == {"seed": -1}
    drawn = convert(data, info, draw=Draw(), seed=3)
    assert drawn.prompt["1"]["inputs"]["seed"] >= 0 and ("1", "seed") in drawn.seeds
    assert drawn.prompt["2"]["inputs"] == {"seed": 7}


def test_a_seed_that_the_server_would_refuse_is_drawn_at_once_and_repeatably():
    first = inputs_of("KSampler (Efficient)", [-1])
    assert 0 <= first["seed"] <= 99 and first == inputs_of("KSampler (Efficient)", [-1])
    assert inputs_of("KSampler (Efficient)", [5]) == {"seed": 5}


# ---- file names


@pytest.mark.parametrize(
    "values", [["v/%date:yyyy%-%Make.seed%"], ["v/%date:yyyy%-%Make.seed%", 1]]
)
def test_the_prefix_of_a_packs_output_node_is_filled_in(values):
    nodes = [node(1, "Save Better", values), node(2, "Make", [5]), node(3, "Other", values)]
    prompt = prompt_of(workflow(nodes), CLASSES, now=datetime(2026, 2, 3))
    assert prompt["1"]["inputs"] == {"filename_prefix": "v/2026-5"}
    assert prompt["3"]["inputs"] == {"filename_prefix": values[0]}


# ---- surplus values, and sockets that are gone


def test_values_shown_after_a_run_are_ignored():
    slots = {"text": (None, "STRING", {"widget": {"name": "text"}})}
    assert inputs_of("ShowText|pysssss", ["one", "two"], slots) == {}
    assert inputs_of("Shown", ["[1, 2]"], {"source": None}) == {}


def test_values_for_a_socket_that_the_file_does_not_have_are_refused():
    assert "JavaScript" in refused("Shown", ["x"])
    assert "JavaScript" in refused(
        "Shown", ["x"], {"source": (None, "*", {"widget": {"name": "source"}})}
    )


def test_a_link_into_a_widget_that_the_class_has_lost_is_dropped():
    widget = {"widget": {"name": "blocks"}}
    slots = {
        "model": 6,
        "blocks": (5, "INT", widget),
        "seed": (5, "INT", {"widget": {"name": "seed"}}),
    }
    lost = node(1, "Lost", [1, "fixed"], slots)
    data = workflow([node(2, "Make", [5]), lost], (5, 2, 1, 1, 1), (6, 2, 0, 1, 0))
    assert prompt_of(data, CLASSES)["1"]["inputs"] == {"seed": ["2", 1], "model": ["2", 0]}
