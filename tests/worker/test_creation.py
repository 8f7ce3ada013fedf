"""How a process gets its worker: shared, several, started and ended at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ConfigError, WorkerStartError
from custom_nodes.discomfort.worker.launch import process
from support.servers import FAKE, Make, assert_works, wait_for, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SLOW = ["--misbehave", "slow-start=20"]


def starting(fault: str = SLOW[1]) -> list[process.WorkerProcess]:
    """The workers that misbehave so; other tests' workers may live, too."""
    return [w for w in process._living if w.pid and fault in w.launch.extra_args]


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """The configuration of a worker that takes long to start."""
    return write_config(tmp_path, FAKE, EXTRA_ARGS=SLOW)


async def test_two_creates_at_once_share_a_worker_until_both_are_done(tmp_path: Path):
    config = write_config(tmp_path, FAKE)
    first, second = await asyncio.gather(Discomfort.create(config), Discomfort.create(config))
    assert first.Worker is second.Worker
    await first.shutdown()
    await assert_works(second.Worker)
    await second.shutdown()
    assert second.Worker.state == "killed"


async def test_create_after_a_kill_starts_another(make_connector: Make):
    first = await make_connector()
    pid = first.pid
    killing = asyncio.ensure_future(first.kill_api())
    await wait_for(lambda: first.state == "killed", "the kill to begin")
    second = await make_connector()
    await killing
    assert second is not first and second.pid != pid
    with pytest.raises(WorkerStartError, match=r"killed.*create\(\)"):
        await assert_works(first)
    await assert_works(second)


async def test_cancelled_create_that_no_one_joined_ends_its_start(slow: Path):
    creating = asyncio.ensure_future(ComfyConnector.create(slow))
    await wait_for(starting, "the process")
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    assert not starting(), "the worker lingers"


async def test_cancelled_create_leaves_the_start_to_those_who_joined(tmp_path: Path):
    arguments = ["--misbehave", "slow-start=0.5"]
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=arguments)
    first = asyncio.ensure_future(ComfyConnector.create(config))
    second = asyncio.ensure_future(ComfyConnector.create(config))
    await wait_for(lambda: starting(arguments[1]), "the process")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    connector = await second
    await assert_works(connector)
    await connector.release()
    assert connector.state == "killed"


async def test_stop_while_it_starts_fails_all_who_wait(slow: Path, tmp_path: Path):
    waiting = [asyncio.ensure_future(Discomfort.create(slow)) for _ in range(3)]
    await wait_for(starting, "the process")
    (connector,) = [
        c for c in ComfyConnector._shared._objects.values() if c._config.EXTRA_ARGS == SLOW
    ]
    await connector.kill_api()
    assert not starting()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(f) for f in found] == [WorkerStartError] * 3
    assert all("stopped while it started" in str(f) for f in found)
    async with await Discomfort.create(write_config(tmp_path, FAKE)) as discomfort:
        await assert_works(discomfort.Worker)


async def test_another_device_is_another_worker(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=["--cpu"])  # devices are only named here
    async with (
        await Discomfort.create(config) as first,
        await Discomfort.create(config, cuda_device=1) as second,
        await Discomfort.create(config, cuda_device=1) as third,
    ):
        assert second.Worker is third.Worker and second.Worker is not first.Worker
        visible = [
            psutil.Process(d.Worker.pid).environ().get("CUDA_VISIBLE_DEVICES")
            for d in (first, second)
        ]
        assert visible == [None, "1"]
        await asyncio.gather(*(assert_works(d.Worker) for d in (first, second)))


async def test_device_that_is_not_there_is_an_error_not_a_slow_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch = pytest.importorskip("torch")
    config, nowhere = write_config(tmp_path, FAKE), torch.cuda.device_count() + 7
    with pytest.raises(ConfigError, match=rf"^cuda_device={nowhere}: torch in .* no such"):
        await Discomfort.create(config, cuda_device=nowhere)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ConfigError, match=r"^cuda_device=2: .*Use 0 to 1"):
        await Discomfort.create(config, cuda_device=2)
