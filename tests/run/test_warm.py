"""What is loaded once stays loaded, in every cache mode, as long as there is room for it."""

from __future__ import annotations

import itertools
import json
import sys
import uuid

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed, ValidationFailed
from support.prompts import port
from support.servers import plain_server


def load(name: str, unique_id: str, kind: str = "StubLoadModel", **inputs) -> dict:
    return {
        "1": {"class_type": kind, "inputs": {"name": name, **inputs}},
        "2": port(unique_id, ["1", 0]),
    }


def patch(source: str, unique_id: str, strength: float) -> dict:
    return {
        "1": port(source),
        "3": {"class_type": "StubPatchModel", "inputs": {"model": ["1", 0], "strength": strength}},
        "4": port(unique_id, ["3", 0]),
    }


def use(model: str, seed: int = 0) -> dict:
    return {
        "1": port(model),
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": seed}},
        "5": port("loads", ["3", 1]),
    }


def stub(kind: str, **inputs) -> dict:
    return {"1": {"class_type": kind, "inputs": inputs}, "2": port("number", ["1", 0])}


seeds = itertools.count()


async def uses(discomfort, context, *models: str) -> list[int]:
    """How often the loader of each had run when it was used, one run each."""
    runs = [await discomfort.run(use(model, next(seeds)), context=context) for model in models]
    return [results["loads"] for results in runs]


async def assert_all_is_loaded_once(discomfort: Discomfort) -> None:
    """A loop, alternation, other runs, many references, a failed and a refused run in between."""
    a, b = (f"{name}-{uuid.uuid4().hex}" for name in "ab")
    with discomfort.Context() as context:
        await discomfort.run([load(a, "a"), load(b, "b")], context=context)
        assert await uses(discomfort, context, "a", "a", "a") == [1] * 3
        assert await uses(discomfort, context, *"bababa") == [1] * 6
        for i in range(10):
            await discomfort.run(stub("StubCount", name=a, value=i))
        assert await uses(discomfort, context, "a", "b") == [1, 1]
        for i in range(30):  # more references than are kept, over one of the two models
            await discomfort.run(
                [patch("a", "patched", i / 100), use("patched", i)], context=context
            )
        assert await uses(discomfort, context, "b", "a") == [1, 1]
        with pytest.raises(NodeFailed):
            await discomfort.run(stub("StubRaise", message="on purpose"))
        assert await uses(discomfort, context, "a", "b") == [1, 1]
        with pytest.raises(ValidationFailed):
            await discomfort.run(stub("StubCount", name=a, value="no number"))
        assert await uses(discomfort, context, "b", "a") == [1, 1]


async def test_in_our_cache_mode_all_is_loaded_once(discomfort):
    await assert_all_is_loaded_once(discomfort)


async def test_in_comfyuis_own_cache_mode_all_is_loaded_once(server, tmp_path, leaves_nothing):
    if server.is_fake:
        return  # it has one mode
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        discomfort = await Discomfort.create(url=address)
        try:
            await assert_all_is_loaded_once(discomfort)
        finally:
            await discomfort.shutdown()


async def test_free_lets_go_of_one_or_of_all(discomfort):
    a, b = (f"{name}-{uuid.uuid4().hex}" for name in "ab")
    with discomfort.Context() as context:
        await discomfort.run([load(a, "a"), load(b, "b")], context=context)
        assert await uses(discomfort, context, "a", "b") == [1, 1]
        await discomfort.free("a")
        assert await uses(discomfort, context, "b", "a", "b") == [1, 2, 1]
        await discomfort.free()
        assert await uses(discomfort, context, "a", "b", "a", "b") == [3, 2, 3, 2]
        await discomfort.free("nobody made this")
        assert await uses(discomfort, context, "a", "b") == [3, 2]


async def test_free_of_what_is_not_kept_is_told(discomfort, caplog):
    await discomfort.free("no such model")
    assert "Nothing is kept for 'no such model'" in caplog.text
    with pytest.raises(TypeError, match="5"):
        await discomfort.free(5)


async def test_freed_memory_goes_back_to_the_machine(discomfort, server):
    import psutil

    worker = psutil.Process(discomfort.Worker.pid)
    with discomfort.Context() as context:
        large = load(uuid.uuid4().hex, "large", "StubLoadLargeModel", size_mb=400)
        await discomfort.run([large, use("large")], context=context)
        before = worker.memory_info().vms
        await discomfort.free("large")
        assert before - worker.memory_info().vms > 300 << 20


@pytest.fixture
async def limited(leaves_nothing, make_connector, server, tmp_path):
    """A worker that may take 500 MB more than it has, with two models of 300 MB."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in "ab":
        with (folder / f"{name}.safetensors").open("wb") as file:
            file.truncate(300 << 20)
    paths = tmp_path / "paths.yaml"
    paths.write_text(json.dumps({"test": {"base_path": str(tmp_path), "checkpoints": "models"}}))
    arguments = [] if server.is_fake else ["--extra-model-paths-config", str(paths)]
    connector: ComfyConnector = await make_connector(server.path, extra_args=arguments)
    discomfort = Discomfort(connector)
    await discomfort.run(stub("StubLimitMemory", spare_mb=500))
    yield discomfort
    discomfort._engine.contexts.close()


on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux limits another process's memory"
)


@on_linux
@pytest.mark.one_version
async def test_models_that_do_not_fit_together_take_turns(limited, server):
    if server.is_fake:
        return  # it reads no folders of models
    with limited.Context() as context:
        for name in "ab":
            file = f"{name}.safetensors"
            workflow = load(file, name, "StubLoadLargeModel", size_mb=300)
            await limited.run(workflow, context=context)
        assert await uses(limited, context, *"aababb") == [1, 1, 1, 2, 2, 2]


@on_linux
@pytest.mark.one_version
async def test_a_model_of_unknown_size_gets_the_room_of_another(limited):
    """The loader fails, and runs again with nothing else in the worker."""
    a, b = (f"{name}-{uuid.uuid4().hex}" for name in "ab")
    with limited.Context() as context:
        for unique_id, name in (("a", a), ("b", b)):
            workflow = load(name, unique_id, "StubLoadLargeModel", size_mb=300)
            await limited.run(workflow, context=context)
        assert await uses(limited, context, *"abba") == [1, 2, 2, 3]
        too_large = load(a + "x", "x", "StubLoadLargeModel", size_mb=900)
        with pytest.raises(NodeFailed, match="(?i)memory"):
            await limited.run([too_large, use("x")], context=context)
        results = await limited.run(stub("StubCount", name=a, value=7), context=context)
        assert results["number"] == 7
