"""A plan as text for a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.graph.explain.text import (
    CACHE_NOTE,
    describe_plan,
    describe_port,
    show_bytes,
    show_value,
)
from custom_nodes.discomfort.graph.explain.workflow_plan import PortPlan
from custom_nodes.discomfort.graph.plan.recipe import signatures
from custom_nodes.discomfort.graph.ports.find_ports import PortMode
from support.plans import AROUND, MODEL, OFFERS, plan_of


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


def test_a_plan_counts_what_is_queued_and_explains_its_cache_only_where_it_is_used():
    plan = plan_of()
    lines = describe_plan([plan, plan], {}, []).splitlines()
    assert lines[0].startswith("Plan of 2 workflows, first iteration. Nothing was run or saved.")
    assert "1. work.json" in lines and "2. work.json" in lines
    (queued,) = {line for line in lines if line.startswith("   Queued: ")}
    assert queued.endswith("12.6 MB loaded; 5 nodes run, 0 cached")
    assert CACHE_NOTE not in lines and any(line.startswith("   run     4 Use") for line in lines)
    around = replace(AROUND, cached=frozenset(signatures(plan.prompt).values()), pinned=(MODEL,))
    text = describe_plan([plan_of(around=around)], {}, [])
    assert text.startswith("Plan of 1 workflow,") and text.endswith(CACHE_NOTE)
    assert "1 nodes run, 4 cached" in text and "   cached  6 Show(image<-4.0)" in text


def test_a_workflow_that_queues_nothing_says_so():
    lines = describe_plan([replace(plan_of(), prompt={})], {}, []).splitlines()
    assert lines[-1] == "   Nothing is queued." and "Note" not in "".join(lines)


def port_plan(how: str, **more: Any) -> PortPlan:
    return PortPlan("x", PortMode.INPUT, "INT", (), ("1",), how, **more)


HASH = "ref-0123456789abcdef:1"


@pytest.mark.parametrize(
    ("port", "brief", "text"),
    [
        (port_plan("literal", value="a"), False, '= "a"'),
        (port_plan("literal", value=None), False, "= null"),
        (port_plan("load", storage="ram"), False, "loaded, in ram"),
        (port_plan("load", storage="disk", size_bytes=0), False, "loaded, 0 B in disk"),
        (port_plan("later", came_from="a.json"), False, "made by a.json"),
        (port_plan("reference", recipe=HASH), False, f"reference {HASH}"),
        (port_plan("reference", recipe=HASH), True, "reference 01234567"),
        (port_plan("reference"), True, "reference over values of the run"),
        (port_plan("missing"), False, "MISSING"),
        (port_plan("save"), False, "saved"),
        (port_plan("keep"), False, "kept as a reference"),
        (port_plan("keep", recipe=HASH), True, "kept as a reference 01234567"),
        (port_plan("pass"), False, "passed on"),
    ],
)
def test_what_becomes_of_a_port_in_a_few_words(port, brief, text):
    assert describe_port(port, brief) == text


def test_details_of_a_port_stand_behind_it():
    fitting = tuple("abcdefg")
    ports = (
        port_plan("literal", value=1, came_from="inputs"),
        port_plan("load", storage="ram", came_from="a.json"),
        replace(port_plan("missing", fitting=fitting), tags=("t", "u")),
        port_plan("reference", recipe=HASH, came_from="b.json"),
    )
    lines = describe_plan([replace(plan_of(), ports=ports, prompt={})], {}, []).splitlines()
    assert [line.strip() for line in lines[3:7]] == [
        "INPUT    x  INT  = 1 (from inputs)",
        "INPUT    x  INT  loaded, in ram",
        "INPUT    x  INT  MISSING (these would fit: a, b, c, d, e; tags: t, u)",
        f"INPUT    x  INT  reference {HASH} (from b.json)",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        ("\u00e4", '"\u00e4"'),
        ([1, None], "[1, null]"),
        ("x" * 58, '"' + "x" * 58 + '"'),
        ("x" * 59, '"' + "x" * 56 + "..."),
    ],
)
def test_a_literal_is_shown_as_json_and_shortened(value, shown):
    assert show_value(value) == shown
