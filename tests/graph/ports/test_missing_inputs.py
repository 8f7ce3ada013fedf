"""What is missing before a run, and which stored values would do."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import MissingInputError
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.ports.missing_inputs import check_inputs, find_fitting
from support.flow import Flow


def ports_of(kind: str, unique_id: str = "wanted", output: str | None = None):
    flow = Flow()
    node = flow.node("Work", flow.port(unique_id), names=("x",))
    flow.at(node)["inputs"][0]["type"] = kind
    if output:
        flow.at(node)["outputs"][0]["type"] = kind
        flow.port(output, node)
    return find_ports(flow.workflow())


def test_all_that_is_missing_is_told_at_once_with_what_would_fit():
    kinds = {"base": "MODEL", "text": "STRING", "photo": "IMAGE"}
    workflows = [("a.json", ports_of("MODEL", "hero")), ("b.json", ports_of("IMAGE", "frame"))]
    with pytest.raises(MissingInputError) as caught:
        check_inputs(workflows, kinds, kinds.__getitem__)
    first, second = map(str, caught.value.problems)
    assert "'hero' of type MODEL in a.json" in first and "'base' (MODEL)" in first
    assert "'frame' of type IMAGE in b.json" in second and "'photo' (IMAGE)" in second
    assert "text" not in first + second


def test_two_workflows_of_one_name_tell_their_own_inputs():
    workflows = [("same", ports_of("MODEL", "one")), ("same", ports_of("MODEL", "two"))]
    with pytest.raises(MissingInputError) as caught:
        check_inputs(workflows, [])
    assert [str(p).split(" ")[0] for p in caught.value.problems] == ["'one'", "'two'"]


def test_an_output_of_an_earlier_workflow_counts_for_later_ones_only():
    make, use = ports_of("LATENT", "start", output="made"), ports_of("LATENT", "mode")
    with pytest.raises(MissingInputError) as caught:
        check_inputs([("make", make), ("use", use)], ["start"], {"start": "STRING"}.__getitem__)
    (problem,) = caught.value.problems
    assert "Did you mean 'made'" in str(problem) and "'made' (LATENT)" in str(problem)
    with pytest.raises(MissingInputError) as caught:
        check_inputs([("use", use), ("make", make)], ["start"], {"start": "STRING"}.__getitem__)
    assert "made" not in str(caught.value)


def test_types_are_asked_for_only_when_something_is_missing():
    def refuse(unique_id: str) -> str:
        raise AssertionError(unique_id)

    check_inputs([("a", ports_of("INT"))], ["wanted", "other"], refuse)


def test_the_nearest_names_come_first_and_the_list_is_short():
    kinds = {**{f"other {i}": "INT" for i in range(9)}, "the seed": "INT", "photo": "IMAGE"}
    assert find_fitting("seed", "INT", kinds)[0] == "the seed"
    with pytest.raises(MissingInputError) as caught:
        check_inputs([("a", ports_of("INT", "seed"))], kinds, kinds.__getitem__)
    assert "and 5 more" in str(caught.value)


@pytest.mark.parametrize(("mode", "how"), [(2, "muted"), (4, "bypassed")])
@pytest.mark.parametrize("through", [False, True])
def test_a_link_that_counts_as_none_is_told_with_the_node_that_cuts_it_off(mode, how, through):
    flow = Flow()
    made = flow.node("Make", mode=mode, title="My number")
    port = flow.port("out", flow.node("Reroute", made) if through else made)
    with pytest.raises(MissingInputError) as caught:
        check_inputs([("a", find_ports(flow.workflow()))], [])
    text = str(caught.value)
    assert f"port {port}, whose link comes from node {made} 'My number', which is {how}" in text
    assert "connected to nothing" not in text


def test_a_link_to_a_muted_node_in_a_subgraph_has_the_id_of_a_prompt():
    inner = Flow()
    inner.first_id = 10
    muted = inner.node("Make", mode=2)
    flow = Flow()
    inner.port("out", muted)
    instance = flow.instance(flow.define("sub", inner))
    with pytest.raises(MissingInputError, match=f"node {instance}:{muted} 'Make', which is muted"):
        check_inputs([("a", find_ports(flow.workflow()))], [])


def test_a_bypassed_node_that_passes_something_on_cuts_nothing_off():
    flow = Flow()
    flow.port("out", flow.node("Change", flow.node("Make"), mode=4))
    (port,) = find_ports(flow.workflow()).all()
    assert port.source is not None and port.cut is None
