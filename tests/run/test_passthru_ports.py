"""Ports in the middle of a wire: they forward, and nothing is stored for them.

On every server, with large values that are frozen into references, and with references.
"""

from __future__ import annotations

import uuid

import pytest
import torch
from support.flow import Flow
from support.prompts import port, use_model


def picture(level: float = 0.5) -> torch.Tensor:
    return torch.full((1, 256, 256, 3), level)


PICTURE_BYTES = 256 * 256 * 3 * 4


@pytest.fixture
def name() -> str:
    """Of a model that no other test loads."""
    return f"model-{uuid.uuid4().hex}"


def straight(name: str) -> dict:
    """A model changed by a picture, without ports on the way."""
    return {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": name}},
        "2": port("picture"),
        "4": {
            "class_type": "StubPatchModel",
            "inputs": {"model": ["1", 0], "strength": 1.0, "picture": ["2", 0]},
        },
        "7": port("model", ["4", 0]),
    }


def prompt(name: str) -> dict:
    """The same, with a port on each of the three wires, two on the first."""
    made = straight(name)
    made["3"] = port("seen", ["2", 0])
    made["33"] = port("seen again", ["3", 0])
    made["5"] = port("base", ["1", 0])
    made["6"] = port("ready", ["4", 0])
    made["4"]["inputs"] |= {"model": ["5", 0], "picture": ["33", 0]}
    made["7"] = port("model", ["6", 0])
    return made


def workflow(name: str) -> dict:
    """`prompt` as the editor saves it."""
    flow = Flow()
    base = flow.port("base", flow.node("StubLoadModel", outputs=2, widgets=[name]))
    seen = flow.port("seen again", flow.port("seen", flow.port("picture")))
    patched = flow.node("StubPatchModel", base, seen, widgets=[1.0], names=("model", "picture"))
    flow.port("model", flow.port("ready", patched))
    return flow.json()


def use(on_the_way: bool = False) -> dict:
    made = use_model()
    if on_the_way:
        made["11"] = port("seen", ["1", 0])
        made["12"] = port("model", ["11", 0])
        made["3"]["inputs"]["model"] = ["12", 0]
    return made


def told(name: str, level: float = 0.5, seed: int = 1) -> dict:
    return {"told": f"{name}['1.0+{level:.3f}'] {seed}", "loads": 1, "patches": 1}


@pytest.mark.parametrize("form", [prompt, workflow])
async def test_a_large_value_is_frozen_in_behind_ports_on_its_way(discomfort, name, form):
    with discomfort.Context() as context:
        context.save("seen", "mine")
        made = await discomfort.run(form(name), {"picture": picture()}, context=context)
        assert set(made) == {"model"}
        assert sorted(context.list_keys()) == ["model", "picture", "seen"]
        assert context.load("seen") == "mine"
        context.save("picture", picture(0.25))
        assert await discomfort.run(use(), {"seed": 1}, context=context) == told(name)
        assert context.get_usage()["ram_usage_bytes"] > 2 * PICTURE_BYTES
        context.save("model", "no reference any more")
        assert context.get_usage()["ram_usage_bytes"] < 2 * PICTURE_BYTES


@pytest.mark.parametrize("form", [prompt, workflow])
async def test_ports_on_the_way_are_no_part_of_what_is_made(discomfort, name, form):
    """ComfyUI has the model of the one from the other."""
    recipes = set()
    for seed, made in enumerate([straight(name), form(name)]):
        with discomfort.Context() as context:
            await discomfort.run(made, {"picture": picture()}, context=context)
            recipes.add(context.get_storage_info("model")["recipe"])
            results = await discomfort.run(use(), {"seed": seed}, context=context)
            assert results == told(name, seed=seed)
    assert len(recipes) == 1


@pytest.mark.parametrize("form", [prompt, workflow])
async def test_such_a_reference_travels(discomfort, name, form, tmp_path):
    """With its picture, to another context, as an input, and as a file that runs."""
    path = tmp_path / "model.json"
    with discomfort.Context() as context:
        made = await discomfort.run(form(name), {"picture": picture()}, context=context)
        context.export_reference("model", path)
    assert await discomfort.run(use(), {"model": made["model"], "seed": 1}) == told(name)
    with discomfort.Context() as context:
        context.import_reference(path, "model")
        assert await discomfort.run(use(), {"seed": 2}, context=context) == told(name, seed=2)
    results = await discomfort.run([path, use()], {"seed": 3})
    assert {k: results[k] for k in told(name)} == told(name, seed=3)


@pytest.mark.parametrize("form", [straight, prompt, workflow])
async def test_a_reference_goes_through_ports_where_it_is_used(discomfort, name, form):
    """One of them has the name of the reference itself."""
    with discomfort.Context() as context:
        await discomfort.run(form(name), {"picture": picture()}, context=context)
        before = context.get_storage_info("model")["recipe"]
        results = await discomfort.run(use(on_the_way=True), {"seed": 1}, context=context)
        assert results == told(name)
        assert context.get_storage_info("model")["recipe"] == before
        assert "seen" not in context.list_keys()


