"""Pruning: exactly what one output needs, as a sound file."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.prune import prune
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.flow import INFO, Flow, Interpreter


def pruned(workflow: Workflow, unique_id: str) -> Workflow:
    """The pruned workflow, read again from its file; the original has not changed."""
    before = copy.deepcopy(workflow.to_json())
    result = prune(workflow, unique_id)
    assert workflow.to_json() == before
    data = json.loads(json.dumps(result.to_json()))
    assert find_inconsistencies(data) == []
    assert prune(result, unique_id) == result
    again = parse_workflow(data)
    assert Interpreter(again).outputs()[unique_id] == Interpreter(workflow).outputs()[unique_id]
    return again


def ids(workflow: Workflow) -> list[Any]:
    return [n.id for n in workflow.nodes]


def test_only_what_feeds_the_output_is_left() -> None:
    flow = Flow()
    used = flow.node("Used", flow.port("seed"), outputs=2)
    unused = flow.node("Unused", (used, 1), flow.port("other"))
    flow.port("second", unused)
    port = flow.port("first", used)
    flow.node("Note")
    result = pruned(flow.workflow(), "first")
    assert ids(result) == [1, used, port]
    assert list(find_ports(result).inputs) == ["seed"]
    assert result.nodes[1].outputs[1]["links"] == []


def test_reroutes_passthrus_and_bypassed_nodes_on_the_way_stay() -> None:
    flow = Flow()
    way = flow.node("Make")
    flow.node("Reroute", way)
    flow.port("middle", 2)
    flow.node("Off", 3, mode=4)
    flow.node("Reroute", 3)
    flow.port("out", 4)
    assert ids(pruned(flow.workflow(), "out")) == [1, 2, 3, 4, 6]


def test_muted_nodes_and_what_only_fed_them_go() -> None:
    flow = Flow()
    muted = flow.node("Off", flow.node("Lost"), mode=2)
    flow.port("out", flow.node("Use", flow.node("Reroute", muted), flow.node("Make")))
    result = pruned(flow.workflow(), "out")
    assert [n.type for n in result.nodes] == ["Make", "Use", "DiscomfortPort"]
    assert [s["link"] is None for s in result.nodes[1].inputs] == [True, False]


def test_a_muted_node_goes_even_if_what_feeds_it_is_needed() -> None:
    flow = Flow()
    made = flow.node("Make")
    flow.port("out", flow.node("Use", made, flow.node("Off", made, mode=2)))
    assert ids(pruned(flow.workflow(), "out")) == [1, 3, 4]


def test_a_primitive_stays_with_the_widget_it_sets() -> None:
    flow = Flow()
    flow.port("out", flow.node("Use", flow.node("PrimitiveNode", widgets=[3])))
    assert len(pruned(flow.workflow(), "out").nodes) == 3


def test_places_titles_and_counters_stay() -> None:
    flow = Flow()
    flow.node("Gone")
    flow.port("out", flow.node("Make", title="mine"))
    flow.at(2)["color"] = "#223"
    workflow = parse_workflow(flow.json() | {"last_node_id": 44})
    result = pruned(workflow, "out")
    assert result.nodes[0].data == workflow.nodes[1].data
    assert result.data["last_node_id"] == 44


def test_groups_without_a_node_go() -> None:
    flow = Flow()
    flow.node("Gone")
    flow.port("out", flow.node("Make"))
    flow.groups = [
        {"id": 1, "title": "gone", "bounding": [-20, -20, 240, 200]},
        {"id": 2, "title": "stays", "bounding": [-20, -20, 900, 200]},
    ]
    assert [g["title"] for g in pruned(flow.workflow(), "out").data["groups"]] == ["stays"]


@pytest.mark.parametrize(
    ("unique_id", "why"),
    [("in", "is an input"), ("middle", "passes the value on"), ("no", "'out'")],
)
def test_what_is_no_output_is_an_error_that_helps(unique_id: str, why: str) -> None:
    flow = Flow()
    flow.port("out", flow.port("middle", flow.node("Use", flow.port("in"))))
    with pytest.raises(WorkflowError, match=why):
        prune(flow.workflow(), unique_id)


# Subgraphs


def two_outputs(**more: Any) -> Flow:
    """A definition whose two outputs need different nodes, and one that both need."""
    inner = Flow()
    edges = [inner.subgraph_input("x"), inner.subgraph_input("y")]
    both = inner.node("Both")
    inner.subgraph_output("first", inner.node("First", both, edges[0]))
    inner.subgraph_output("second", inner.node("Second", both, edges[1]))
    flow = Flow()
    flow.define("two", inner)
    flow.definitions["unused"] = {**flow.definitions["two"], "id": "unused"}
    return flow


def test_inside_a_definition_only_what_is_needed_is_left() -> None:
    flow = two_outputs()
    instance = flow.instance("two", flow.node("X"), flow.node("Y"))
    flow.port("out", (instance, 0))
    result = pruned(flow.workflow(), "out")
    assert [n.type for n in result.nodes] == ["X", "two", "DiscomfortPort"]
    assert list(result.subgraphs) == ["two"]
    assert [n.type for n in result.subgraphs["two"].nodes] == ["Both", "First"]


def test_instances_that_need_different_parts_get_different_definitions() -> None:
    flow = two_outputs()
    one = flow.instance("two", flow.node("X"))
    two = flow.instance("two", None, (one, 0))
    three = flow.instance("two", None, (two, 1))
    flow.port("out", flow.node("Use", (two, 1), (three, 1)))
    result = pruned(flow.workflow(), "out")
    assert sorted(tuple(n.type for n in s.nodes) for s in result.subgraphs.values()) == [
        ("Both", "First"),
        ("Both", "Second"),
    ]
    assert list(result.subgraphs) == list(pruned(flow.workflow(), "out").subgraphs)


def test_a_complete_instance_keeps_the_definitions_id() -> None:
    flow = two_outputs()
    whole = flow.instance("two")
    part = flow.instance("two", (whole, 0), (whole, 1))
    flow.port("out", flow.node("Use", (part, 1), (whole, 0)))
    result = pruned(flow.workflow(), "out")
    types = {n.id: n.type for n in result.nodes}
    assert types[whole] == "two" and types[part] not in ("two", "unused")


def test_an_output_inside_nested_subgraphs_keeps_its_hosts() -> None:
    deep = Flow()
    deep.port("out", deep.node("Use", deep.subgraph_input("x")))
    deep.node("Gone")
    outer = Flow()
    outer.define("deep", deep)
    outer.subgraph_output("y", outer.node("Gone"))
    outer.instance("deep", outer.node("Reroute", outer.subgraph_input("x")))
    flow = Flow()
    flow.define("outer", outer)
    flow.node("Gone", flow.instance("outer", flow.node("Make")))
    result = pruned(flow.workflow(), "out")
    assert [n.type for n in result.nodes] == ["Make", "outer"]
    assert [n.type for n in result.subgraphs["outer"].nodes] == ["Reroute", "deep"]
    assert [n.type for n in result.subgraphs["deep"].nodes] == ["Use", "DiscomfortPort"]


def test_a_bypassed_instance_forwards_and_is_empty_inside() -> None:
    flow = two_outputs()
    flow.port("out", flow.instance("two", flow.node("X"), flow.node("Y"), mode=4))
    result = pruned(flow.workflow(), "out")
    assert [n.type for n in result.nodes if n.type != "Y"] == ["X", "two", "DiscomfortPort"]
    assert result.subgraphs["two"].nodes == []


def promoted(values: list[Any], proxies: list[Any] | None = None) -> Workflow:
    """An instance that shows the widgets of two nodes; `name` also feeds a socket of a third."""
    inner = Flow()
    steps, name = inner.subgraph_input("steps"), inner.subgraph_input("name")
    inner.node("Sample", widgets=[7, "inner", None])
    inner.at(1)["inputs"] = [
        {"name": n, "type": "T", "widget": {"name": n}, "link": None} for n in ("steps", "name")
    ]
    inner.link(steps, 1, 0)
    inner.node("Sample", widgets=[8, "other", None])
    inner.at(2)["inputs"] = copy.deepcopy(inner.at(1)["inputs"])
    inner.at(2)["inputs"][0]["link"] = None
    inner.link(name, 2, 1)
    inner.subgraph_output("both", 2)
    inner.subgraph_output("steps", 1)
    inner.subgraph_output("shown", inner.node("Show", name, names=("any",)))
    flow = Flow()
    flow.define("shows", inner)
    instance = flow.instance("shows")
    flow.at(instance)["widgets_values"] = values
    if proxies:
        flow.at(instance)["properties"] = {"proxyWidgets": proxies}
    for slot, unique_id in enumerate(("name", "steps", "shown")):
        flow.port(unique_id, (instance, slot))
    return flow.workflow()


def prompt_of(workflow: Workflow, unique_id: str) -> dict[str, Any]:
    """What the port's source gets in the prompt."""
    prompt = to_prompt(workflow, INFO)
    port = next(n for n in prompt.values() if n["inputs"].get("unique_id") == unique_id)
    return prompt[port["inputs"]["input_data"][0]]["inputs"]


