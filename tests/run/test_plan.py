"""Plans: they tell what a run does, before it does it, and change nothing."""

from __future__ import annotations

import uuid
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from custom_nodes.discomfort.errors import MissingInputError
from custom_nodes.discomfort.worker.client.events import NodesCached, Queued
from support.prompts import port


def load(name: str) -> dict:
    return {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": name}},
        "2": port("model", ["1", 0]),
        "3": port("clip", ["1", 1]),
    }


PATCH = {
    "1": port("model"),
    "2": port("strength"),
    "3": {"class_type": "StubPatchModel", "inputs": {"model": ["1", 0], "strength": ["2", 0]}},
    "4": port("model", ["3", 0]),
}
USE = {
    "1": port("model"),
    "2": port("seed"),
    "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": ["2", 0]}},
    "4": port("told", ["3", 0]),
}
PICTURE = {"1": port("picture"), "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}


@pytest.fixture
def name() -> str:
    """Of a model that no other test loads."""
    return f"model-{uuid.uuid4().hex}"


@pytest.fixture
def queued(shared, monkeypatch) -> list[dict]:
    """The prompts that go to the worker, which runs them as always."""
    prompts: list[dict] = []
    execute = shared.execute_own

    async def listen(prompt: dict, **options: Any) -> Any:
        prompts.append(prompt)
        return await execute(prompt, **options)

    monkeypatch.setattr(shared, "execute_own", listen)
    return prompts


def hows(plan: Any) -> list[dict[str, str]]:
    return [{p.unique_id: p.how for p in w.ports} for w in plan.workflows]


async def test_a_plan_has_the_prompt_that_is_queued(discomfort, name, queued):
    with discomfort.Context() as context:
        context.save("picture", torch.zeros(1, 8, 8, 3))
        call = [load(name), PATCH, USE, PICTURE], {"strength": 0.5, "seed": 7}
        plan = await discomfort.plan(*call, context=context)
        assert not queued and context.list_keys() == ["picture"]
        await discomfort.run(*call, context=context)
    planned = [w.prompt for w in plan.workflows if w.prompt]
    assert planned == queued
    assert hows(plan) == [
        {"model": "keep", "clip": "keep"},
        {"strength": "literal", "model": "keep"},
        {"model": "reference", "seed": "literal", "told": "save"},
        {"picture": "load", "PreviewAny": "result"},
    ]
    assert plan.missing == () and plan.notes == ()


async def test_a_plan_knows_what_the_cache_will_serve(discomfort, name):
    cached: list[set[str]] = []
    expected: list[bool] = []

    def listen(event: Any) -> None:
        if isinstance(event, NodesCached):
            cached.append(set(event.node_ids))

    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        for seed in (1, 2, 2):
            plan = (await discomfort.plan(USE, {"seed": seed}, context=context)).workflows[0]
            await discomfort.run(USE, {"seed": seed}, context=context, on_event=listen)
            assert set(plan.cached) == cached[-1] - set(plan.pinned)
            assert {*plan.runs, *plan.cached, *plan.pinned} == set(plan.prompt)
            expected.append(bool(plan.cached))
        assert expected == [False, True, True]
        await discomfort.free()
        plan = await discomfort.plan(USE, {"seed": 2}, context=context)
        assert plan.workflows[0].cached == ()


async def test_a_missing_input_is_told_with_what_would_fit(discomfort, name):
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        context.save("hero", context.load("model"), pass_by="ref")
        context.save("number", 4)
        context.internal.delete_key("model")
        plan = await discomfort.plan(USE, context=context)
        assert plan.missing == ("model", "seed")
        model, seed = plan.workflows[0].missing
        assert (model.type, model.fitting) == ("MODEL", ("hero",))
        assert (seed.type, seed.fitting) == ("INT", ("number",))
        assert "MISSING" in str(plan) and "hero" in str(plan)
        with pytest.raises(MissingInputError) as caught:
            await discomfort.run(USE, context=context)
        assert len(caught.value.problems) == 2
        told = str(caught.value)
        assert "'model' of type MODEL" in told and "'hero' (MODEL)" in told
        assert "'seed' of type INT" in told and "'number' (INT)" in told


async def test_a_planned_reference_has_the_hash_that_the_run_gives_it(discomfort, name):
    patch = {**PATCH, "5": port("picture")}
    inputs = {"model": ["1", 0], "strength": ["2", 0], "picture": ["5", 0]}
    patch["3"] = {"class_type": "StubPatchModel", "inputs": inputs}
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        context.save("picture", torch.full((1, 8, 8, 3), 0.5))
        plan = await discomfort.plan(patch, {"strength": 0.5}, context=context)
        await discomfort.run(patch, {"strength": 0.5}, context=context)
        (made,) = (p for p in plan.workflows[0].ports if p.how == "keep")
        meta = context.internal.get_receipt("model").meta
        assert meta is not None and made.recipe == meta["recipe"]
        given = {"strength": 0.5, "picture": torch.zeros(1, 8, 8, 3)}
        plan = await discomfort.plan(patch, given, context=context)
        (made,) = (p for p in plan.workflows[0].ports if p.how == "keep")
        assert made.recipe is None  # its content is hashed when it is stored


async def test_a_reference_that_is_given_is_planned_as_one(discomfort, name):
    made = await discomfort.run(load(name))
    plan = await discomfort.plan(USE, {"model": made["model"], "seed": 1})
    model = plan.workflows[0].ports[0]
    assert (model.how, model.came_from) == ("reference", "inputs")
    assert model.recipe in {f"{node_id}:0" for node_id in plan.workflows[0].prompt}


async def test_bytes_are_told(discomfort):
    picture = torch.zeros(1, 64, 64, 3)
    plan = await discomfort.plan(PICTURE, {"picture": picture})
    line = plan.workflows[0].ports[0]
    assert (line.how, line.storage, line.came_from) == ("load", "ram", "inputs")
    assert 64 * 64 * 3 * 4 <= plan.workflows[0].loaded_bytes < 64 * 64 * 3 * 4 + 4096
    assert plan.given_bytes == {"picture": line.size_bytes}


async def test_a_value_that_an_earlier_workflow_makes_is_no_missing_one(discomfort, name):
    text = {"1": port("told"), "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}
    plan = await discomfort.plan([load(name), USE, text], {"seed": 1, "other": 2})
    assert hows(plan)[2] == {"told": "later", "PreviewAny": "result"}
    assert plan.workflows[2].ports[0].came_from == "workflow 2"
    assert len(plan.notes) == 1 and "'other'" in plan.notes[0]


async def test_a_plan_is_drawn_and_shown_in_a_notebook(discomfort, name, tmp_path):
    plan = await discomfort.plan([load(name), USE])
    path = plan.save(tmp_path / "new folder" / "plan.svg")
    drawn = ElementTree.parse(path).getroot()
    texts = {e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"StubLoadModel", "StubUseModel", "told", "seed", "MISSING"} <= texts
    assert path.read_text(encoding="utf-8") == plan._repr_svg_()
    assert plan._repr_svg_() in plan._repr_html_() and "&lt;-" in plan._repr_html_()
    with pytest.raises(ValueError, match=r"\.svg"):
        plan.save(tmp_path / "plan.png")


async def test_a_plan_leaves_no_trace(discomfort, name):
    """A run after plans queues what it would have queued without them."""
    with discomfort.Context() as context:
        before = context.get_usage()
        await discomfort.plan([load(name), PATCH, USE], {"seed": 1, "strength": 1}, context=context)
        assert context.get_usage() == before and context.list_keys() == []
    pinned = [recipe.id for recipe in discomfort._engine.references.pinned()]
    await discomfort.plan([load(name), USE], {"seed": 1})
    assert [recipe.id for recipe in discomfort._engine.references.pinned()] == pinned


async def test_workflows_that_only_make_references_queue_nothing(discomfort, name, queued):
    events: list = []
    both = [load(name), PATCH]
    results = await discomfort.run(both, {"strength": 2.0}, iterations=3, on_event=events.append)
    assert set(results) == {"model", "clip"}
    assert queued == [] and not any(isinstance(event, Queued) for event in events)
    await discomfort.run(USE, {"model": results["model"], "seed": 1}, on_event=events.append)
    assert len(queued) == 1 and any(isinstance(event, Queued) for event in events)
