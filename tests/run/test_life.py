"""The facade's life: create, join, shut down, and workers that die at bad moments."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import shutil
import signal
import sys

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ExecutionError, WorkerDied, WorkerStartError
from custom_nodes.discomfort.events import Queued
from custom_nodes.discomfort.workflow_tools import DiscomfortWorkflowTools
from support.prompts import port
from support.servers import (
    FAKE,
    NODE_PACKS,
    STUB_NODES,
    children,
    plain_server,
    wait_for,
    write_config,
)

pytestmark = [pytest.mark.usefixtures("leaves_nothing"), pytest.mark.one_version]


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path, FAKE)


async def assert_echoes(discomfort: Discomfort, workflows, value: int, **options) -> None:
    results = await discomfort.run(workflows / "type_int.json", {"number": value}, **options)
    assert results == {"same_number": value}


async def kill_worker(discomfort: Discomfort) -> None:
    assert discomfort.Worker.pid is not None
    os.kill(discomfort.Worker.pid, signal.SIGKILL)
    await wait_for(lambda: discomfort.Worker.state != "ready", "the worker's death is known")


async def test_two_share_a_worker_until_the_last_is_shut_down(config, workflows):
    first = await Discomfort.create(config)
    second = await Discomfort.create(config)
    assert first.Worker is second.Worker
    await first.shutdown()
    await first.shutdown()
    await assert_echoes(second, workflows, 1)
    with pytest.raises(ExecutionError, match=r"shut down.*Discomfort.create\(\)"):
        await assert_echoes(first, workflows, 1)
    with pytest.raises(ExecutionError, match="shut down"):
        await first.__aenter__()
    pid = second.Worker.pid
    assert pid is not None
    await second.shutdown()
    assert not psutil.pid_exists(pid)


async def test_an_exception_in_the_block_ends_the_worker(config, workflows):
    with pytest.raises(KeyError):
        async with await Discomfort.create(config) as discomfort:
            await assert_echoes(discomfort, workflows, 1)
            raise KeyError("a bug of the script")


def test_several_event_loops_use_one_worker(config, workflows):
    async def create():
        return await Discomfort.create(config)

    discomfort = asyncio.run(create())
    for value in range(3):
        asyncio.run(assert_echoes(discomfort, workflows, value))
    asyncio.run(discomfort.shutdown())


async def test_a_dead_worker_is_replaced_and_the_context_has_its_values(config, workflows, recwarn):
    async with await Discomfort.create(config) as discomfort:
        with discomfort.Context() as context:
            context.save("number", 3)
            for value in (1, 2):
                await kill_worker(discomfort)
                await assert_echoes(discomfort, workflows, value, context=context)
            assert context.load("same_number") == 2
    gc.collect()
    assert not [w for w in recwarn if issubclass(w.category, ResourceWarning)]


async def test_a_worker_that_dies_before_its_first_run_is_replaced(config, workflows):
    """Killed while /object_info is read; a run that it had begun may say that it died."""
    async with await Discomfort.create(config) as discomfort:
        runs = [asyncio.ensure_future(assert_echoes(discomfort, workflows, i)) for i in range(4)]
        await asyncio.sleep(0)
        assert discomfort.Worker.pid is not None
        os.kill(discomfort.Worker.pid, signal.SIGKILL)
        found = await asyncio.gather(*runs, return_exceptions=True)
        assert {type(f) for f in found} <= {type(None), WorkerDied}
        await assert_echoes(discomfort, workflows, 9)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("how", ["signal", "exit"])
async def test_retries_cover_a_worker_that_is_killed_while_it_restarts(
    make_connector, tmp_path, workflows, how
):
    node = shutil.copytree(NODE_PACKS / "dies_at_some_starts", tmp_path / "dies_at_some_starts")
    (node / "how").write_text(how, encoding="utf-8")
    connector = await make_connector(extra_custom_nodes=[STUB_NODES, node])
    discomfort = Discomfort(connector)

    def kill_once(event):
        if isinstance(event, Queued) and (node / "starts").stat().st_size == 1:
            os.kill(connector.pid, signal.SIGKILL)

    running = assert_echoes(discomfort, workflows, 5, retries=3, on_event=kill_once)
    if how == "signal":
        await running
        assert (node / "starts").stat().st_size == 4
    else:
        with pytest.raises(WorkerStartError, match="log complains"):
            await running
        assert (node / "starts").stat().st_size == 2
    discomfort._engine.contexts.close()


async def test_memory_of_a_large_value_goes_with_its_run(config, workflows):
    import torch

    async with await Discomfort.create(config) as discomfort:
        await discomfort.run(
            workflows / "type_image.json", {"picture": torch.zeros(1, 4096, 4096, 3)}
        )
        gc.collect()
        spare = discomfort._engine.contexts._spare
        assert [c.get_usage()["ram_usage_bytes"] for c in spare] == [0]
        assert all(c.internal.store.blocks.kept_bytes <= 128 << 20 for c in spare)


@pytest.mark.skipif(sys.platform == "win32", reason="counts the open files of a process of Unix")
async def test_many_runs_at_once_leave_few_files_open(config):
    prompt = {
        "1": port("text"),
        "2": {"class_type": "StringLength", "inputs": {"string": ["1", 0]}},
        "3": port("length", ["2", 0]),
    }
    async with await Discomfort.create(config) as discomfort:
        await discomfort.run(prompt, {"text": "a"})
        before = psutil.Process().num_fds()
        runs = [discomfort.run(prompt, {"text": "a" * i}) for i in range(100)]
        assert [r["length"] for r in await asyncio.gather(*runs)] == list(range(100))
        assert psutil.Process().num_fds() - before < 100


async def test_run_sequential_of_an_attached_instance_runs_there(server, workflows, tmp_path):
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        async with await Discomfort.create(url=address) as discomfort:
            before = children()
            results = await discomfort.Tools.run_sequential(
                [workflows / "type_int.json"], {"number": 7}
            )
            assert results == {"same_number": 7} and children() == before


async def test_run_sequential_leaves_the_values_of_its_last_run_as_files(
    server, workflows, tmp_path, monkeypatch
):
    monkeypatch.setenv("COMFYUI_PATH", str(server.path))
    tools, paths = DiscomfortWorkflowTools(), [workflows / "loop_text.json"]
    if not server.is_fake:  # which has no samplers
        paths.append(workflows / "ref_sampler.json")  # a reference has no value to leave
    try:
        for text in ("a", "b"):
            results = await tools.run_sequential(
                paths, {"text": text}, iterations=2, persist_prefix=f"{tmp_path}/kept_"
            )
            assert results["text"] == f"{text}.."
        kept = {path.name: pickle.loads(path.read_bytes()) for path in tmp_path.glob("kept_*")}
        values = {uid: value for uid, value in results.items() if uid in ("text", "length")}
        assert kept == {f"kept_{uid}.pkl": value for uid, value in values.items()}
    finally:
        await (await ComfyConnector.create()).kill_api()
