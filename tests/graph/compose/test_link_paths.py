"""What lies on the way to a node: nodes and links, by the path of their graph."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.link_paths import LinkPaths
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.ports.locations import NodeLocation
from support.flow import Flow


def way_to(flow: Flow, location: NodeLocation, needed: set[str]) -> tuple[Any, Any]:
    """The nodes and links that are kept, without graphs in which there are none."""
    workflow = flow.workflow()
    paths = LinkPaths(workflow, flatten(workflow), needed)
    paths.keep_upstream(location)
    nodes, links = ({k: v for k, v in found.items() if v} for found in (paths.nodes, paths.links))
    return nodes, links


@pytest.mark.parametrize(
    ("kind", "mode", "nodes", "links"),
    [
        ("Reroute", 0, {1, 2, 3}, {1, 2}),
        ("B", 4, {1, 2, 3}, {1, 2}),
        ("B", 2, {3}, set()),  # muted: the node that is needed stands alone
        ("Note", 0, {1, 2, 3}, {1, 2}),
    ],
)
def test_what_lies_between_is_kept_if_it_brings_something(kind, mode, nodes, links):
    flow = Flow()
    flow.node("A")
    flow.node(kind, 1, mode=mode)
    flow.node("C", 2)
    flow.node("D", 3)
    found = way_to(flow, NodeLocation((), 3), {"1", "3"})
    assert found == ({(): nodes}, {(): links} if links else {})


def test_a_way_that_leads_to_no_needed_node_is_left_out():
    flow = Flow()
    hanging = flow.node("Reroute", None)
    flow.node("C", flow.node("Reroute", hanging), flow.node("A"))
    assert way_to(flow, NodeLocation((), 2 + 2), {"4", "3"}) == ({(): {3, 4}}, {(): {3}})


def test_all_that_a_needed_node_needs_is_kept_too():
    flow = Flow()
    flow.node("C", flow.node("B", flow.node("A")), None)
    found = way_to(flow, NodeLocation((), 3), {"1", "2", "3"})
    assert found == ({(): {1, 2, 3}}, {(): {1, 2}})


def test_a_primitive_gives_its_value_in_every_mode():
    flow = Flow()
    flow.node("C", flow.node("PrimitiveNode", mode=2))
    assert way_to(flow, NodeLocation((), 2), {"2"}) == ({(): {1, 2}}, {(): {1}})


def test_reroutes_in_a_circle_end():
    flow = Flow()
    one = flow.node("Reroute", None)
    flow.link(flow.node("Reroute", one), one, 0)
    flow.node("C", None)
    workflow = flow.workflow()
    flow.link(one, 3, 0)
    paths = LinkPaths(flow.workflow(), flatten(workflow), {"3"})
    paths.keep_upstream(NodeLocation((), 3))
    assert paths.nodes == {(): {3}} and paths.links == {(): set()}


def test_links_that_are_damaged_bring_nothing():
    flow = Flow()
    flow.node("C", flow.node("A"))
    flow.at(2)["inputs"] += [{"name": "x", "link": 77}, {"name": "y", "link": 2}, {"name": "z"}]
    flow.links.append([2, 55, 0, 2, 2, "T"])
    assert way_to(flow, NodeLocation((), 2), {"1", "2"}) == ({(): {1, 2}}, {(): {1}})


def subgraph() -> Flow:
    """1 -> instance 2 of "S" (50 works, 51 is a reroute) -> 3; two outputs, the second past 50."""
    inner = Flow()
    inner.first_id = 50
    edge, other = inner.subgraph_input("x"), inner.subgraph_input("y")
    inner.subgraph_output("made", inner.node("W", edge))
    inner.subgraph_output("same", inner.node("Reroute", other))
    flow = Flow()
    flow.define("S", inner)
    flow.node("A")
    flow.instance("S", 1, 1)
    flow.node("C", 2, None)
    return flow


def test_the_way_leads_into_a_subgraph_and_out_of_it():
    found = way_to(subgraph(), NodeLocation((), 3), {"1", "2:50", "3"})
    assert found == ({(): {1, 2, 3}, (2,): {50}}, {(): {1, 3}, (2,): {1, 2}})


def test_a_way_straight_through_a_subgraph_keeps_its_inside():
    flow = subgraph()
    flow.links[2][2] = 1
    found = way_to(flow, NodeLocation((), 3), {"1", "3"})
    assert found == ({(): {1, 2, 3}, (2,): {51}}, {(): {2, 3}, (2,): {3, 4}})


def test_a_node_inside_keeps_the_instances_around_it():
    found = way_to(subgraph(), NodeLocation((2,), 50), {"1", "2:50"})
    assert found == ({(): {1, 2}, (2,): {50}}, {(): {1}, (2,): {1}})


@pytest.mark.parametrize("missing", ["link", "slot"])
def test_an_input_without_a_link_outside_may_hold_a_value_of_the_instance(missing):
    flow = subgraph()
    slots = flow.at(2)["inputs"]
    if missing == "link":
        slots[0]["link"] = None
    else:
        del slots[0]
    nodes, links = way_to(flow, NodeLocation((2,), 50), {"2:50"})
    assert nodes == {(): {2}, (2,): {50}} and links == {(2,): {1}}


def test_a_bypassed_instance_is_passed_outside():
    flow = subgraph()
    flow.at(2)["mode"] = 4
    found = way_to(flow, NodeLocation((), 3), {"1", "3"})
    assert found == ({(): {1, 2, 3}}, {(): {1, 2, 3}})


def test_an_output_of_an_instance_that_is_not_there_brings_nothing():
    flow = subgraph()
    flow.definitions["S"]["outputs"] = []
    found = way_to(flow, NodeLocation((2,), 50), {"2:50"})
    assert found[0] == {(): {2}, (2,): {50}}
    workflow = flow.workflow()
    paths = LinkPaths(workflow, flatten(subgraph().workflow()), {"3"})
    paths.keep_upstream(NodeLocation((), 3))
    assert paths.links == {(): set()}


def test_a_group_node_that_is_not_expanded_is_one_node():
    flow = Flow()
    flow.node("workflow>g", flow.node("A"))
    flow.node("C", 2)
    flow.node("D", 3)
    workflow = flow.workflow()
    paths = LinkPaths(workflow, flatten(workflow), {"3", "1"})
    paths._is_needed.pop(NodeLocation((), 2), None)  # as where its definition is not known
    paths.keep_upstream(NodeLocation((), 3))
    assert paths.nodes == {(): {1, 2, 3}} and paths.links == {(): {1, 2}}
