"""Values by reference: closures that load once, on every server, in its own cache mode."""

from __future__ import annotations

import uuid

import pytest
import torch
from custom_nodes.discomfort.errors import MissingInputError, NodeFailed, WorkflowError
from support.prompts import port


def load(name) -> dict:
    """MODEL and CLIP out; `name` is text, or a port's id."""
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


def use(model: str = "model") -> dict:
    return {
        "1": port(model),
        "2": port("seed"),
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": ["2", 0]}},
        "4": port("told", ["3", 0]),
        "5": port("loads", ["3", 1]),
    }


@pytest.fixture
def name() -> str:
    """Of a model that no other test loads."""
    return f"model-{uuid.uuid4().hex}"


async def test_making_references_runs_nothing(discomfort, name):
    events: list = []
    with discomfort.Context() as context:
        results = await discomfort.run(load(name), context=context, on_event=events.append)
        assert context.get_storage_info("model")["pass_by"] == "ref"
    assert set(results) == {"model", "clip"}
    assert [type(e).__name__ for e in events] == ["WorkflowStarted"]  # and never Queued
    assert all(isinstance(stored, dict) for stored in results.values())


async def test_a_loop_loads_once(discomfort, name):
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        for seed in range(5):
            results = await discomfort.run(use(), {"seed": seed}, context=context)
            assert results == {"told": f"{name}[] {seed}", "loads": 1}


async def test_two_models_that_alternate_load_once_each(discomfort, name):
    other = name + "-other"
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        second = load(other)
        second["2"]["inputs"]["unique_id"] = "model2"
        del second["3"]
        await discomfort.run(second, context=context)
        for seed in range(4):
            first = await discomfort.run(use(), {"seed": seed}, context=context)
            then = await discomfort.run(use("model2"), {"seed": seed}, context=context)
            assert (first["loads"], then["loads"]) == (1, 1)


async def test_other_runs_and_a_failed_one_load_nothing_again(discomfort, name, workflows):
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        await discomfort.run(use(), {"seed": 1}, context=context)
        for i in range(5):
            await discomfort.run(workflows / "loop_text.json", {"text": str(i)})
        with pytest.raises(NodeFailed):
            await discomfort.run(workflows / "error_node_raises.json")
        results = await discomfort.run(use(), {"seed": 2}, context=context)
        assert results["loads"] == 1


async def test_a_new_context_and_a_new_run_of_the_loader_load_nothing_again(discomfort, name):
    for seed in range(3):
        results = await discomfort.run([load(name), use()], {"seed": seed})
        assert results["loads"] == 1


async def test_a_reference_is_a_closure(discomfort, name):
    """Saving another name later does not change the model that was stored."""
    by_name = {**load(["9", 0]), "9": port("model_name")}
    with discomfort.Context() as context:
        await discomfort.run(by_name, {"model_name": name}, context=context)
        context.save("model_name", "something else")
        results = await discomfort.run(use(), {"seed": 1}, context=context)
        assert results["told"] == f"{name}[] 1"


async def test_references_nest(discomfort, name):
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        for strength in (0.5, 0.25):
            await discomfort.run(PATCH, {"strength": strength}, context=context)
        results = await discomfort.run(use(), {"seed": 1}, context=context)
        assert results == {"told": f"{name}['0.5', '0.25'] 1", "loads": 1}


async def test_a_large_value_is_frozen_into_a_reference(discomfort, name):
    patch = {**PATCH, "5": port("picture")}
    patch["3"] = {
        "class_type": "StubPatchModel",
        "inputs": {"model": ["1", 0], "strength": ["2", 0], "picture": ["5", 0]},
    }
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        inputs = {"strength": 1.0, "picture": torch.full((1, 64, 64, 3), 0.5)}
        await discomfort.run(patch, inputs, context=context)
        context.save("picture", torch.zeros(1, 64, 64, 3))
        results = await discomfort.run(use(), {"seed": 1}, context=context)
        assert results["told"] == f"{name}['1.0+0.500'] 1"
        assert set(context.list_keys()) >= {"model", "picture"}
        assert not [key for key in context.list_keys() if key.startswith("__")]


async def test_a_reference_that_is_made_again_keeps_its_frozen_value(discomfort, name):
    """The second run stores nothing new; a later picture must not get into the model."""
    patch = {**PATCH, "5": port("picture")}
    patch["3"] = {
        "class_type": "StubPatchModel",
        "inputs": {"model": ["1", 0], "strength": ["2", 0], "picture": ["5", 0]},
    }
    patch["4"] = port("patched", ["3", 0])
    with discomfort.Context() as context:
        inputs = {"strength": 1.0, "picture": torch.full((1, 64, 64, 3), 0.5)}
        await discomfort.run([load(name), patch], inputs, context=context)
        await discomfort.run(patch, context=context)
        context.save("picture", torch.zeros(1, 64, 64, 3))
        results = await discomfort.run(use("patched"), {"seed": 1}, context=context)
        assert results["told"] == f"{name}['1.0+0.500'] 1"


async def test_a_value_that_the_same_run_replaces_is_frozen_as_it_was_read(discomfort, name):
    both = {
        "1": port("model"),
        "2": port("picture"),
        "3": {
            "class_type": "StubPatchModel",
            "inputs": {"model": ["1", 0], "strength": 1.0, "picture": ["2", 0]},
        },
        "4": port("patched", ["3", 0]),
        "5": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "6": port("picture", ["5", 0]),
    }
    with discomfort.Context() as context:
        inputs = {"picture": torch.full((1, 64, 64, 3), 0.25)}
        results = await discomfort.run([load(name), both], inputs, context=context)
        assert float(results["picture"].mean()) == 0.75
        told = await discomfort.run(use("patched"), {"seed": 1}, context=context)
        assert told["told"] == f"{name}['1.0+0.250'] 1"


