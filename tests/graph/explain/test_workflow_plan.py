"""What a plan of a workflow says, without any server."""

from __future__ import annotations

from dataclasses import replace

from custom_nodes.discomfort.graph.explain.workflow_plan import explain_workflow
from custom_nodes.discomfort.graph.plan.recipe import make_recipe, signatures
from custom_nodes.discomfort.graph.plan.run_plan import Graft
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source
from support.plans import AROUND, INFO, MODEL, OFFERS, WORK, plan_of


def test_every_port_is_told_with_what_becomes_of_it():
    lines = {p.unique_id: p for p in plan_of().ports}
    told = {uid: (p.mode.name, p.how, p.type) for uid, p in lines.items()}
    assert told == {
        "model": ("INPUT", "reference", "MODEL"),
        "text": ("INPUT", "literal", "STRING"),
        "image": ("INPUT", "load", "IMAGE"),
        "result": ("OUTPUT", "save", "IMAGE"),
        "patched": ("OUTPUT", "keep", "MODEL"),
        "between": ("PASSTHRU", "pass", "IMAGE"),
    }
    assert lines["text"].tags == ("prompt", "short") and lines["text"].value == "a cat"
    assert lines["model"].recipe == MODEL.id
    assert lines["patched"].recipe not in (None, MODEL.id)
    assert (lines["image"].size_bytes, lines["image"].storage) == (12_600_000, "ram")


def test_what_a_workflow_makes_is_offered_to_the_next():
    ports = find_ports_in_prompt(WORK, INFO)
    _, after = explain_workflow("work.json", WORK, ports, OFFERS, AROUND)
    assert after.keys() == {*OFFERS, "result", "patched"}
    assert isinstance(after["patched"].binding, Graft) and after["result"].came_from == "work.json"
    _, again = explain_workflow("work.json", WORK, ports, after, AROUND)
    assert again["patched"].binding == after["patched"].binding


def test_nodes_run_are_cached_or_stay_warm():
    plan = plan_of()
    loader = MODEL.source.node_id
    assert set(plan.runs) == {"4", "6", "7", "3", loader} and not plan.cached and not plan.pinned
    assert plan.for_references == {"8", "10", "1"}
    other = make_recipe({"9": {"class_type": "Load", "inputs": {"name": "b"}}}, Source("9", 0))
    around = replace(AROUND, cached=frozenset(signatures(plan.prompt).values()), pinned=(other,))
    plan = plan_of(around=around)
    assert set(plan.cached) == {"4", "6", "3", loader}
    assert plan.runs == ("7",) and plan.pinned == (other.source.node_id,)
