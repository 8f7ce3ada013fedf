"""Large values frozen into references: kept once, freed with the last, carried to other contexts
and files.
"""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import uuid

import numpy
import pytest
import torch
from custom_nodes.discomfort.errors import CorruptValueError, UntrustedValueError
from support.prompts import port, use_model


def patched(name: str, unique_id: str = "model", first_id: int = 1) -> dict:
    """A model changed by a picture; its ids count from `first_id`."""
    load, picture, patch, out = (str(first_id + i) for i in range(4))
    return {
        load: {"class_type": "StubLoadModel", "inputs": {"name": name}},
        picture: port("picture"),
        patch: {
            "class_type": "StubPatchModel",
            "inputs": {"model": [load, 0], "strength": 1.0, "picture": [picture, 0]},
        },
        out: port(unique_id, [patch, 0]),
    }


USE = use_model()


def with_meta(prompt: dict, meta: dict) -> dict:
    return {node_id: {**node, "_meta": meta} for node_id, node in prompt.items()}


def without_ports(prompt: dict) -> dict:
    return {k: node for k, node in prompt.items() if node["class_type"] != "DiscomfortPort"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda w: with_meta(w, {}), "is missing in the file"),
        (lambda w: with_meta(w, {"discomfort": {"values": []}}), "is missing in the file"),
        (without_ports, "one OUTPUT port"),
        (lambda w: {"nodes": [], "links": []}, "one OUTPUT port"),
        (lambda w: USE, "one OUTPUT port"),
        (lambda w: patched("a"), "'picture'.* no value"),
        (lambda w: [1, 2], "neither a workflow"),
    ],
)
async def test_a_file_that_is_no_whole_reference_is_refused_at_once(
    discomfort, name, tmp_path, spoil, reason
):
    path = tmp_path / "not yet there" / "model.json"
    with discomfort.Context() as context:
        await discomfort.run(patched(name), {"picture": picture()}, context=context)
        context.export_reference("model", path)
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with discomfort.Context() as context:
        with pytest.raises(CorruptValueError, match=reason) as caught:
            context.import_reference(path, "model")
        assert "model.json" in str(caught.value) and not context.list_keys()