async def test_a_reference_and_a_large_value_that_only_pass_are_handed_on(discomfort, name):
    """INPUT, PASSTHRU, OUTPUT, and no node between: a reference stays one."""
    hand_on = {
        "1": port("picture"),
        "2": port("seen", ["1", 0]),
        "3": port("same", ["2", 0]),
        "4": port("model"),
        "5": port("met", ["4", 0]),
        "6": port("base", ["5", 0]),
        "7": {"class_type": "StubPatchModel", "inputs": {"model": ["5", 0], "strength": 0.5}},
        "8": port("other", ["7", 0]),
    }
    with discomfort.Context() as context:
        inputs = {"picture": picture(0.25)}
        await discomfort.run(prompt(name), inputs, context=context)
        made = await discomfort.run(hand_on, context=context)
        assert set(made) == {"same", "base", "other"}
        assert torch.equal(made["same"], picture(0.25))
        recipes = {uid: context.get_storage_info(uid) for uid in ("model", "base", "other")}
        assert {info["pass_by"] for info in recipes.values()} == {"ref"}
        assert recipes["base"]["recipe"] == recipes["model"]["recipe"]
        context.save("picture", 0)
        for seed, unique_id in enumerate(("base", "other")):
            context.save("model", context.load(unique_id), pass_by="ref")
            results = await discomfort.run(use(), {"seed": seed}, context=context)
            parts = ["1.0+0.250", "0.5"][: seed + 1]
            assert results["told"] == f"{name}{parts} {seed}" and results["loads"] == 1


async def test_references_nest_through_ports_on_the_way(discomfort, name):
    """Each turn freezes a picture in, and the model goes round through a PASSTHRU."""
    patch = {
        "1": port("model"),
        "2": port("picture"),
        "3": port("old", ["1", 0]),
        "4": port("seen", ["2", 0]),
        "5": {
            "class_type": "StubPatchModel",
            "inputs": {"model": ["3", 0], "strength": 0.5, "picture": ["4", 0]},
        },
        "6": port("new", ["5", 0]),
        "7": port("model", ["6", 0]),
    }
    with discomfort.Context() as context:
        await discomfort.run(prompt(name), {"picture": picture(0.0)}, context=context)
        for level in (0.25, 0.5, 0.75):
            await discomfort.run(patch, {"picture": picture(level)}, context=context)
        context.save("picture", 0)
        used = context.get_usage()["ram_usage_bytes"]
        assert 4 * PICTURE_BYTES < used < 5 * PICTURE_BYTES
        results = await discomfort.run(use(on_the_way=True), {"seed": 1}, context=context)
        parts = ["1.0+0.000", "0.5+0.250", "0.5+0.500", "0.5+0.750"]
        assert results["told"] == f"{name}{parts} 1" and results["loads"] == 1
        stored = context.load("model")
    results = await discomfort.run(use(), {"model": stored, "seed": 2})
    assert results["told"] == f"{name}{parts} 2"


def by_strength(name: str, form: str) -> dict:
    """A number goes through a PASSTHRU into a model, and from there to an OUTPUT as well."""
    if form == "prompt":
        return {
            "1": {"class_type": "StubLoadModel", "inputs": {"name": name}},
            "2": port("strength"),
            "3": port("seen", ["2", 0]),
            "4": {
                "class_type": "StubPatchModel",
                "inputs": {"model": ["1", 0], "strength": ["3", 0]},
            },
            "5": port("model", ["4", 0]),
            "6": port("again", ["3", 0]),
        }
    flow = Flow()
    seen = flow.port("seen", flow.port("strength"))
    load = flow.node("StubLoadModel", outputs=2, widgets=[name])
    patched = flow.node("StubPatchModel", load, seen, widgets=[1.0], names=("model", "strength"))
    flow.port("model", patched)
    flow.port("again", seen)
    return flow.json()


@pytest.mark.parametrize("form", ["prompt", "workflow"])
async def test_a_number_is_frozen_in_behind_a_port_that_forks(discomfort, name, form):
    with discomfort.Context() as context:
        inputs = {"strength": 0.25}
        made = await discomfort.run(by_strength(name, form), inputs, context=context)
        assert made["again"] == 0.25
        context.save("strength", 0.75)
        results = await discomfort.run(use(on_the_way=True), {"seed": 1}, context=context)
        assert results["told"] == f"{name}['0.25'] 1"
        made = await discomfort.run(by_strength(name, form), context=context)
        assert made["again"] == 0.75
        results = await discomfort.run(use(), {"seed": 2}, context=context)
        assert results["told"] == f"{name}['0.75'] 2" and results["loads"] == 1
