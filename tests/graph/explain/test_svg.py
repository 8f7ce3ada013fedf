"""A plan as a picture: sound XML that needs nothing else and holds all that is said."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from custom_nodes.discomfort.graph.explain.svg import clean, draw_plan
from custom_nodes.discomfort.graph.explain.workflow_plan import explain_workflow
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from hypothesis import given
from hypothesis import strategies as st
from support.plans import AROUND, INFO, OFFERS, plan_of, port

SVG = "{http://www.w3.org/2000/svg}"


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


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a <b> & 'c'", "a &lt;b&gt; &amp; &#x27;c&#x27;"),
        ("tab\tline\n", "tab\tline\n"),
        ("\x00\x1f\ud800\uffff", "\ufffd" * 4),
        ("\u00e4\u6f22\U0001f600", "\u00e4\u6f22\U0001f600"),
    ],
)
def test_text_is_escaped_and_what_xml_may_not_hold_is_replaced(text, cleaned):
    assert clean(text) == cleaned


def test_the_legend_explains_what_is_used_and_nothing_else():
    def legend(plan) -> set[str]:
        drawn = ElementTree.fromstring(draw_plan([plan]))
        return {e.text or "" for e in list(drawn)[-1].iter(f"{SVG}text")}

    ports = {"INPUT port", "OUTPUT port", "PASSTHRU port"}
    assert legend(plan_of()) >= ports | {"part of a reference, not run now", "not needed", "MODEL"}
    assert not legend(plan_of()) & {"no value", "expected from the cache"}
    assert "no value" in legend(plan_of({})) and "INPUT port" not in legend(plan_of({}))
