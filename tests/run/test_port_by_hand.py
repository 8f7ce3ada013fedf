"""The port without Python: a workflow that a person runs in the editor."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import NodeFailed


def port(unique_id: str, source: list | None = None) -> dict:
    inputs = {"unique_id": unique_id, "tags": "", **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


async def test_it_forwards_a_value_of_any_type(shared):
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 41}},
        "2": port("number", ["1", 0]),
        "3": {"class_type": "PrimitiveInt", "inputs": {"value": ["2", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
    }
    result = await shared.execute(prompt)
    assert result.outputs["4"]["text"] == ["41"]


async def test_a_workflow_that_ends_in_a_port_runs(shared):
    prompt = {
        "1": {"class_type": "StubCount", "inputs": {"name": "by hand", "value": 1}},
        "2": port("number", ["1", 0]),
        "3": {"class_type": "StubCounts", "inputs": {"name": "by hand"}},
    }
    await shared.execute({k: prompt[k] for k in "12"})
    result = await shared.execute({"3": prompt["3"]})
    assert result.outputs["3"]["count"] == [1]


async def test_an_input_without_a_value_says_what_to_do(shared):
    prompt = {
        "2": port("number"),
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
    }
    with pytest.raises(NodeFailed) as caught:
        await shared.execute(prompt)
    assert "'number' has no value" in str(caught.value) and "inputs=" in str(caught.value)


async def test_the_servers_know_all_our_nodes(shared):
    known = await shared.object_info()
    for name in ("DiscomfortPort", "DiscomfortContextLoader", "DiscomfortContextSaver"):
        assert known[name]["python_module"].startswith("custom_nodes")
    assert known["DiscomfortPort"]["output"] == ["*"]
