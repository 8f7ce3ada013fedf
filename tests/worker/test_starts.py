"""How long a start is waited for: as long as it makes progress, or as the user said."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import WorkerStartError
from custom_nodes.discomfort.system.processes import is_suspended
from custom_nodes.discomfort.worker.launch import process, start_until_ready, worker_folder
from support.servers import FAKE, Make, assert_works, wait_for, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def misbehave(fault: str) -> list[str]:
    return ["--misbehave", fault]


def pids_of(fault: str) -> list[int]:
    """The processes that misbehave so; other tests' servers may live, too."""
    return [w.pid for w in process._living if w.pid and fault in w.launch.extra_args]


def logs() -> set[Path]:
    """Those of workers that have ended."""
    return set(worker_folder.find_old_logs())


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start stands still after 6 s. A busy machine may let a process wait for one or two."""
    monkeypatch.setattr(start_until_ready, "STILL_S", 6.0)
    monkeypatch.setattr(start_until_ready, "_LOOK_S", 0.5)


@pytest.mark.usefixtures("soon")
async def test_start_in_which_nothing_happens_is_an_error_with_the_last_lines(
    make_connector: Make, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(WorkerStartError, match="does nothing any more while it starts") as caught:
        await make_connector(extra_args=misbehave("never-ready"))
    text = str(caught.value)
    assert re.search(r"no line in its log, no CPU and no disk for \d+ s", text)
    assert "The last that it did: This server will never be ready." in text
    assert text.endswith("| [INFO] This server will never be ready.")
    monkeypatch.undo()
    await assert_works(await make_connector())


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
async def test_start_that_is_suspended_says_so(
    make_connector: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(start_until_ready, "_LOOK_S", 0.2)
    creating = asyncio.ensure_future(make_connector(extra_args=misbehave("slow-start=300")))
    await wait_for(lambda: pids_of("slow-start=300"), "the process")
    (pid,) = pids_of("slow-start=300")
    os.kill(pid, signal.SIGSTOP)
    await wait_for(lambda: is_suspended(pid), "the stop")
    monkeypatch.setattr(start_until_ready, "STILL_S", 1.0)
    with pytest.raises(WorkerStartError, match="Its process is suspended"):
        await creating
    monkeypatch.undo()
    await assert_works(await make_connector())


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("kind", ["cpu", "log", "disk"])
async def test_start_that_gets_on_is_waited_for(make_connector: Make, kind: str):
    await assert_works(await make_connector(extra_args=misbehave(f"works-at-start={kind}:10")))


async def test_limit_of_a_call_is_for_that_call_alone(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=misbehave("slow-start=4"))
    results = await asyncio.gather(
        Discomfort.create(config),
        Discomfort.create(config, start_timeout=0.5),
        return_exceptions=True,
    )
    patient, impatient = results
    assert isinstance(patient, Discomfort)
    assert isinstance(impatient, WorkerStartError)
    assert "within 0.5 s, as start_timeout= allows" in str(impatient)
    await assert_works(patient.Worker)
    await patient.shutdown()
    assert patient.Worker.state == "killed"


async def test_start_that_its_only_caller_gives_up_is_ended(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=misbehave("slow-start=60"))
    with pytest.raises(WorkerStartError, match="start_timeout=") as caught:
        await ComfyConnector.create(config, start_timeout=1)
    assert not [w for w in process._living if "slow-start=60" in w.launch.extra_args]
    assert [path for path in logs() if str(path) in str(caught.value)], "the log that it names"


async def test_start_that_is_cancelled_leaves_no_log(tmp_path: Path):
    before = logs()
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=misbehave("slow-start=60"))
    creating = asyncio.ensure_future(ComfyConnector.create(config))
    await wait_for(lambda: pids_of("slow-start=60"), "a process of the worker")
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    assert logs() <= before


async def test_limit_in_the_configuration_is_named(make_connector: Make):
    with pytest.raises(WorkerStartError, match=r"within 1 s, as comfy_serverless\.json allows"):
        await make_connector(
            config={"START_TIMEOUT_SECONDS": 1}, extra_args=misbehave("never-ready")
        )
