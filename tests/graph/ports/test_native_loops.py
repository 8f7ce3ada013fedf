"""OUTPUT ports in native loops are refused; no ComfyUI with such loops is asked."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.ports.native_loops import refuse_outputs_in_loops

INFO = index_object_info({})


def node(kind: str, **links: str) -> dict[str, Any]:
    return {"class_type": kind, "inputs": {name: [of, 0] for name, of in links.items()}}


def port(of: str) -> dict[str, Any]:
    return {"class_type": "DiscomfortPort", "inputs": {"unique_id": "out", "input_data": [of, 0]}}


def check(prompt: dict[str, Any]) -> None:
    refuse_outputs_in_loops(prompt, find_ports_in_prompt(prompt, INFO), "loop.json")


ONE = {
    "1": node("Source"),
    "2": node("StartLoop", value="1"),
    "3": node("Work", x="2"),
    "4": node("EndLoop", value="3"),
    "5": node("Work", x="4"),
}
NESTED = {
    "1": node("StartLoop"),
    "2": node("Work", x="1"),
    "3": node("StartLoop", value="2"),
    "4": node("Work", x="3"),
    "5": node("EndLoop", flow="3", value="4"),
    "6": node("Work", x="5"),
    "7": node("EndLoop", value="6"),
    "8": node("StartLoop", value="7"),
    "9": node("EndLoop", flow="8"),
}


@pytest.mark.parametrize(
    ("prompt", "of", "start"),
    [(ONE, "2", "2"), (ONE, "3", "2"), (NESTED, "4", "1"), (NESTED, "6", "1"), (NESTED, "8", "8")],
)
def test_output_port_in_a_loop_is_refused_with_what_to_do(prompt, of, start):
    with pytest.raises(WorkflowError) as caught:
        check({**prompt, "p": port(of)})
    assert [p.node_id for p in caught.value.problems] == ["p"]
    assert f"node {start} (StartLoop)" in str(caught.value)
    assert "Link it to an output of the EndLoop node" in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "of"), [(ONE, "1"), (ONE, "4"), (ONE, "5"), (NESTED, "7"), (NESTED, "9")]
)
def test_output_port_before_or_behind_a_loop_is_taken(prompt, of):
    check({**prompt, "p": port(of)})


def test_ports_that_feed_a_loop_or_pass_through_it_are_taken():
    prompt = {
        **ONE,
        "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "in"}},
        "3": {
            "class_type": "DiscomfortPort",
            "inputs": {"unique_id": "mid", "input_data": ["2", 0]},
        },
        "p": port("4"),
    }
    check(prompt)


def test_circle_in_a_loop_ends_the_search():
    prompt = {**ONE, "3": node("Work", x="2", y="5"), "p": port("5")}
    check(prompt)
