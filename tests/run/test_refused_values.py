"""What ComfyUI says of refused values, completed: no server needed."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from custom_nodes.discomfort.errors import CHECK_HINT, ValidationFailed
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.swap_ports import Swapped
from custom_nodes.discomfort.run.refused_values import completed
from custom_nodes.discomfort.worker.client.failures import refused

INFO = index_object_info(
    {
        "Blend": {
            "input": {
                "required": {
                    "factor": ["FLOAT", {"min": 0.0, "max": 5.0}],
                    "open": ["FLOAT", {"min": 0.0}],
                    "mode": [["normal", "overlay"]],
                }
            },
            "output": [],
        }
    }
)
PROMPT = {"7": {"class_type": "Blend", "inputs": {}, "_meta": {"title": "Blend"}}}
SWAPPED = Swapped(
    PROMPT,
    literals={("7", "factor"): "amount", ("7", "mode"): "tone", ("8", "x"): "elsewhere"},
    addresses=frozenset({"tone"}),
)


def text_of(kind: str, name: str | None, value: Any, info: Any = INFO, **general: Any) -> str:
    extra = {"input_name": name, "received_value": value}
    error = {"type": kind, "message": "No", "details": str(name), "extra_info": extra}
    reply = {"error": general, "node_errors": {"7": {"class_type": "Blend", "errors": [error]}}}
    found = completed(refused(PROMPT, 400, reply), SWAPPED, info)
    again = pickle.loads(pickle.dumps(found))
    assert isinstance(again, ValidationFailed) and again.problems == found.problems
    return str(found)


@pytest.mark.parametrize(
    ("kind", "name", "value", "end"),
    [
        (
            "value_bigger_than_max",
            "factor",
            99,
            "No: factor; from 0.0 to 5.0 (factor comes from the INPUT port 'amount')",
        ),
        ("value_smaller_than_min", "open", -1, "No: open"),
        (
            "value_not_in_list",
            "mode",
            "overlai",
            "did you mean 'overlay'? (mode comes from the address 'tone')",
        ),
        ("value_not_in_list", "mode", "zzz", "No: mode (mode comes from the address 'tone')"),
        ("value_not_in_list", "mode", ["a"], "No: mode (mode comes from the address 'tone')"),
        (
            "custom_validation_failed",
            None,
            None,
            "(factor comes from the INPUT port 'amount'; mode comes from the address 'tone')",
        ),
        ("required_input_missing", "unknown", None, "No: unknown"),
    ],
)
def test_refused_value_is_told_with_its_port_and_what_it_takes(kind, name, value, end):
    assert text_of(kind, name, value).endswith(end)


def test_error_about_the_whole_prompt_stays_before_them_and_the_hint_after():
    about = {"type": "x", "message": "All is wrong", "extra_info": {"node_id": "9"}}
    lines = text_of("value_not_in_list", "mode", "a.safetensors", **about).splitlines()
    assert "node 9: All is wrong" in lines[1] and "comes from the address" in lines[2]
    assert lines[3] == CHECK_HINT


def test_refusal_without_nodes_is_as_it_came():
    error = refused(PROMPT, 413, None)
    assert completed(error, SWAPPED, INFO) is error