@pytest.mark.parametrize(
    ("values", "proxies"),
    [
        ([20, "given"], None),
        ([], None),
        ([20], None),
        ([20, "given"], [["1", "steps"], ["2", "name"]]),
        (["given", 20], [["-1", "name"], ["-1", "steps"]]),
        (["given"], [["-1", "name"]]),
        ([20, None], [["1", "steps"], ["2", "name"]]),
    ],
)
@pytest.mark.parametrize("unique_id", ["name", "steps", "shown"])
def test_values_that_an_instance_shows_stay_with_their_inputs(
    values: list[Any], proxies: Any, unique_id: str
) -> None:
    workflow = promoted(values, proxies)
    result = pruned(workflow, unique_id)
    assert prompt_of(result, unique_id) == prompt_of(workflow, unique_id)


def test_a_group_node_without_linked_inputs_stays() -> None:
    flow = Flow()
    flow.port("out", flow.node("workflow>mine"))
    inner = {"type": "Make", "index": 0, "outputs": [{"name": "y", "type": "T"}]}
    flow.extra = {"groupNodes": {"mine": {"nodes": [inner], "links": [], "external": []}}}
    assert ids(pruned(flow.workflow(), "out")) == [1, 2]


def widget_node(flow: Flow, edge: Any, name: str, value: Any) -> int:
    """A Sample whose widget `name` hangs on an edge of the subgraph."""
    node = flow.node("Sample", widgets=[value, value, None])
    flow.at(node)["inputs"] = [
        {"name": n, "type": "T", "widget": {"name": n}, "link": None} for n in ("steps", "name")
    ]
    flow.link(edge, node, ("steps", "name").index(name))
    return node


