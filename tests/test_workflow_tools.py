"""WorkflowTools: the documented methods, without a server."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import ConfigError, WorkflowError
from custom_nodes.discomfort.workflow_tools import (
    DiscomfortWorkflowTools,
    WorkflowTools,
    read_workflow,
    workflow_to_prompt,
)
from PIL import Image, PngImagePlugin

WORKFLOWS = Path(__file__).resolve().parent.parent / "test_workflows"


@pytest.fixture(scope="module")
def tools() -> WorkflowTools:
    return WorkflowTools()


def load(name: str) -> dict:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def test_the_first_name_of_the_class_still_works():
    assert DiscomfortWorkflowTools is WorkflowTools


def test_discovery_of_a_file_and_of_its_json_agree(tools):
    found = tools.discover_port_nodes(WORKFLOWS / "pair_use.json")
    assert (
        found
        == tools.discover_ports(load("pair_use"))
        == tools.discover_ports(str(WORKFLOWS / "pair_use.json"))
    )
    port = found["inputs"]["picture"]
    assert port["type"] == "IMAGE" and port["output_type"] == "IMAGE"
    assert found["nodes"][port["node_id"]]["type"] == "DiscomfortPort"
    assert found["unique_id_to_node"]["picture"] == port["node_id"]
    order = {node_id: i for i, node_id in enumerate(found["execution_order"])}
    assert all(order[link[1]] < order[link[3]] for link in found["links"])


def test_a_port_in_a_subgraph_has_the_id_of_its_place(tools):
    found = tools.discover_port_nodes(WORKFLOWS / "subgraph_ports_inside.json")
    assert any(":" in str(port["node_id"]) for port in found["inputs"].values())


@pytest.mark.parametrize("name", ["mode_input", "subgraph_nested", "mode_unconnected"])
def test_a_good_workflow_is_valid(tools, name):
    assert tools.validate_workflow(load(name)) is True


@pytest.mark.parametrize("bad", [None, 3, [], {}, {"nodes": 3}, {"nodes": [{"id": 1}]}])
def test_a_bad_workflow_is_not_valid_and_the_log_says_why(tools, bad, caplog):
    with caplog.at_level(logging.ERROR, "discomfort.tools"):
        assert tools.validate_workflow(bad) is False
    assert caplog.text


def test_a_cycle_is_refused_with_its_nodes(tools):
    data = load("type_image")
    port, other = data["nodes"][0], data["nodes"][1]
    ring = copy.deepcopy(data)
    ring["links"] = [
        [1, port["id"], 0, other["id"], 0, "*"],
        [2, other["id"], 0, port["id"], 0, "*"],
    ]
    assert tools.validate_workflow(ring) is False
    with pytest.raises(WorkflowError, match="cycle"):
        tools.discover_port_nodes(ring)


def test_stitching_gives_the_ports_of_the_whole(tools):
    parts = [WORKFLOWS / f"pair_{name}.json" for name in ("make", "use", "finish")]
    result = tools.stitch_workflows(parts)
    assert set(result) == {"stitched_workflow", "inputs", "outputs", "execution_order"}
    assert not result["inputs"] and "small" in result["outputs"]
    assert tools.validate_workflow(result["stitched_workflow"])
    assert len(result["execution_order"]) == len(result["stitched_workflow"]["nodes"])


def test_a_single_workflow_is_stitched_as_it_is_run(tools):
    path = WORKFLOWS / "loop_text.json"
    one = tools.stitch_workflows(path)
    assert one == tools.stitch_workflows([path]) == tools.stitch_workflows(str(path))


@pytest.mark.parametrize("name", ["error_empty_id", "error_doubled_output", "error_broken_link"])
def test_what_run_would_refuse_is_not_valid(tools, name, caplog):
    assert not tools.validate_workflow(WORKFLOWS / f"{name}.json")
    assert caplog.text
    assert tools.validate_workflow(WORKFLOWS / "loop_text.json")


def test_stitching_nothing_or_a_cycle_is_refused(tools):
    with pytest.raises(WorkflowError, match="nothing to stitch"):
        tools.stitch_workflows([])
    with pytest.raises(WorkflowError, match="API prompt"):
        tools.stitch_workflows([WORKFLOWS / "api_prompt.json"])


def test_reroutes_are_removed_in_the_form_that_is_given(tools):
    data = load("reroute")
    found = tools.discover_port_nodes(data)
    before = copy.deepcopy(data)
    nodes, links, _ = tools.remove_reroute_nodes(data["nodes"], data["links"])
    by_id, links_too, _ = tools.remove_reroute_nodes(found["nodes"], found["links"])
    assert all(node["type"] != "Reroute" for node in nodes)
    assert list(by_id.values()) == nodes and links == links_too
    assert data == before


def test_a_workflow_becomes_a_prompt(tools):
    info = {
        "ImageInvert": {
            "input": {"required": {"image": ["IMAGE", {}]}},
            "input_order": {"required": ["image"]},
            "output": ["IMAGE"],
            "output_node": False,
        }
    }
    prompt = tools.workflow_to_prompt(WORKFLOWS / "type_image.json", info)
    assert prompt == workflow_to_prompt(load("type_image"), info)
    assert {node["class_type"] for node in prompt.values()} == {"ImageInvert", "DiscomfortPort"}


def test_a_picture_that_comfyui_saved_is_read_as_its_workflow(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", json.dumps(load("type_image")))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    assert read_workflow(tmp_path / "a.png") == load("type_image")


def test_a_picture_without_a_workflow_is_no_workflow(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    with pytest.raises(WorkflowError, match=r"plain\.png holds no workflow"):
        read_workflow(tmp_path / "plain.png")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"nodes": [', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe\x00", "can't be read"),
        (b"[1, 2]", "neither a workflow"),
        (b'{"1": {}}', "neither a workflow"),
        (b"{}", "neither a workflow"),
        (b"[" * 100_000, "can't be read"),
    ],
)
def test_a_file_that_is_no_workflow_is_named(tmp_path, text, words):
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(WorkflowError) as caught:
        read_workflow(path)
    assert words in str(caught.value) and "bad.json" in str(caught.value)


def test_what_is_neither_path_nor_dict_is_refused():
    with pytest.raises(TypeError, match="list"):
        read_workflow([1])  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        read_workflow("nowhere.json")


def test_a_bad_rule_is_named(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text('{"IMAGE": "copy"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="'IMAGE'.*'copy'"):
        WorkflowTools(path)


def test_the_packaged_rules_say_what_goes_by_reference(tools):
    rules = tools.pass_by_rules
    by_reference = ("MODEL", "CLIP", "VAE", "CONDITIONING", "CONTROL_NET")
    by_value = ("LATENT", "IMAGE", "MASK", "STRING", "INT", "FLOAT", "BOOLEAN", "ANY")
    assert {rules[kind] for kind in by_reference} == {"ref"}
    assert {rules[kind] for kind in by_value} == {"val"}
