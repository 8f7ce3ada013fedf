"""Lists are carried on by nodes that run once for each item, until one takes the list whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from custom_nodes.discomfort.graph.plan.list_outputs import Lists, is_list

CLASSES = {
    "Numbers": Lists(False, (True,)),
    "One": Lists(False, (False,)),
    "Map": Lists(False, ()),
    "Join": Lists(True, (False,)),
    "Rebatch": Lists(True, (True, False)),
}


def node(kind: str, *sources: list[Any]) -> dict[str, Any]:
    return {"class_type": kind, "inputs": {f"i{n}": source for n, source in enumerate(sources)}}


PROMPT: Mapping[str, Any] = {
    "numbers": node("Numbers"),
    "one": node("One"),
    "mapped": node("Map", ["one", 0], ["numbers", 0]),
    "twice": node("Map", ["mapped", 0], ["mapped", 0]),
    "joined": node("Join", ["twice", 0]),
    "after": node("Map", ["joined", 0], ["one", 0]),
    "again": node("Rebatch", ["joined", 0]),
    "unknown": node("Nobody", ["numbers", 0]),
    "circle": node("Map", ["circle", 0]),
}


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (["numbers", 0], True), (["one", 0], False), (["mapped", 0], True), (["twice", 0], True),
        (["joined", 0], False), (["after", 0], False), (["again", 0], True),
        (["again", 1], False), (["unknown", 0], True), (["circle", 0], False),
        (["nowhere", 0], False), ("text", False), (None, False),
    ],
)  # fmt: skip
def test_an_output_is_a_list_when_it_or_what_it_is_mapped_over_is(
    source: Any, answer: bool
) -> None:
    assert is_list(PROMPT, source, lambda kind, _: CLASSES.get(kind, Lists(False, ()))) is answer
