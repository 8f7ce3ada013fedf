"""Mode and type of ports follow from what they really connect to."""

from __future__ import annotations

import json

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.ports.find_ports import PortMode, find_ports, port_mode
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.flow import Flow
from support.package import ROOT

WORKFLOWS = ROOT / "test_workflows"


def ports_of(name: str):
    data = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
    return find_ports(parse_workflow(data))


@pytest.mark.parametrize(
    ("has_input", "has_output", "mode"),
    [
        (False, False, PortMode.INPUT),
        (False, True, PortMode.INPUT),
        (True, False, PortMode.OUTPUT),
        (True, True, PortMode.PASSTHRU),
    ],
)
def test_the_mode_follows_from_the_links(has_input, has_output, mode):
    assert port_mode(has_input, has_output) is mode


@pytest.mark.parametrize(
    ("workflow", "inputs", "outputs", "passthrus"),
    [
        ("mode_input", {"picture": "IMAGE"}, {}, []),
        ("mode_output", {}, {"picture": "IMAGE"}, []),
        ("mode_passthru", {}, {"picture": "IMAGE"}, ["middle"]),
        ("mode_unconnected", {"spare": "ANY"}, {"picture": "IMAGE"}, []),
        ("mode_port_to_port", {"text": "ANY"}, {"same_text": "ANY"}, []),
        ("mode_port_chain", {}, {"picture": "IMAGE"}, ["first", "second"]),
        ("loop_image", {"picture": "IMAGE"}, {"picture": "IMAGE"}, []),
        ("reroute", {"picture": "IMAGE"}, {"inverted": "IMAGE"}, []),
        ("reroute_dangling", {"extra": "ANY"}, {"picture": "IMAGE"}, []),
        ("muted_source", {"picture": "IMAGE"}, {"inverted": "IMAGE"}, []),
        ("muted_target", {"picture": "ANY"}, {"other": "IMAGE"}, []),
        ("muted_port", {}, {"picture": "IMAGE"}, []),
        ("bypassed_source", {"picture": "ANY"}, {"blurred": "ANY"}, []),
        ("bypassed_port", {}, {"picture": "IMAGE"}, []),
        (
            "subgraph_ports_inside",
            {"picture": "IMAGE", "radius": "INT"},
            {"inverted": "IMAGE", "blurred": "IMAGE"},
            [],
        ),
        ("subgraph_across_edge", {}, {"inner_result": "MASK", "picture": "IMAGE"}, ["middle"]),
        (
            "subgraph_nested",
            {"picture": "IMAGE", "amount": "FLOAT"},
            {"inner_picture": "IMAGE", "mixed": "IMAGE"},
            [],
        ),
        ("type_combo", {"text": "STRING", "mode": "COMBO"}, {"changed_text": "STRING"}, []),
        ("type_mixed", {"number": "INT"}, {"as_int": "INT", "as_float": "FLOAT"}, []),
        (
            "load_model_by_name",
            {"model_name": "COMBO"},
            {"model": "MODEL", "clip": "CLIP", "vae": "VAE"},
            [],
        ),
    ],
)
def test_ports_of_a_workflow(workflow, inputs, outputs, passthrus):
    ports = ports_of(workflow)
    assert {uid: ports.input_type(uid) for uid in ports.inputs} == inputs
    assert {uid: port.type for uid, port in ports.outputs.items()} == outputs
    assert sorted(ports.passthrus) == passthrus


def test_tags_are_split_and_trimmed():
    tags = {port.tags for port in ports_of("mode_tags").all()}
    assert all(tag == tag.strip() and tag for group in tags for tag in group)
    assert max(map(len, tags)) > 1


def test_several_inputs_of_one_name_share_a_value():
    ports = ports_of("subgraph_two_instances")
    assert len(ports.inputs["radius"]) == 2
    assert len({port.node_id for port in ports.inputs["radius"]}) == 2


@pytest.mark.parametrize(
    ("workflow", "words"),
    [
        ("error_doubled_output", ["node 3", "node 4", "'picture'"]),
        ("error_doubled_in_instances", ["4:2", "5:2"]),
        ("error_empty_id", ["node 2", "no unique_id"]),
    ],
)
def test_ports_that_cannot_be_used_are_named(workflow, words):
    with pytest.raises(WorkflowError) as caught:
        ports_of(workflow)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("unique_id", [5, True, ["a"]])
def test_a_unique_id_that_is_no_text_is_said_to_be_none(unique_id):
    flow = Flow()
    flow.port(unique_id)
    with pytest.raises(WorkflowError, match="must be text, but") as caught:
        find_ports(flow.workflow())
    assert repr(unique_id) in str(caught.value) and "has no unique_id" not in str(caught.value)