async def test_two_references_over_one_node_that_replaces_both_are_closed_once(
    discomfort, workflows, server
):
    """add_lora: `model` and `clip` in and out. The stored `clip` has one LoRA, like `model`."""
    if server.is_fake:
        return
    with discomfort.Context() as context:
        made = await discomfort.run(
            [workflows / "load_model.json", workflows / "add_lora.json"], context=context
        )
        for unique_id in ("model", "clip"):
            kinds = [node["type"] for node in made[unique_id]["nodes"]]
            assert kinds.count("LoraLoader") == 1, unique_id
            assert kinds.count("CheckpointLoaderSimple") >= 1


async def test_frozen_values_are_freed_with_their_last_reference(discomfort, name):
    patch = {**PATCH, "5": port("picture"), "6": port("picture_out", ["5", 0])}
    patch["3"] = {
        "class_type": "StubPatchModel",
        "inputs": {"model": ["1", 0], "strength": ["2", 0], "picture": ["5", 0]},
    }
    patch["4"] = port("patched", ["3", 0])
    with discomfort.Context() as context:
        await discomfort.run(load(name), context=context)
        used = []
        for i in range(4):
            inputs = {"strength": 1.0, "picture": torch.full((1, 64, 64, 3), i / 4)}
            await discomfort.run(patch, inputs, context=context)
            used.append(context.get_usage()["ram_usage_bytes"])
        assert max(used[1:]) - min(used[1:]) < 4096
        results = await discomfort.run(use("patched"), {"seed": 1}, context=context)
        assert results["told"] == f"{name}['1.0+0.750'] 1"


async def test_a_result_by_reference_is_an_input_of_the_next_run(discomfort, name):
    made = await discomfort.run(load(name))
    results = await discomfort.run(use(), {"model": made["model"], "seed": 3})
    assert results["told"] == f"{name}[] 3"


async def test_a_reference_that_is_stored_under_another_key_still_works(discomfort, name):
    made = await discomfort.run(load(name))
    results = await discomfort.run(use("hero"), {"hero": made["model"], "seed": 3})
    assert results["told"] == f"{name}[] 3"


async def test_a_missing_reference_says_what_is_missing(discomfort):
    with pytest.raises(MissingInputError, match="'model' of type MODEL"):
        await discomfort.run(use(), {"seed": 1})


async def test_a_reference_with_open_inputs_is_refused(discomfort):
    open_one = {**load(["9", 0]), "9": port("model_name")}
    with pytest.raises(WorkflowError, match="model_name"):
        await discomfort.run(use(), {"model": open_one, "seed": 1})


async def test_workflows_of_the_editor_make_and_use_references(discomfort, workflows, server):
    if server.is_fake:
        return  # the stand-in has no samplers; the tests above cover it
    with discomfort.Context() as context:
        made = await discomfort.run(workflows / "ref_nested_start.json", context=context)
        for strength in (0.5, 0.75):
            made = await discomfort.run(
                workflows / "ref_nested.json", {"strength": strength}, context=context
            )
        stored = made["keyframes"]
        kinds = [n["type"] for n in stored["nodes"]]
        assert kinds.count("CreateHookKeyframe") == 3
        ports = discomfort.Tools.discover_ports(stored)
        assert not ports["inputs"] and list(ports["outputs"]) == ["keyframes"]


async def test_what_is_made_by_reference_is_used_on_a_real_server(discomfort, workflows, server):
    if server.is_fake:
        return
    with discomfort.Context() as context:
        inputs = {"strength": 1.5, "latent": {"samples": torch.rand(1, 4, 8, 8)}}
        results = await discomfort.run(
            [workflows / "ref_operation.json", workflows / "ref_operation_use.json"],
            inputs,
            context=context,
        )
        assert results["changed_latent"]["samples"].shape == (1, 4, 8, 8)
        pictures = torch.rand(3, 16, 16, 3)
        results = await discomfort.run(
            [workflows / "type_video.json", workflows / "type_video_use.json"],
            {"pictures": pictures},
            context=context,
        )
        assert results["frames"].shape == (3, 16, 16, 3)


async def test_a_reference_made_in_a_subgraph_is_used_under_another_key(
    discomfort, workflows, server
):
    """The OUTPUT port of the stored workflow is inside the subgraph, and is renamed there."""
    if server.is_fake:
        return
    rules = {**discomfort.Tools.pass_by_rules, "IMAGE": "ref"}
    referring = type(discomfort)(discomfort.Worker)
    referring.Tools.pass_by_rules = rules
    workflow = workflows / "subgraph_across_edge.json"
    made = await referring.run(workflow)
    ported = await referring.run(workflows / "type_image.json", {"picture": made["picture"]})
    with discomfort.Context() as context:
        context.save("picture", ported["inverted"], pass_by="ref")
        results = await discomfort.run(workflows / "type_image.json", context=context)
        straight = await discomfort.run(workflow)
        assert torch.equal(results["inverted"], straight["picture"])


async def test_a_reference_whose_frozen_value_was_taken_away_says_so(discomfort, name):
    patch = {**PATCH, "5": port("picture")}
    patch["3"] = {
        "class_type": "StubPatchModel",
        "inputs": {"model": ["1", 0], "strength": ["2", 0], "picture": ["5", 0]},
    }
    inputs = {"strength": 1.0, "picture": torch.rand(1, 8, 8, 3)}
    made = await discomfort.run([load(name), patch], inputs)
    del made["model"]["output"]["_meta"]
    with pytest.raises(WorkflowError, match="'model'.*make it again in this context"):
        await discomfort.run(use(), {"model": made["model"], "seed": 1})
