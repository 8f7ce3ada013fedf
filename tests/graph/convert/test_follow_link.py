"""Where the link of an input leads, against its direction."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.convert.follow_link import (
    Cut,
    DeadEnd,
    Promoted,
    Scope,
    follow_link,
    input_type,
)
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.prompt import Source
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, maker, node, workflow
from support.flow import Flow


def scope_of(parsed: Workflow, *path: str) -> Scope:
    """The scope inside the instances of a path, with the scopes of all instances."""

    def enter(scope: Scope) -> None:
        for key, state in scope.graph.nodes.items():
            if state.definition is not None:
                scope.children[key] = Scope(state.definition, state, scope)
                enter(scope.children[key])

    scope = Scope(load_graphs(parsed, INFO), None, None)
    enter(scope)
    for key in path:
        scope = scope.children[key]
    return scope


def follow(flow: Flow, node_id: int, *path: str, name: str = "in0"):
    scope = scope_of(flow.workflow(), *path)
    return follow_link(scope, scope.graph.nodes[str(node_id)], name)


def test_a_link_leads_to_the_output_that_it_comes_from():
    flow = Flow()
    user = flow.node("B", (flow.node("A", outputs=2), 1), None)
    assert follow(flow, user) == Source("1", 1)
    assert follow(flow, user, name="in1") is None and follow(flow, user, name="other") is None


@pytest.mark.parametrize("mode", [0, 1, 3])
def test_reroutes_are_passed_and_every_mode_that_runs_is_an_origin(mode):
    flow = Flow()
    made = flow.node("A", mode=mode)
    user = flow.node("B", flow.node("Reroute (rgthree)", flow.node("Reroute", made)))
    assert follow(flow, user) == Source("1", 0)


@pytest.mark.parametrize("kind", ["Reroute", "Note", "PrimitiveNode"])
def test_what_is_never_in_a_prompt_brings_nothing(kind):
    flow = Flow()
    assert follow(flow, flow.node("B", flow.node(kind))) is None


def test_a_muted_node_cuts_the_way_where_it_stands():
    flow = Flow()
    muted = flow.node("A", mode=2, title="mine")
    user = flow.node("B", flow.node("Reroute", muted))
    assert follow(flow, user) == Cut("1", "mine", True)
    # So does a muted node behind a bypassed one: the nearest to the origin is named.
    behind = flow.node("B", flow.node("C", muted, mode=4))
    assert follow(flow, behind) == Cut("1", "mine", True)


def test_a_bypassed_node_passes_on_what_fits_and_else_cuts_the_way():
    flow = Flow()
    made = flow.node("A")
    bypassed = flow.node("C", made, mode=4)
    user = flow.node("B", bypassed)
    assert follow(flow, user) == Source("1", 0)
    flow.at(bypassed)["inputs"][0]["type"] = "OTHER"
    flow.at(user)["inputs"][0]["type"] = "T"
    assert follow(flow, user) == Cut("2", "C", False)
    flow.at(bypassed)["inputs"][0].update(type="T", link=None)
    assert follow(flow, user) == Cut("2", "C", False)


def in_and_out() -> Flow:
    """1 -> an instance (2), in which one node works and one link goes straight through -> 3."""
    inner = Flow()
    inner.first_id = 50
    edge = inner.subgraph_input("x")
    inner.subgraph_output("made", inner.node("W", edge))
    inner.subgraph_output("same", edge)
    flow = Flow()
    flow.define("S", inner)
    instance = flow.instance("S", flow.node("A"))
    flow.node("B", instance, (instance, 1))
    return flow


def test_the_way_leads_into_a_subgraph_and_out_of_it():
    flow = in_and_out()
    assert follow(flow, 3) == Source("2:50", 0)
    assert follow(flow, 3, name="in1") == Source("1", 0)
    assert follow(flow, 50, "2") == Source("1", 0)


def test_an_instance_without_a_link_gives_its_own_value_or_nothing():
    data = workflow([node(1, "S", [77])], (), [maker()])
    scope = scope_of(parse_workflow(data), "1")
    found = follow_link(scope, scope.graph.nodes["6"], "seed")
    assert isinstance(found, Promoted) and (found.value, found.slot) == (77, 0)
    assert found.scope is scope.parent and found.instance is scope.instance
    flow = in_and_out()
    flow.at(2)["inputs"][0]["link"] = None
    assert follow(flow, 50, "2") is None


def test_an_output_that_nothing_inside_feeds_brings_nothing():
    flow = in_and_out()
    flow.definitions["S"]["outputs"][0]["linkIds"] = [99, None]
    assert follow(flow, 3) is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda f: f.at(3)["inputs"][0].update(link=77),
            "link 77 is not in the links of the workflow",
        ),
        (lambda f: f.links[1].__setitem__(1, 99), "comes from node 99, which does not exist"),
        (lambda f: f.links[1].__setitem__(2, 5), "subgraph 'subgraph S' has no output 5"),
        (
            lambda f: f.definitions["S"]["links"][2].update(origin_slot=4),
            "comes from input 4 of the subgraph 'subgraph S', which has none",
        ),
    ],
)
def test_a_link_that_leads_nowhere_is_a_dead_end_that_says_where(damage, words):
    flow = in_and_out()
    damage(flow)
    with pytest.raises(DeadEnd, match=words):
        for name in ("in0", "in1"):
            follow(flow, 3, name=name)


def test_a_circle_of_reroutes_is_a_dead_end():
    flow = Flow()
    one = flow.node("Reroute", None)
    flow.link(flow.node("Reroute", one), one, 0)
    with pytest.raises(DeadEnd, match="of the workflow leads in a circle"):
        follow(flow, flow.node("B", one))


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("Use", "image", "IMAGE"),
        ("Use", "seed", "INT"),
        ("Use", "extra", "MASK"),
        ("Use", "none", "*"),
        ("Unknown", "image", "FILE"),
        ("S", "seed", "INT"),
        ("S", "image", "*"),
    ],
)
def test_the_type_of_an_input_is_that_of_the_class_then_of_the_file(kind, name, shown):
    inputs = [("image", "FILE", None, {}), ("extra", "MASK", None, {})]
    graph = scope_of(parse_workflow(workflow([node(1, kind, [], inputs)], (), [maker()]))).graph
    assert input_type(graph, graph.nodes["1"], name) == shown


def test_scopes_know_the_instances_around_them():
    scope = scope_of(in_and_out().workflow(), "2")
    assert scope.prefix == "2:" and [n.id for n in scope.instances] == [2]
    assert scope.parent is not None and scope.parent.prefix == ""
