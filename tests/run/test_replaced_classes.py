"""Node classes that others have replaced, on every server: run as ComfyUI and its editor would."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.values.images import save_comfy_image_to_disk
from support.prompts import port
from support.servers import FAKE, Make, Server

SUM: dict[str, Any] = {
    "1": port("number"),
    "2": {"class_type": "StubOldSum", "inputs": {"first": ["1", 0], "second": 5}},
    "3": {"class_type": "StubOldCount", "inputs": {"name": "", "value": ["2", 0], "gone": 1}},
    "4": port("sum", ["3", 0]),
}
SUM_WORKFLOW: dict[str, Any] = {
    "nodes": [
        {
            "id": 1,
            "type": "DiscomfortPort",
            "widgets_values": ["number", ""],
            "outputs": [{"name": "output", "type": "*", "links": [1]}],
        },
        {
            "id": 2,
            "type": "StubOldSum",
            "widgets_values": [5],
            "inputs": [{"name": "first", "type": "INT", "link": 1}],
            "outputs": [{"name": "INT", "type": "INT", "links": [2]}],
        },
        {
            "id": 3,
            "type": "DiscomfortPort",
            "widgets_values": ["sum", ""],
            "inputs": [{"name": "input_data", "type": "*", "link": 2}],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "INT"], [2, 2, 0, 3, 0, "INT"]],
}


@pytest.fixture
async def replaces(server: Server, shared: Any) -> bool:
    """Whether this ComfyUI knows of replacements at all."""
    return bool(await shared.node_replacements())


def test_newer_servers_know_of_them_and_0_3_64_does_not(server: Server, replaces: bool):
    assert replaces is ("0.3.64" not in server.name)


@pytest.mark.parametrize("given", [SUM, SUM_WORKFLOW], ids=["prompt", "workflow"])
async def test_workflow_with_a_replaced_class_runs(discomfort, replaces, given):
    if not replaces:
        with pytest.raises(WorkflowError, match="StubOldSum"):
            await discomfort.run(given, {"number": 2})
        return
    plan = await discomfort.plan(given, {"number": 2})
    kinds = {node["class_type"] for node in plan.workflows[0].prompt.values()}
    assert "StubAdd" in kinds and not any(kind.startswith("StubOld") for kind in kinds)
    assert await discomfort.run(given, {"number": 2}) == {"sum": 7}
    with pytest.raises(WorkflowError, match="number"):  # of the type that the new class takes
        await discomfort.run(given, {"number": 5.5})


async def test_outputs_of_a_replaced_class_are_those_it_had(discomfort, replaces, tmp_path):
    save_comfy_image_to_disk(torch.zeros(1, 4, 6, 3), tmp_path / "a.png")
    path = discomfort.Worker.upload_data(tmp_path / "a.png", is_ephemeral=True)
    prompt = {
        "1": {"class_type": "StubOldPair", "inputs": {"file": path}},
        "2": port("mask", ["1", 0]),
        "3": port("picture", ["1", 1]),
    }
    if not replaces:
        with pytest.raises(WorkflowError, match="StubOldPair"):
            await discomfort.run(prompt)
        return
    results = await discomfort.run(prompt)
    assert results["picture"].shape == (1, 4, 6, 3)
    assert results["mask"].ndim == 3


async def test_stored_reference_of_a_replaced_class_is_taken(discomfort, replaces):
    reference = {
        "1": {"class_type": "StubOldSum", "inputs": {"first": 2, "second": 5}},
        "2": port("number", ["1", 0]),
    }
    use = {
        "1": port("number"),
        "2": {"class_type": "StubAdd", "inputs": {"a": ["1", 0], "b": 1}},
        "3": port("sum", ["2", 0]),
    }
    # A script's first run: nothing has asked for replacements yet.
    own = Discomfort(discomfort.Worker)
    try:
        with own.Context() as context:
            context.save("number", reference, pass_by="ref")
            if not replaces:
                with pytest.raises(WorkflowError, match="StubOldSum"):
                    await own.run(use, context=context)
                return
            await own.plan(use, context=context)
            assert await own.run(use, context=context) == {"sum": 8}
    finally:
        own._engine.contexts.close()


async def test_class_without_a_usable_replacement_is_refused_with_its_pack(discomfort):
    meta = {"title": "t", "cnr_id": "the-pack", "ver": "1.4.0"}
    prompt = {
        "1": {"class_type": "StubGoneForEver", "inputs": {}, "_meta": meta},
        "2": port("out", ["1", 0]),
    }
    with pytest.raises(WorkflowError, match=r"'the-pack', version 1\.4\.0: install that"):
        await discomfort.run(prompt)


async def test_connector_converts_with_replacements(shared, replaces):
    if not replaces:
        with pytest.raises(WorkflowError, match="StubOldSum"):
            await shared.get_prompt_from_workflow(SUM_WORKFLOW)
        return
    prompt = await shared.get_prompt_from_workflow(SUM_WORKFLOW)
    assert prompt["2"]["class_type"] == "StubAdd"


async def test_replacements_are_asked_for_once_and_only_when_a_class_is_missing(
    make_connector: Make,
):
    connector = await make_connector(FAKE)
    made = Discomfort(connector)
    known = {"1": port("a"), "2": port("b", ["1", 0]), "3": port("c", ["2", 0])}
    try:
        await made.run(known, {"a": 1})
        assert await times_asked(connector) == 0
        await asyncio.gather(*(made.run(SUM, {"number": i}) for i in range(4)))
        await made.run(SUM_WORKFLOW, {"number": 1})
        with pytest.raises(WorkflowError):
            await made.run({"1": {"class_type": "Nowhere", "inputs": {}}})
        assert await times_asked(connector) == 1
    finally:
        made._engine.contexts.close()


async def times_asked(connector: Any) -> int:
    address = f"{connector.server_address}/fake/requests"
    async with aiohttp.request("GET", address, headers=connector.auth_headers) as reply:
        return (await reply.json()).get("/node_replacements", 0)