def test_a_file_that_is_nested_too_deeply_is_refused(discomfort, tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with discomfort.Context() as context:
        with pytest.raises(CorruptValueError, match="nested too deeply"):
            context.import_reference(path, "it")
        with pytest.raises(IsADirectoryError):
            context.save("n", {"1": USE["1"]}, pass_by="ref")
            context.export_reference("n", tmp_path)


@pytest.fixture
def name() -> str:
    """Of a model that no other test loads."""
    return f"model-{uuid.uuid4().hex}"


def picture(level: float = 0.5) -> torch.Tensor:
    return torch.full((1, 256, 256, 3), level)


PICTURE_BYTES = 256 * 256 * 3 * 4


def told(name: str, level: float = 0.5, seed: int = 1) -> dict:
    return {"told": f"{name}['1.0+{level:.3f}'] {seed}", "loads": 1, "patches": 1}


async def test_a_loaded_reference_works_in_another_context(discomfort, name):
    """And ComfyUI, which has made the model in the first, serves it from its cache."""
    with discomfort.Context() as first:
        await discomfort.run(patched(name), {"picture": picture()}, context=first)
        assert await discomfort.run(USE, {"seed": 1}, context=first) == told(name)
        workflow = first.load("model")
    with discomfort.Context() as second, discomfort.Context() as third:
        second.save("hero", workflow, pass_by="ref")
        third.save("model", second.load("hero"), pass_by="ref")
        assert await discomfort.run(USE, {"seed": 2}, context=third) == told(name, seed=2)
        newest = discomfort._engine.references.pinned()[-1]
        assert third.get_storage_info("model")["recipe"] == newest.id


async def test_a_result_by_reference_is_an_input_though_its_context_is_gone(discomfort, name):
    made = await discomfort.run(patched(name), {"picture": picture()})
    made = json.loads(json.dumps(made))
    for seed in (1, 2):
        results = await discomfort.run(USE, {"model": made["model"], "seed": seed})
        assert results == told(name, seed=seed)


async def test_an_exported_reference_is_imported_and_runs_as_a_file(discomfort, name, tmp_path):
    path = tmp_path / "model.json"
    with discomfort.Context() as context:
        await discomfort.run(patched(name), {"picture": picture()}, context=context)
        context.export_reference("model", path)
        with pytest.raises(FileExistsError):
            context.export_reference("model", path)
        context.export_reference("model", path, overwrite=True)
        with pytest.raises(TypeError, match="export_reference"):
            context.export_data("model", tmp_path / "model.pkl")
        context.save("number", 1)
        with pytest.raises(TypeError, match="export_data"):
            context.export_reference("number", path)
    with discomfort.Context() as context:
        context.import_reference(path, "model")
        assert await discomfort.run(USE, {"seed": 1}, context=context) == told(name)
    assert await discomfort.run([path, USE], {"seed": 2}) == {
        **told(name, seed=2),
        "model": json.loads(path.read_text()),
    }
    with discomfort.Context() as context:
        await discomfort.run(path, context=context)
        assert context.get_usage()["stored_keys_count"] == 2  # the reference and its picture
        assert await discomfort.run(USE, {"seed": 3}, context=context) == told(name, seed=3)


async def test_equal_values_are_kept_once_and_freed_with_the_last_reference(discomfort, name):
    with discomfort.Context() as context:
        recipes = set()
        for i, unique_id in enumerate(("model", "other")):
            workflow = patched(name, unique_id, first_id=1 + 40 * i)
            await discomfort.run(workflow, {"picture": picture()}, context=context)
            recipes.add(context.get_storage_info(unique_id)["recipe"])
        assert len(recipes) == 1, "equal recipes of files that differ"
        context.save("picture", 0)
        used = context.get_usage()["ram_usage_bytes"]
        assert PICTURE_BYTES < used < 2 * PICTURE_BYTES
        context.internal.delete_key("other")
        assert await discomfort.run(USE, {"seed": 1}, context=context) == told(name)
        assert context.get_usage()["ram_usage_bytes"] > PICTURE_BYTES
        context.save("model", "no reference any more")
        assert context.get_usage()["ram_usage_bytes"] < PICTURE_BYTES


async def test_a_reference_over_a_reference_takes_all_its_values_along(discomfort, name):
    again = {
        "1": port("model"),
        "2": port("second"),
        "3": {
            "class_type": "StubPatchModel",
            "inputs": {"model": ["1", 0], "strength": 0.5, "picture": ["2", 0]},
        },
        "4": port("model", ["3", 0]),
    }
    inputs = {"picture": picture(0.25), "second": picture(0.75)}
    made = await discomfort.run([patched(name), again], inputs)
    results = await discomfort.run(USE, {"model": made["model"], "seed": 1})
    assert results["told"] == f"{name}['1.0+0.250', '0.5+0.750'] 1"


async def test_runs_at_the_same_time_lose_no_frozen_value(discomfort, name):
    """One context, references over many pictures, each replaced again and again."""

    async def assert_used_as_made(number: int, context) -> None:
        for level in (0.25, 0.5, 0.75):
            workflow = patched(name, f"model{number}")
            workflow["2"] = port(f"picture{number}")
            inputs = {f"picture{number}": picture(level)}
            await discomfort.run(workflow, inputs, context=context)
            using = {**USE, "1": port(f"model{number}"), "4": port(f"told{number}", ["3", 0])}
            del using["5"], using["6"]
            using["2"] = port(f"seed{number}")
            results = await discomfort.run(using, {f"seed{number}": number}, context=context)
            assert results == {f"told{number}": f"{name}['1.0+{level:.3f}'] {number}"}

    with discomfort.Context() as context:
        await asyncio.gather(*(assert_used_as_made(i, context) for i in range(4)))


class Evil:
    """What would run code when it is unpickled."""

    def __reduce__(self):
        return print, ("this must not be printed",)


class EvilPicture(Evil, numpy.ndarray):
    """The same in the shape of a picture."""


async def test_a_frozen_value_that_needs_code_stays_in_its_context(discomfort, name, capsys):
    evil = numpy.zeros((2, 2, 3), numpy.float32).view(EvilPicture)
    with discomfort.Context() as context:
        workflow = patched(name)
        await discomfort.run(workflow, {"picture": [evil, picture()]}, context=context)
        stored = context.load("model")
    capsys.readouterr()
    with discomfort.Context() as context:
        with pytest.raises(UntrustedValueError, match="needs code"):
            context.save("model", stored, pass_by="ref")
        assert not context.get_usage()["stored_keys_count"]
    assert not capsys.readouterr().out


@pytest.mark.parametrize("damage", ["flip", "cut", "text", "pickle"])
async def test_a_damaged_frozen_value_is_refused(discomfort, name, damage):
    made = await discomfort.run(patched(name), {"picture": picture()})
    values = made["model"]["output"]["_meta"]["discomfort"]["values"]
    ((content, text),) = values.items()
    data = bytearray(base64.b64decode(text))
    if damage == "flip":
        data[-1] ^= 1
    elif damage == "cut":
        del data[-100:]
    elif damage == "pickle":
        data = bytearray(pickle.dumps(Evil()))
    values[content] = "no base64 !" if damage == "text" else base64.b64encode(data).decode()
    with discomfort.Context() as context:
        with pytest.raises(CorruptValueError, match="frozen value"):
            context.save("model", made["model"], pass_by="ref")
        assert not context.get_usage()["stored_keys_count"]


@pytest.mark.parametrize(
    "workflow",
    [
        "bypassed_source",
        "reroute",
        "subgraph_nested",
        "subgraph_ports_inside",
        "subgraph_promoted",
        "subgraph_reroute_inside",
        "subgraph_two_instances",
    ],
)
async def test_a_reference_of_the_editors_workflow_travels_with_its_picture(
    discomfort, workflows, server, workflow, tmp_path
):
    if server.is_fake:
        return  # it has none of these nodes; the prompts above cover it
    referring = type(discomfort)(discomfort.Worker)
    referring.Tools.pass_by_rules = {**discomfort.Tools.pass_by_rules, "IMAGE": "ref", "ANY": "ref"}
    inputs = {"picture": torch.rand(1, 64, 64, 3), "radius": 3, "amount": 0.25, "sigma": 1.5}
    path = workflows / f"{workflow}.json"
    known = discomfort.Tools.discover_ports(path)["inputs"]
    inputs = {k: v for k, v in inputs.items() if k in known}
    expected = await discomfort.run(path, inputs)
    with discomfort.Context() as context:
        for unique_id, value in inputs.items():
            context.save(unique_id, value)
        made = await referring.run(path, context=context)
        assert set(made) == set(expected)
        for unique_id in made:
            context.export_reference(unique_id, tmp_path / f"{unique_id}.json")
    for unique_id, value in expected.items():
        file = tmp_path / f"{unique_id}.json"
        assert not discomfort.Tools.discover_ports(file)["inputs"]
        with discomfort.Context() as context:
            context.import_reference(file, "it")
            copy = {"1": port("it"), "2": port("copy", ["1", 0])}
            results = await discomfort.run(copy, context=context)
            assert torch.equal(results["copy"], value)
        results = await discomfort.run(file)
        assert torch.equal(results[unique_id], value)
