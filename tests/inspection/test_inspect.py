"""discomfort.inspect: ports, markers, addresses, and what it says where it can't know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from custom_nodes import discomfort
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.inspection.inspection import Inspection
from support.prompts import port

EVIL = '<img src=x onerror="alert(1)">\x1b[2J'


def _class(required: dict[str, Any], output: list[str], **more: Any) -> dict[str, Any]:
    return {"input": {"required": required}, "output": output, "output_name": output, **more}


INFO = {
    "Encode": _class(
        {"text": ["STRING", {"multiline": True}], "clip": ["CLIP", {}]}, ["CONDITIONING"]
    ),
    "Load": _class({"image": [["a.png", "b.png"], {"image_upload": True}]}, ["IMAGE"]),
    "Words": _class({"value": ["STRING", {}]}, ["STRING"]),
    "Make": _class(
        {
            "width": ["INT", {"min": 16, "max": 64, "step": 8}],
            "height": ["INT", {"min": 16, "max": 32}],
            "seed": ["INT", {"control_after_generate": True}],
            "cfg": ["FLOAT", {"default": 1.5, "max": float("inf")}],
            "batch_size": ["INT", {}],
        },
        ["IMAGE"],
    ),
    "Save": _class(
        {"images": ["IMAGE", {}], "filename_prefix": ["STRING", {}]}, [], output_node=True
    ),
}


def node(kind: str, title: str = "", /, **inputs: Any) -> dict[str, Any]:
    meta = {"_meta": {"title": title}} if title else {}
    return {"class_type": kind, "inputs": inputs, **meta}


PROMPT = {
    "1": node("Make", "Picture", width=16, height=24, seed=3, cfg=1.5, batch_size=1),
    "2": node("Save", "Result, $start.filename_prefix", images=["1", 0], filename_prefix="x"),
    "3": node("Encode", "Positive", text=["4", 0]),
    "4": node("Words", "Prompt", value="a cat"),
    "5": node("Encode", "Negative", text="bad"),
    "6": node("Load", image="a.png"),
    "7": node("Load", image="b.png"),
    "8": port("number"),
    "9": node("Make", "Other", width=["8", 0], height=8, seed=1, cfg=1, batch_size=1),
}


def inspect(data: Any = PROMPT, info: Any = INFO) -> Inspection:
    return discomfort.inspect(data, object_info=info)


def addresses(found: Any) -> list[str]:
    return [item.address for item in found]


def test_kinds_are_found_by_class_and_name():
    found = inspect()
    assert addresses(found.prompt_texts) == ["Prompt.value", "Negative.text"]
    assert addresses(found.seeds) == ["Picture.seed", "Other.seed"]
    assert addresses(found.sizes) == ["Picture.width", "Picture.height", "Other.height"]
    assert addresses(found.pictures) == ["6.image", "7.image"]


def test_an_input_has_its_value_range_and_choices():
    by_address = {i.address: i for i in inspect().inputs}
    width = by_address["Picture.width"]
    assert (width.value, width.type, width.node_id) == (16, "INT", "1")
    assert (width.limits.minimum, width.limits.maximum, width.limits.step) == (16, 64, 8)
    assert by_address["6.image"].limits.choices == ("a.png", "b.png")
    assert by_address["Positive.text"].is_linked and by_address["Positive.text"].value is None
    assert not by_address["Positive.clip"].is_widget


def test_ports_and_markers_are_told_apart():
    ports = {p.name: p for p in inspect().ports}
    assert ports["number"].source == "DiscomfortPort"
    assert (ports["start"].source, ports["start"].default) == ("ComfyKit", "x")
    assert ports["number"].needs_value and not ports["start"].needs_value
    assert ports["number"].type == "INT"


def test_outputs_and_what_is_shown_are_named():
    found = inspect()
    assert "Picture.IMAGE" in addresses(found.outputs)
    assert [s.type for s in found.shown] == ["IMAGE"]


def test_every_address_is_one_that_a_run_would_take():
    from custom_nodes.discomfort.graph.addresses.directory import directory_of
    from custom_nodes.discomfort.graph.addresses.find import find_input, find_output
    from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo

    directory = directory_of(PROMPT, ObjectInfo(INFO))
    found = inspect()
    assert all(isinstance(find_input(directory, a), tuple) for a in addresses(found.inputs))
    assert all(hasattr(find_output(directory, a), "slot") for a in addresses(found.outputs))


def test_the_text_has_the_most_important_first():
    text = str(inspect())
    order = ["Inputs (ports)", "Prompt text (", "Seed (", "Size (", "Picture (", "Other values ("]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    assert "needs a value" in text and "16..64" in text and "a.png, b.png" in text


def test_what_stands_in_a_workflow_is_text_in_html_and_in_a_terminal():
    prompt = {
        "1": node("Make", EVIL, width=16, height=EVIL, seed=3),
        "2": node("Save", f"$output.{EVIL}", images=["1", 0], filename_prefix=EVIL),
        "3": node("Make", f"${EVIL}", width=16),
        "4": port(EVIL),
        "5": node("Make", width=["4", 0]),
    }
    info = {**INFO, "Load": _class({"image": [[EVIL], {"image_upload": True}]}, [EVIL])}
    prompt["6"] = node("Load", image=EVIL)
    found = inspect(prompt, info)
    page = found._repr_html_()
    assert len(repr(found)) < 200 and "ports" in repr(found)
    assert "<img" not in page and "&lt;img" in page
    assert "\x1b" not in page and "\x1b" not in str(found)
    assert all(line.isprintable() for line in str(found).splitlines())


def test_it_is_json():
    data = json.loads(json.dumps(inspect().to_json()))
    assert {i["address"] for i in data["inputs"]} >= {"Picture.width", "6.image"}


def test_a_workflow_that_lacks_a_pack_gives_the_rest_and_the_reason():
    prompt = {**PROMPT, "10": node("NotThere", image=["1", 0])}
    found = inspect(prompt)
    assert "NotThere" in " ".join(found.problems)
    assert addresses(found.seeds) == ["Picture.seed", "Other.seed"]


def test_ports_behind_a_node_of_a_missing_pack_are_told():
    lacking = {"10": node("NotThere", image=["1", 0]), "11": port("made", ["10", 0])}
    ports = {p.name: p.type for p in inspect({**PROMPT, **lacking}).ports}
    assert ports["made"] == "ANY" and ports["number"] == "INT"


def test_a_workflow_of_the_editor_that_lacks_a_pack_gives_the_rest():
    data = {
        "nodes": [
            {"id": 1, "type": "Make", "widgets_values": [16, 24, 3, "fixed", 1.5, 1],
             "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
            {"id": 2, "type": "NotThere", "inputs": [{"name": "i", "type": "IMAGE", "link": 1}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }  # fmt: skip
    found = inspect(data)
    assert "NotThere" in " ".join(found.problems)
    assert addresses(found.seeds) == ["Make.seed"]


@pytest.mark.parametrize("data", [{}, {"a": 1}, [], 7, "nothing.json", '{"nodes": 3}'])
def test_what_is_no_workflow_is_refused(data):
    with pytest.raises((WorkflowError, TypeError, FileNotFoundError)):
        inspect(data)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"Make": 3, "Save": None},
        {"Make": {"input": 3, "output": "x"}},
        {"Make": {"input": {"required": {"width": ["INT", {"min": "a", "max": None}]}}}},
    ],
)
def test_damaged_node_classes_end_in_an_answer(info):
    assert isinstance(str(inspect(PROMPT, info)), str)


def test_numbers_that_are_none_print():
    prompt = {"1": node("Make", width=float("nan"), height=float("inf"), seed=-1)}
    assert "Make.width" in str(inspect(prompt))


def test_titles_with_dots_and_twins_have_addresses_that_work():
    prompt = {
        "1": node("Make", "a.b", width=16),
        "2": node("Make", "a", width=16),
        "3": node("Make", "a", width=16),
        "4": node("Make", "1", width=16),
    }
    names = [a for a in addresses(inspect(prompt).inputs) if a.endswith(".width")]
    assert names == ["a.b.width", "2.width", "3.width", "4.width"]


def test_a_large_workflow_is_looked_at_in_time_that_grows_with_it():
    prompt = {str(i): node("Make", "Same", width=16, seed=i) for i in range(3000)}
    found = inspect(prompt)
    assert len(found.seeds) == 3000
    assert len(str(found).splitlines()) < 300 and len(found._repr_html_()) < 400_000


def test_a_deep_value_prints():
    value: Any = 1
    for _ in range(300):
        value = {"a": value}
    assert str(inspect({"1": node("Make", width=value)}))


def test_the_module_has_it_beside_the_class():
    assert "inspect" in discomfort.__all__ and callable(discomfort.inspect)


def test_a_text_that_passes_through_many_nodes_is_looked_at_once_at_each():
    join = _class({"a": ["STRING", {}], "b": ["STRING", {}], "c": ["STRING", {}]}, ["STRING"])
    prompt = {"0": node("Words", "Start", value="x")}
    for i in range(1, 60):
        source = [str(i - 1), 0]
        prompt[str(i)] = node("Join", a=source, b=source, c=source)
    prompt["60"] = node("Encode", text=["59", 0])
    found = inspect(prompt, {**INFO, "Join": join})
    assert addresses(found.prompt_texts) == ["Start.value"]
