"""Every file in test_workflows/ has the ports, modes and types that it is there to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.ports.find_ports import Port, find_ports
from custom_nodes.discomfort.graph.workflow.model import is_workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow

FOLDER = Path(__file__).resolve().parents[2] / "test_workflows"

# file: (inputs, outputs, passthrus), each a list of `unique_id:TYPE` in any order
PORTS = {
    "add_lora": ("model:MODEL clip:CLIP", "model:MODEL clip:CLIP", ""),
    "batch": ("pictures:IMAGE", "first_two:IMAGE doubled:IMAGE", ""),
    "batch_join": ("first:IMAGE second:IMAGE", "pictures:IMAGE", ""),
    "bypassed_port": ("", "picture:IMAGE", ""),
    "bypassed_source": ("picture:ANY", "blurred:ANY", ""),
    "decode": ("latent:LATENT vae:VAE", "picture:IMAGE", ""),
    "encode": (
        "clip:CLIP positive_text:STRING",
        "positive:CONDITIONING negative:CONDITIONING",
        "",
    ),
    "encode_text": ("clip:CLIP positive_text:STRING", "positive:CONDITIONING", ""),
    "error_cycle_a": ("from_b:IMAGE", "from_a:IMAGE", ""),
    "error_cycle_b": ("from_a:IMAGE", "from_b:IMAGE", ""),
    "error_file_not_found": ("", "picture:IMAGE", ""),
    "error_missing_input": ("picture:IMAGE", "mixed:IMAGE", ""),
    "error_node_raises": ("", "blurred:IMAGE", ""),
    "error_unknown_node": ("picture:IMAGE", "changed:IMAGE", ""),
    "error_value_not_in_list": ("picture:IMAGE", "bigger:IMAGE", ""),
    "error_value_out_of_range": ("picture:IMAGE", "blurred:IMAGE", ""),
    "error_wrong_type": ("", "picture:IMAGE", ""),
    "load_example": ("", "picture:IMAGE mask:MASK", ""),
    "load_model": ("", "model:MODEL clip:CLIP vae:VAE", ""),
    "load_model_by_name": ("model_name:COMBO", "model:MODEL clip:CLIP vae:VAE", ""),
    "loop_image": ("picture:IMAGE", "picture:IMAGE", ""),
    "loop_latent": ("latent:LATENT", "latent:LATENT", ""),
    "loop_ping": ("text:STRING", "text:STRING", ""),
    "loop_pong": ("text:STRING", "text:STRING", ""),
    "loop_text": ("text:STRING", "text:STRING length:INT", ""),
    "mode_fan_out": ("picture:IMAGE", "mixed:IMAGE", ""),
    "mode_input": ("picture:IMAGE", "", ""),
    "mode_output": ("", "picture:IMAGE", ""),
    "mode_passthru": ("", "picture:IMAGE", "middle:IMAGE"),
    "mode_port_chain": ("", "picture:IMAGE", "first:IMAGE second:IMAGE"),
    "mode_port_to_port": ("text:ANY", "same_text:ANY", ""),
    "mode_tags": ("picture:IMAGE", "inverted:IMAGE", ""),
    "mode_unconnected": ("spare:ANY", "picture:IMAGE", ""),
    "muted_port": ("", "picture:IMAGE", ""),
    "muted_source": ("picture:IMAGE", "inverted:IMAGE", ""),
    "muted_target": ("picture:ANY", "other:IMAGE", ""),
    "pair_finish": ("mixed:IMAGE", "small:IMAGE", ""),
    "pair_make": ("", "picture:IMAGE amount:FLOAT", ""),
    "pair_use": ("picture:IMAGE amount:FLOAT", "mixed:IMAGE", ""),
    "range_float": ("picture:IMAGE amount:FLOAT", "mixed:IMAGE", ""),
    "range_int": ("picture:IMAGE radius:INT", "blurred:IMAGE", ""),
    "ref_nested": ("keyframes:HOOK_KEYFRAMES strength:FLOAT", "keyframes:HOOK_KEYFRAMES", ""),
    "ref_nested_start": ("", "keyframes:HOOK_KEYFRAMES", ""),
    "ref_operation": ("strength:FLOAT", "operation:LATENT_OPERATION", ""),
    "ref_operation_use": ("latent:LATENT operation:LATENT_OPERATION", "changed_latent:LATENT", ""),
    "ref_sampler": ("", "sampler:SAMPLER noise:NOISE", ""),
    "ref_sampler_use": ("sampler:ANY noise:ANY", "", ""),
    "type_video": ("pictures:IMAGE", "video:VIDEO", ""),
    "type_video_use": ("video:VIDEO", "frames:IMAGE fps:FLOAT", ""),
    "reroute": ("picture:IMAGE", "inverted:IMAGE", ""),
    "reroute_dangling": ("extra:ANY", "picture:IMAGE", ""),
    "sample": (
        "model:MODEL clip:CLIP vae:VAE positive_text:STRING seed:INT steps:INT",
        "picture:IMAGE",
        "",
    ),
    "sample_latent": (
        "model:MODEL lora_strength:FLOAT positive:CONDITIONING negative:CONDITIONING size:INT "
        "seed:INT steps:INT",
        "latent:LATENT",
        "",
    ),
    "save_image": ("picture:IMAGE prefix:STRING", "", ""),
    "subgraph_across_edge": ("", "inner_result:MASK picture:IMAGE", "middle:IMAGE"),
    "subgraph_nested": ("picture:IMAGE amount:FLOAT", "inner_picture:IMAGE mixed:IMAGE", ""),
    "subgraph_ports_inside": ("picture:IMAGE radius:INT", "inverted:IMAGE blurred:IMAGE", ""),
    "subgraph_promoted": ("picture:IMAGE sigma:FLOAT", "blurred:IMAGE", ""),
    "subgraph_reroute_inside": ("picture:IMAGE", "inverted:IMAGE", "middle:IMAGE"),
    "subgraph_two_instances": ("picture:IMAGE radius:INT", "once:IMAGE twice:IMAGE", ""),
    "type_all_scalars": (
        "text:STRING width:INT strength:FLOAT whole:BOOLEAN mode:COMBO",
        "changed_text:STRING picture:IMAGE same_whole:BOOLEAN",
        "",
    ),
    "type_any": ("anything:ANY", "", ""),
    "type_boolean": ("flag:BOOLEAN", "same_flag:BOOLEAN", ""),
    "type_combo": ("text:STRING mode:COMBO", "changed_text:STRING", ""),
    "type_float": ("number:FLOAT", "same_number:FLOAT", ""),
    "type_image": ("picture:IMAGE", "inverted:IMAGE", ""),
    "type_int": ("number:INT", "same_number:INT", ""),
    "type_latent": ("latent:LATENT", "flipped_latent:LATENT", ""),
    "type_list_in": ("picture_list:IMAGE", "inverted_list:IMAGE", ""),
    "type_list_out": ("pictures:IMAGE", "picture_list:IMAGE", ""),
    "type_mask": ("mask:MASK", "inverted_mask:MASK", ""),
    "type_mixed": ("number:INT", "as_int:INT as_float:FLOAT", ""),
    "type_several_outputs": (
        "",
        "picture:IMAGE mask:MASK latent:LATENT number:INT text:STRING",
        "",
    ),
    "type_string": ("first:STRING second:STRING", "text:STRING", ""),
}

UNUSABLE = {
    "error_broken_link": ["Cut off", "link 1"],
    "error_doubled_in_instances": ["inverted", "4:2", "5:2"],
    "error_doubled_output": ["picture", "3", "4"],
    "error_empty_id": ["A port without an id", "unique_id"],
}


def read(name: str):
    return parse_workflow(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def described(name: str, ports: tuple[Port, ...] | Port) -> str:
    port = ports[0] if isinstance(ports, tuple) else ports
    return f"{name}:{port.type}"


def test_every_workflow_is_expected_here():
    files = {
        path.stem
        for path in FOLDER.glob("*.json")
        if is_workflow(json.loads(path.read_text(encoding="utf-8")))
    }
    assert files == set(PORTS) | set(UNUSABLE)


@pytest.mark.parametrize("name", PORTS)
def test_ports_modes_and_types(name: str):
    ports = find_ports(read(name))
    found = tuple(
        {described(uid, port) for uid, port in side.items()}
        for side in (ports.inputs, ports.outputs, ports.passthrus)
    )
    assert found == tuple(set(side.split()) for side in PORTS[name])


@pytest.mark.parametrize("name", UNUSABLE)
def test_ports_that_cannot_be_used_are_named(name: str):
    with pytest.raises(WorkflowError) as caught:
        find_ports(read(name))
    for word in UNUSABLE[name]:
        assert word in str(caught.value)
