"""Freezing: values become a part of the workflow, in widgets or in their ports."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.freeze import freeze
from custom_nodes.discomfort.graph.plan.run_plan import Frozen
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.flow import INFO, Flow, Interpreter


def sampler(flow: Flow, *steps: Any, node_id: Any = None) -> int:
    node = flow.node("Sample", widgets=[1, "x"], node_id=node_id)
    flow.at(node)["inputs"] = [
        {"name": "model", "type": "MODEL", "link": None},
        {"name": "steps", "type": "INT", "widget": {"name": "steps"}, "link": None},
        {"name": "name", "type": "STRING", "widget": {"name": "name"}, "link": None},
    ]
    for source in steps:
        flow.link(source, node, 1)
    return node


def frozen(workflow: Workflow, values: dict[str, Any], info: Any = INFO) -> Workflow:
    before = copy.deepcopy(workflow.to_json())
    result = freeze(workflow, values, info)
    assert workflow.to_json() == before
    data = json.loads(json.dumps(result.to_json()))
    assert find_inconsistencies(data) == []
    return parse_workflow(data)


def test_a_value_for_widgets_is_typed_in_and_the_port_and_its_wires_go() -> None:
    flow = Flow()
    port = flow.port("steps")
    nodes = [sampler(flow, flow.port("middle", flow.node("Reroute", port))), sampler(flow, port)]
    for i, node in enumerate(nodes):
        flow.port(f"out{i}", node)
    result = frozen(flow.workflow(), {"steps": 33})
    assert [n.widgets_values[0] for n in result.nodes] == [33, 33, "out0", "out1"]
    assert all(s["link"] is None for n in result.nodes[:2] for s in n.inputs)
    ports = find_ports(result)
    assert (list(ports.inputs), ports.frozen, list(ports.outputs)) == ([], (), ["out0", "out1"])


def held(workflow: Workflow) -> Any:
    (port,) = find_ports(workflow).frozen
    return port.frozen


def test_a_value_that_feeds_a_socket_too_stays_in_the_port() -> None:
    flow = Flow()
    port = flow.port("steps")
    flow.port("out", flow.node("Show", port, names=("any",)))
    flow.port("out2", sampler(flow, port))
    result = frozen(flow.workflow(), {"steps": 33})
    assert held(result) == {"value": 33}
    assert "33" in repr(Interpreter(result).outputs()["out2"])


def test_a_value_that_goes_on_to_an_output_stays_in_the_port() -> None:
    flow = Flow()
    port = flow.port("steps")
    flow.port("copy", port)
    flow.port("out", sampler(flow, port))
    result = frozen(flow.workflow(), {"steps": 33})
    assert held(result) == {"value": 33}
    assert set(find_ports(result).outputs) == {"copy", "out"}


def test_a_large_value_stays_beside_the_workflow_and_the_port_names_its_content() -> None:
    flow = Flow()
    flow.port("out", sampler(flow, flow.port("steps")))
    result = frozen(flow.workflow(), {"steps": Frozen("hash")})
    assert held(result) == {"content": "hash"}


def test_without_object_info_every_value_stays_in_its_port() -> None:
    flow = Flow()
    flow.port("out", sampler(flow, flow.port("steps")))
    assert held(frozen(flow.workflow(), {"steps": 3}, None)) == {"value": 3}


def test_a_port_in_a_definition_is_frozen_for_all_its_instances() -> None:
    inner = Flow()
    node = sampler(inner, inner.port("steps", node_id=5), node_id=6)
    inner.subgraph_output("y", node)
    flow = Flow()
    flow.define("inner", inner)
    for i in range(2):
        flow.port(f"out{i}", flow.instance("inner"))
    result = frozen(flow.workflow(), {"steps": 33})
    assert [n.widgets_values[0] for n in result.subgraphs["inner"].nodes] == [33]
    assert not find_ports(result).inputs


def test_a_port_that_another_instance_feeds_is_not_typed_in() -> None:
    inner = Flow()
    inner.subgraph_output("y", sampler(inner, inner.port("steps", inner.subgraph_input("x"))))
    flow = Flow()
    flow.define("inner", inner)
    flow.port("out0", flow.instance("inner"))
    flow.port("out1", flow.instance("inner", flow.node("Make")))
    result = frozen(flow.workflow(), {"steps": 33})
    outputs = Interpreter(result).outputs()
    assert "33" in repr(outputs["out0"])
    assert "Make" in repr(outputs["out1"]) and "33" not in repr(outputs["out1"])


def test_other_inputs_stay_inputs() -> None:
    flow = Flow()
    flow.port("out", flow.node("Use", flow.port("a"), flow.port("b")))
    result = frozen(flow.workflow(), {"a": 1, "unknown": 2})
    assert list(find_ports(result).inputs) == ["b"]


def only_feeds(target: str, **more: Any) -> Flow:
    """A port "steps" that feeds a sampler, and a node of another kind."""
    flow = Flow()
    port = flow.port("steps")
    flow.port("out", sampler(flow, port))
    flow.node(target, port, **more)
    return flow


@pytest.mark.parametrize(
    ("target", "more", "is_typed_in"),
    [
        ("Show", {"mode": 2}, True),  # muted: it gets nothing
        ("Show", {"mode": 4}, False),  # bypassed: it may pass the value on
        ("Note", {}, True),
        ("Unknown", {}, False),
        ("Sample", {}, False),  # its input of that name is no widget
    ],
)
def test_what_else_the_port_feeds_decides_whether_the_value_is_typed_in(target, more, is_typed_in):
    result = frozen(only_feeds(target, **more).workflow(), {"steps": 33})
    assert (len(find_ports(result).frozen) == 0) is is_typed_in
    (node,) = [n for n in result.nodes if n.type == "Sample" and n.inputs[0].get("name") == "model"]
    assert node.widgets_values[0] == (33 if is_typed_in else 1)


@pytest.mark.parametrize(("mode", "values"), [(0, [33, 33]), (2, [33, 1]), (4, [1, 1])])
def test_a_muted_node_counts_for_nothing_and_a_bypassed_one_keeps_the_port(mode, values):
    flow = Flow()
    port = flow.port("steps")
    flow.port("out", sampler(flow, port))
    flow.at(sampler(flow, port))["mode"] = mode
    result = frozen(flow.workflow(), {"steps": 33})
    assert [n.widgets_values[0] for n in result.nodes if n.type == "Sample"] == values


def test_a_port_that_feeds_nothing_or_a_subgraph_keeps_the_value() -> None:
    inner = Flow()
    inner.subgraph_output("y", sampler(inner, inner.subgraph_input("x"), node_id=70))
    flow = Flow()
    flow.define("inner", inner)
    flow.port("out", flow.instance("inner", flow.port("steps")))
    assert held(frozen(flow.workflow(), {"steps": 33})) == {"value": 33}
    alone = Flow()
    alone.port("steps")
    assert held(frozen(alone.workflow(), {"steps": 33})) == {"value": 33}


def test_a_port_that_feeds_the_output_side_of_its_subgraph_keeps_the_value() -> None:
    inner = Flow()
    inner.subgraph_output("y", inner.port("steps", node_id=70))
    flow = Flow()
    flow.define("inner", inner)
    flow.port("out", sampler(flow, flow.instance("inner")))
    assert held(frozen(flow.workflow(), {"steps": 33})) == {"value": 33}


def test_a_value_that_a_widget_can_not_hold_stays_in_the_port() -> None:
    flow = Flow()
    flow.port("out", sampler(flow, flow.port("steps")))
    flow.at(2)["widgets_values"] = "no list"
    result = freeze(flow.workflow(), {"steps": 33}, INFO)
    assert held(result) == {"value": 33}


def test_ports_of_one_name_all_get_the_value() -> None:
    flow = Flow()
    flow.port("out", sampler(flow, flow.port("steps")))
    flow.node("Show", flow.port("steps"), names=("any",))
    result = frozen(flow.workflow(), {"steps": 33})
    assert held(result) == {"value": 33} and "33" in repr(Interpreter(result).outputs()["out"])
    assert not find_ports(result).inputs


def test_nothing_to_freeze_changes_nothing() -> None:
    workflow = only_feeds("Show").workflow()
    assert freeze(workflow, {}, INFO).to_json() == workflow.to_json()
    assert freeze(workflow, {"out": 3, "other": 4}, INFO).to_json() == workflow.to_json()
