"""Many runs at once, few descriptors, a server that has no time: no result is lost for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.client import await_end
from support.programs import Program
from support.servers import FAKE, Make, assert_works, stub, wait_for, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")

needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")


@needs_limits
def test_two_hundred_runs_at_once_lose_nothing_and_ask_for_the_classes_once(tmp_path: Path):
    config = write_config(tmp_path, FAKE)
    assert Program("worker/run_many_at_once", config, 200, 1024).end().split() == ["True", "1"]


@needs_limits
def test_descriptors_that_run_out_cost_time_never_a_result(tmp_path: Path):
    config = write_config(tmp_path, FAKE)
    assert Program("worker/execute_with_few_descriptors", config).end() == "True"


@pytest.mark.parametrize("busy", ["/history", "/"])
async def test_server_without_time_to_answer_is_no_lost_run(
    make_connector: Make, monkeypatch: pytest.MonkeyPatch, busy: str
):
    """The socket is mute, so that the end is known only by asking."""
    monkeypatch.setattr(await_end, "_SLOWEST_LOOK_S", 0.1)
    connector = await make_connector()
    http = (await connector._ensure_client()).http
    await http.post("/fake/misbehave", {"mute": 1})
    seen: list = []
    prompt = stub("StubSleep", seconds=0.2, nonce=1)
    run = asyncio.ensure_future(connector.execute(prompt, on_event=seen.append))
    await wait_for(lambda: seen, "the queueing")
    await http.post("/fake/misbehave", {"busy": busy})

    async def asked() -> int:
        requests = (await http.get("/fake/requests")).json()
        return requests.get(f"/history/{seen[0].prompt_id}", 0)

    before = await asked()
    while await asked() < before + 8:
        assert not run.done()
    await http.post("/fake/misbehave", {"busy": None, "mute": None})
    await run
    await assert_works(connector)