def test_the_first_value_is_that_of_the_first_widget_also_when_its_node_is_not_needed() -> None:
    inner = Flow()
    edge = inner.subgraph_input("steps")
    widget_node(inner, edge, "steps", 11)
    inner.subgraph_output("y", widget_node(inner, edge, "steps", 22))
    flow = Flow()
    flow.define("inner", inner)
    flow.port("out", flow.instance("inner"))
    workflow = flow.workflow()
    result = pruned(workflow, "out")
    assert prompt_of(result, "out")["steps"] == prompt_of(workflow, "out")["steps"] == 11


def test_a_proxy_of_a_node_that_goes_names_the_input_that_it_hung_on() -> None:
    inner = Flow()
    edge = inner.subgraph_input("the steps")
    widget_node(inner, edge, "steps", 11)
    inner.subgraph_output("y", widget_node(inner, edge, "steps", 22))
    flow = Flow()
    flow.define("inner", inner)
    instance = flow.instance("inner")
    flow.at(instance).update(properties={"proxyWidgets": [["9", "x"], ["1", "steps"]]})
    flow.at(instance)["widgets_values"] = [None, 33]
    flow.port("out", instance)
    workflow = flow.workflow()
    result = pruned(workflow, "out")
    assert prompt_of(result, "out")["steps"] == prompt_of(workflow, "out")["steps"] == 33
    assert result.nodes[0].properties["proxyWidgets"] == [["9", "x"], ["-1", "the steps"]]


def test_a_widget_behind_a_link_that_brings_nothing_keeps_its_own_value() -> None:
    inner = Flow()
    edge = inner.subgraph_input("steps")
    inner.subgraph_output("y", widget_node(inner, edge, "steps", 11))
    flow = Flow()
    flow.define("inner", inner)
    instance = flow.instance("inner", flow.node("Off", mode=2))
    flow.at(instance)["widgets_values"] = [33]
    flow.port("out", instance)
    workflow = flow.workflow()
    result = pruned(workflow, "out")
    assert prompt_of(result, "out")["steps"] == prompt_of(workflow, "out")["steps"] == 11
