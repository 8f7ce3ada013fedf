"""What is drawn of a plan: cards, their states and links, and the frames around references."""

from __future__ import annotations

from dataclasses import replace

from custom_nodes.discomfort.graph.explain.diagram import Slot, State, make_diagram
from custom_nodes.discomfort.graph.explain.workflow_plan import Offer, explain_workflow
from custom_nodes.discomfort.graph.plan.recipe import make_recipe, signatures
from custom_nodes.discomfort.graph.plan.run_plan import Graft
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Prompt, Source
from support.plans import AROUND, INFO, LOADED, MODEL, plan_of, port


def test_the_drawing_says_what_happens_to_each_node():
    diagram = make_diagram(plan_of(), 1)
    states = {card.id: card.state for card in diagram.cards}
    assert states["4"] is states["6"] is states["2"] is states["5"] is State.RUNS
    assert states["8"] is states["10"] is State.REFERENCE
    assert states["11"] is State.UNUSED
    assert diagram.groups == {"reference model": (MODEL.source.node_id,)}
    looks = {card.id: card.look for card in diagram.cards}
    assert (looks["1"], looks["5"], looks["7"], looks["4"]) == (
        "input", "passthru", "output", "node",
    )  # fmt: skip
    looks = {card.id: card.look for card in make_diagram(plan_of({}), 1).cards}
    assert looks["1"] == looks["2"] == looks["3"] == "missing"
    kinds = {(link.origin, link.target): link.type for link in diagram.links}
    assert kinds["4", "5"] == "IMAGE" and kinds[MODEL.source.node_id, "1"] == "MODEL"


def test_references_that_share_a_node_stand_in_one_frame():
    clip = make_recipe(LOADED, Source("9", 1))
    prompt = {"1": port("model"), "2": port("clip"), "3": port("a", ["1", 0])}
    ports = find_ports_in_prompt(prompt, INFO)
    offers = {"model": Offer(Graft(MODEL), "context"), "clip": Offer(Graft(clip), "context")}
    plan, _ = explain_workflow("two", prompt, ports, offers, AROUND)
    assert make_diagram(plan, 1).groups == {"references model, clip": (MODEL.source.node_id,)}


def test_cards_have_the_slots_that_are_linked_in_the_order_of_the_node():
    diagram = make_diagram(plan_of(), 3)
    cards = {card.id: card for card in diagram.cards}
    assert diagram.title == "3  work.json"
    assert cards["4"].inputs == (Slot("model", ""), Slot("text", ""), Slot("image", ""))
    assert cards["4"].outputs == (Slot("", "IMAGE"),)
    assert cards["5"].inputs == (Slot("", ""),) and cards["11"].outputs == ()
    for link in diagram.links:
        assert cards[link.origin].outputs[link.output].type == link.type
        assert 0 <= link.input < len(cards[link.target].inputs)


def test_outputs_are_sorted_by_slot():
    prompt: Prompt = {
        "1": {"class_type": "Load", "inputs": {"name": "a"}},
        "2": {"class_type": "Use", "inputs": {"text": ["1", 1], "model": ["1", 0]}},
    }
    ports = find_ports_in_prompt(prompt, INFO)
    plan, _ = explain_workflow("x", prompt, ports, {}, AROUND)
    diagram = make_diagram(plan, 1)
    assert [slot.type for slot in diagram.cards[0].outputs] == ["MODEL", "CLIP"]
    assert [(link.output, link.input) for link in diagram.links] == [(1, 0), (0, 1)]
    assert {card.state for card in diagram.cards} == {State.UNUSED}
    assert diagram.summary == "nothing is queued"


def test_titles_and_tips_say_what_a_card_is():
    cards = {card.id: card for card in make_diagram(plan_of(), 1).cards}
    assert (cards["4"].subtitle, cards["8"].title, cards["8"].subtitle) == ("Use", "Patch", "")
    assert cards["8"].tip == "8: Patch\namount = 0.5"
    assert cards["2"].title == "text" and cards["2"].subtitle == '= "a cat"'
    assert cards["2"].tip == "INPUT port text of type STRING, node 2"


def test_a_tip_has_a_limited_number_of_lines():
    inputs = {f"i{n}": n for n in range(50)}
    prompt: Prompt = {"1": {"class_type": "Load", "inputs": inputs}}
    plan, _ = explain_workflow("x", prompt, find_ports_in_prompt(prompt, INFO), {}, AROUND)
    assert len(make_diagram(plan, 1).cards[0].tip.splitlines()) == 24


def test_a_frozen_port_shows_its_value():
    plan = plan_of()
    (frozen,) = plan.drawn_ports.inputs["text"]
    for held, shown in (
        ({"value": 5}, "= 5"),
        ({"content": "h"}, "frozen value"),
        (3, "frozen value"),
    ):
        ports = replace(
            plan.drawn_ports, inputs={}, frozen=(replace(frozen, node_id="2", frozen=held),)
        )
        lines = tuple(p for p in plan.ports if "2" not in p.node_ids)
        cards = make_diagram(replace(plan, drawn_ports=ports, ports=lines), 1).cards
        assert {card.id: card.subtitle for card in cards}["2"] == shown


def test_the_summary_counts_or_names_what_is_missing():
    assert make_diagram(plan_of(), 1).summary == "5 run"
    assert make_diagram(plan_of({}), 1).summary == "missing: model, text, image"
    other = make_recipe({"9": {"class_type": "Load", "inputs": {"name": "b"}}}, Source("9", 0))
    around = replace(
        AROUND, cached=frozenset(signatures(plan_of().prompt).values()), pinned=(other,)
    )
    diagram = make_diagram(plan_of(around=around), 1)
    assert diagram.summary == "1 run, 4 cached, 1 kept for later runs"
    assert {c.id: c.state for c in diagram.cards}["4"] is State.CACHED
