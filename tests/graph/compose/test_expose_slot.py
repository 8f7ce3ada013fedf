"""A slot inside subgraphs, made reachable from the root."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.expose_slot import expose_input, expose_output
from custom_nodes.discomfort.graph.compose.merge import with_last_ids
from custom_nodes.discomfort.graph.workflow.edit import End, connect
from custom_nodes.discomfort.graph.workflow.model import Workflow
from support.consistency import find_inconsistencies
from support.flow import Flow, Interpreter


def expose(side: Any, flow: Flow, path: tuple[int, ...], end: End) -> tuple[Workflow, End]:
    workflow = flow.workflow()
    before = copy.deepcopy(workflow.to_json())
    result, found = side(workflow, path, end, "made")
    assert workflow.to_json() == before
    assert find_inconsistencies(with_last_ids(result).to_json()) == []  # counters: at the end
    return result, found


def nested(instances: int = 1, fed: bool = False) -> Flow:
    """Node 50 ("W") in "deep", whose instance 40 stands in "outer"; that has instances 1, 2, ..."""
    deep = Flow()
    deep.first_id = 50
    deep.node("W", None, outputs=2)
    outer = Flow()
    outer.first_id = 40
    outer.define("deep", deep)
    outer.instance("deep")
    flow = Flow()
    flow.define("outer", outer)
    for _ in range(instances):
        flow.instance("outer")
    return flow


def names(workflow: Workflow, side: str) -> dict[str, list[str]]:
    return {k: [s["name"] for s in getattr(d, side)] for k, d in workflow.subgraphs.items()}


def test_a_slot_of_the_root_is_reachable_as_it_is():
    workflow = nested().workflow()
    for side in (expose_output, expose_input):
        assert side(workflow, (), End(1, 0), "made") == (workflow, End(1, 0))


def test_an_output_gets_a_slot_in_every_definition_on_the_way_and_in_all_instances():
    result, end = expose(expose_output, nested(2), (2, 40), End(50, 1))
    assert end == End(2, 0)
    assert names(result, "outputs") == {"deep": ["made"], "outer": ["made"]}
    assert [len(n.outputs) for n in result.nodes] == [1, 1]
    flow_out = Interpreter(connect_port(result, end)).outputs()["out"]
    assert "W" in repr(flow_out) and "'slot'" in repr(flow_out)


def connect_port(workflow: Workflow, end: End) -> Workflow:
    """The workflow with an OUTPUT port there."""
    flow = Flow()
    flow.first_id = 90
    flow.port("out", None)
    (port,) = flow.workflow().nodes
    with_port = type(workflow)(
        [*workflow.nodes, port], workflow.links, workflow.data, workflow.subgraphs
    )
    return connect(with_port, end, End(90, 0))


def test_an_output_that_is_exposed_already_is_used_again():
    once, end = expose(expose_output, nested(), (1, 40), End(50, 1))
    again = expose_output(once, (1, 40), End(50, 1), "other")
    assert again == (once, end)
    other, further = expose_output(once, (1, 40), End(50, 0), "made")
    assert further == End(1, 1) and names(other, "outputs")["deep"] == ["made", "made_2"]


def test_an_instance_that_lacks_outputs_of_its_definition_gets_them_all():
    flow = nested()
    outer = flow.definitions["outer"]
    outer["outputs"] = [{"id": "o", "name": "first", "type": "T", "linkIds": []}]
    result, end = expose(expose_output, flow, (1, 40), End(50, 0))
    assert end == End(1, 1) and [s["name"] for s in result.nodes[0].outputs] == ["first", "made"]


def test_an_input_is_fed_from_the_root_in_its_own_instance_alone():
    result, end = expose(expose_input, nested(2), (1, 40), End(50, 0))
    assert end == End(1, 0)
    assert names(result, "inputs") == {"deep": ["made"], "outer": ["made"]}
    flow = Flow()
    flow.first_id = 90
    flow.node("Make")
    (made,) = flow.workflow().nodes
    fed = type(result)([*result.nodes, made], result.links, result.data, result.subgraphs)
    at = Interpreter(connect(fed, End(90, 0), end)).at
    assert "Make" in repr(at["1:40:50"]) and "Make" not in repr(at["2:40:50"])


def test_an_input_that_hangs_on_an_input_of_its_own_is_reached_by_that():
    once, end = expose(expose_input, nested(), (1, 40), End(50, 0))
    assert expose_input(once, (1, 40), End(50, 0), "other") == (once, end)


def linked_inside(*, shared: bool) -> Flow:
    """The input of 50 hangs on the edge, or on a muted node; `shared`: so does that of 51."""
    inner = Flow()
    inner.first_id = 50
    edge = inner.subgraph_input("x")
    inner.node("W", edge)
    inner.node("V", edge if shared else None)
    flow = Flow()
    flow.define("S", inner)
    flow.instance("S")
    flow.instance("S")
    return flow


def test_an_input_that_feeds_others_too_is_given_up_for_one_of_its_own():
    result, end = expose(expose_input, linked_inside(shared=True), (1,), End(50, 0))
    assert [n.type == "S" for n in result.nodes] == [False, True]
    own = result.subgraphs[result.nodes[0].type]
    assert [s["name"] for s in own.inputs] == ["x", "made"] and end == End(1, 1)
    assert len(result.subgraphs["S"].inputs) == 1
    alone, end = expose(expose_input, linked_inside(shared=False), (1,), End(50, 0))
    assert list(alone.subgraphs) == ["S"] and end == End(1, 0)


def test_a_link_that_brings_nothing_is_given_up_in_this_instance_alone():
    flow = linked_inside(shared=False)
    inner = flow.definitions["S"]
    muted = {
        "id": 60,
        "type": "M",
        "mode": 2,
        "inputs": [],
        "outputs": [{"name": "o", "links": [1]}],
    }
    inner["nodes"].append(muted)
    inner["links"][0].update(origin_id=60)
    inner["inputs"][0]["linkIds"] = []
    result, end = expose(expose_input, flow, (2,), End(50, 0))
    assert result.nodes[0].type == "S" != result.nodes[1].type and end == End(2, 1)


@pytest.mark.parametrize(("mode", "has_own"), [(0, False), (2, False), (4, True)])
def test_beside_a_bypassed_instance_this_one_gets_a_definition_of_its_own(mode, has_own):
    flow = nested(2)
    flow.at(2)["mode"] = mode
    result, _ = expose(expose_input, flow, (1, 40), End(50, 0))
    assert (result.nodes[0].type != "outer") is has_own
    assert len(result.nodes[1].inputs) == (0 if has_own else 1)
