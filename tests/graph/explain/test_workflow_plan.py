"""What a plan says and how it is drawn, without any server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from custom_nodes.discomfort.graph.explain.diagram import State, make_diagram
from custom_nodes.discomfort.graph.explain.svg import clean, draw_plan, shorten, text_width
from custom_nodes.discomfort.graph.explain.text import describe_plan, show_bytes
from custom_nodes.discomfort.graph.explain.workflow_plan import (
    GIVEN,
    Offer,
    Surroundings,
    WorkflowPlan,
    explain_workflow,
)
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.recipe import make_recipe, signatures
from custom_nodes.discomfort.graph.plan.run_plan import Graft, Literal, Load
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Prompt, Source
from hypothesis import given
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"


def class_of(outputs: list[str], is_output: bool = False, **inputs: str) -> dict[str, Any]:
    required = {name: (kind, {}) for name, kind in inputs.items()}
    return {"input": {"required": required}, "output": outputs, "output_node": is_output}


INFO = index_object_info(
    {
        "Load": class_of(["MODEL", "CLIP"], name="STRING"),
        "Patch": class_of(["MODEL"], model="MODEL", amount="FLOAT"),
        "Use": class_of(["IMAGE"], model="MODEL", text="STRING", image="IMAGE"),
        "Show": class_of([], is_output=True, image="IMAGE"),
        "DiscomfortPort": class_of(["*"], input_data="*"),
        "DiscomfortContextSaver": class_of([], is_output=True, input_data="*"),
        "DiscomfortContextLoader": class_of(["*"], unique_id="STRING"),
    }
)
AROUND = Surroundings({"MODEL": "ref", "CLIP": "ref"}, INFO, "/run", {})
LOADED = {"9": {"class_type": "Load", "inputs": {"name": "a"}}}
MODEL = make_recipe(LOADED, Source("9", 0))


def port(unique_id: str, source: list | None = None, tags: str = "") -> dict:
    inputs = {"unique_id": unique_id, "tags": tags, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


WORK: Prompt = {
    "1": port("model"),
    "2": port("text", tags="prompt, short"),
    "3": port("image"),
    "4": {
        "class_type": "Use",
        "inputs": {"model": ["1", 0], "text": ["2", 0], "image": ["3", 0]},
        "_meta": {"title": "Paint <it> & 'go'\x00\ud800"},
    },
    "5": port("between", ["4", 0]),
    "6": {"class_type": "Show", "inputs": {"image": ["5", 0]}},
    "7": port("result", ["4", 0]),
    "8": {"class_type": "Patch", "inputs": {"model": ["1", 0], "amount": 0.5}},
    "10": port("patched", ["8", 0]),
    "11": {"class_type": "Load", "inputs": {"name": "not needed"}},
}
OFFERS = {
    "model": Offer(Graft(MODEL), "context"),
    "text": Offer(Literal("a cat"), "inputs"),
    "image": Offer(Load("image", GIVEN), "inputs", 12_600_000, "ram"),
}


def plan_of(offers: dict[str, Offer] = OFFERS, around: Surroundings = AROUND) -> WorkflowPlan:
    ports = find_ports_in_prompt(WORK, INFO)
    return explain_workflow("work.json", WORK, ports, offers, around)[0]


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


def test_the_text_names_it_all():
    text = describe_plan([plan_of({"text": OFFERS["text"]})], {"text": 69}, ["something odd"])
    for words in ('= "a cat"', "MISSING", "tags: prompt, short", "something odd", "text 69 B"):
        assert words in text
    assert "12.6 MB in ram" in describe_plan([plan_of()], {}, [])


@pytest.mark.parametrize(
    "size, shown",
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (12_600_000, "12.6 MB"),
     (2_500_000_000, "2.5 GB"), (4_000_000_000_000, "4e+03 GB")],
)  # fmt: skip
def test_sizes_are_short(size, shown):
    assert show_bytes(size) == shown


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


def test_the_picture_is_sound_and_complete():
    drawn = ElementTree.fromstring(draw_plan([plan_of(), plan_of({})]))
    texts = [e.text or "" for e in drawn.iter(f"{SVG}text")]
    assert "1  work.json" in texts and "2  work.json" in texts
    assert sum(t.startswith("Paint <it> & 'go'") for t in texts) == 2
    for words in ("between", '= "a cat"', "loaded, 12.6 MB in ram", "reference model", "MODEL"):
        assert words in texts
    tips = "\n".join(e.text or "" for e in drawn.iter(f"{SVG}title"))
    assert "amount = 0.5" in tips
    hrefs = [v for e in drawn.iter() for k, v in e.attrib.items() if "href" in k or "url(" in v]
    assert hrefs == [] and not list(drawn.iter(f"{SVG}script"))


def test_a_picture_of_two_hundred_nodes_lies_within_its_frame():
    prompt = {"0": port("model")}
    for i in range(1, 200):
        prompt[str(i)] = {
            "class_type": "Patch",
            "inputs": {"model": [str(i * 7 % i), 0], "other": [str(i // 2), 0]},
        }
    prompt["out"] = port("out", ["199", 0])
    ports = find_ports_in_prompt(prompt, INFO)
    plan, _ = explain_workflow("big", prompt, ports, {"model": OFFERS["model"]}, AROUND)
    drawn = ElementTree.fromstring(draw_plan([plan]))
    cards = [e for e in drawn.iter(f"{SVG}g") if e.find(f"{SVG}title") is not None]
    assert len(cards) == 200 + 1 + 1
    width, height = (float(drawn.attrib[side]) for side in ("width", "height"))
    for card in cards:
        x, y = map(float, card.attrib["transform"][10:-1].split())
        frame = card.find(f"{SVG}rect")
        assert frame is not None
        assert x >= 0 and x + float(frame.attrib["width"]) <= width
        assert y >= 0 and y + float(frame.attrib["height"]) <= height


@given(st.text())
def test_any_text_can_be_drawn(text):
    ElementTree.fromstring(f"<text>{clean(text)}</text>")
    assert text_width(shorten(text, 12, 100), 12) <= 100
