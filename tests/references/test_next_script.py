"""The models that a script has loaded in a warm worker are the next script's, as long as it holds
them in its prompts, and no others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from custom_nodes.discomfort.discomfort import Discomfort
from support.keepers import Script, until_idle
from support.prompts import port
from support.servers import Server

pytestmark = pytest.mark.usefixtures("ends_keepers")


def load(file: str, unique_id: str) -> dict:
    inputs = {"file": f"{file}.safetensors", "precision": "default"}
    return {
        "1": {"class_type": "StubLoadFile", "inputs": inputs},
        "2": port(unique_id, ["1", 0]),
    }


def patch(source: str, unique_id: str, strength: float) -> dict:
    inputs = {"model": ["1", 0], "strength": strength}
    return {
        "1": port(source),
        "3": {"class_type": "StubPatchModel", "inputs": inputs},
        "4": port(unique_id, ["3", 0]),
    }


def use(model: str, seed: int) -> dict:
    return {
        "1": port(model),
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": seed}},
        "5": port("loads", ["3", 1]),
        "6": port("patches", ["3", 2]),
    }


def count(value: int) -> dict:
    inputs = {"name": "next script", "value": value}
    return {"1": {"class_type": "StubCount", "inputs": inputs}, "2": port("n", ["1", 0])}


async def script(folder: Path, server: Server, seed: int, *models: str, frees: bool = False):
    """Runs of other kinds first, then what each model's loader and its patch have run until now.

    Returns:
        The worker, those counts, and how many nodes a plan found cached at the beginning.
    """
    connector = Script(folder, server.path)
    await connector.start()
    pid, discomfort, seen = connector.worker_pid, Discomfort(connector), []
    planned = await discomfort.plan([load("base", "m"), use("m", 77)])
    with discomfort.Context() as context:
        for value in range(3):
            await discomfort.run(count(value), context=context)
        if frees:
            await discomfort.free()
        for model in models:
            steps = [load(model, "m"), patch("m", "patched", 0.5), use("patched", seed)]
            results = await discomfort.run(steps, context=context)
            seen.append((results["loads"], results["patches"]))
    discomfort._engine.contexts.close()
    await connector.let_go()
    until_idle(pid)
    return pid, seen, len(planned.workflows[1].cached)


async def test_a_loader_runs_once_for_many_scripts_and_what_is_built_on_it_for_each(
    tmp_path: Path, server: Server
):
    first, seen, cached = await script(tmp_path, server, 1, "base", "other")
    assert seen == [(1, 1), (1, 1)] and cached == 0
    for number in (2, 3):
        pid, seen, cached = await script(tmp_path, server, number, "other", "base")
        assert pid == first and seen == [(1, number), (1, number)] and cached == 1
    assert (await script(tmp_path, server, 4))[1] == []  # it needs none, and keeps them
    assert (await script(tmp_path, server, 5, "base"))[1] == [(1, 4)]
    assert (await script(tmp_path, server, 6, "base", frees=True))[1] == [(2, 5)]
    assert (await script(tmp_path, server, 7, "other"))[1] == [(2, 4)]
