"""How a run can end otherwise: cancelled, timed out, interrupted, lost, with the worker's death."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import aiohttp
import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.errors import (
    NodeFailed,
    RunInterrupted,
    RunLost,
    RunTimeout,
    WorkerDied,
)
from custom_nodes.discomfort.worker.client.events import NodeStarted, Progress
from support.servers import Make, Server, assert_works, one_node, stub, wait_for

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def sleep(seconds: float = 900.0) -> dict:
    return stub("StubSleep", seconds=seconds, nonce=time.monotonic_ns())


async def queue_of(connector: ComfyConnector) -> dict:
    client = await connector._ensure_client()
    return (await client.http.get("/queue")).json()


IDLE = {"queue_running": [], "queue_pending": []}


async def start_sleep(connector: ComfyConnector, seconds: float = 900.0) -> asyncio.Future:
    """A run that is in its node."""
    seen: list = []
    run = asyncio.ensure_future(connector.execute(sleep(seconds), on_event=seen.append))
    await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
    return run


async def test_cancelled_run_is_gone_when_the_cancellation_arrives(shared: ComfyConnector):
    pid = shared.pid
    run = await start_sleep(shared)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await queue_of(shared) == IDLE
    await assert_works(shared)
    assert shared.pid == pid, "the worker had to be killed"


async def test_a_server_that_can_cancel_one_job_is_asked_for_that(shared: ComfyConnector):
    client = await shared._ensure_client()
    reply = await client.http.post("/api/jobs/11111111-1111-4111-8111-111111111111/cancel", {})
    run = await start_sleep(shared)
    prompt_id = (await queue_of(shared))["queue_running"][0][1]
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await assert_works(shared)  # its log has more lines than that one by then
    words = f"Cancelling running prompt {prompt_id}"  # only that route of ComfyUI says so
    if reply.status == 200:
        await wait_for(lambda: words in shared.logs(tail=None), "its line in the log")
    else:
        assert words not in shared.logs(tail=None)


async def test_run_cancelled_in_the_queue_never_runs(shared: ComfyConnector):
    running = await start_sleep(shared)
    name = str(time.monotonic_ns())
    prompt = {
        "1": {"class_type": "StubCount", "inputs": {"name": name, "value": 1}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    seen: list = []
    waiting = asyncio.ensure_future(shared.execute(prompt, on_event=seen.append))
    await wait_for(lambda: seen, "the queueing")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await shared.execute(stub("StubCounts", name=name))).outputs["1"] == {"count": [0]}


async def test_cancel_at_a_hundred_random_moments_always_leaves_an_idle_worker(
    shared: ComfyConnector,
):
    chance, pid, cancelled = random.Random(5), shared.pid, 0
    for _ in range(100):
        run = asyncio.ensure_future(shared.execute(sleep(0.04)))
        await asyncio.sleep(chance.choice([0, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.04, 0.06]))
        run.cancel()
        try:
            await run
        except asyncio.CancelledError:
            cancelled += 1
            assert await queue_of(shared) == IDLE
    assert cancelled > 50 and shared.pid == pid
    await assert_works(shared)


async def test_timeout_interrupts_and_the_next_run_works(shared: ComfyConnector):
    with pytest.raises(RunTimeout) as caught:
        await shared.execute(sleep(), timeout=0.3)
    assert isinstance(caught.value, TimeoutError)
    assert await queue_of(shared) == IDLE
    await assert_works(shared)


async def test_silent_node_runs_into_the_silence_timeout(shared: ComfyConnector):
    prompt = stub("StubBlock", seconds=1.5, nonce=time.monotonic_ns())
    with pytest.raises(RunTimeout, match="heard"):
        await shared.execute(prompt, silence_timeout=0.3)
    await assert_works(shared)


async def test_blocking_node_delays_the_cancellation_until_it_is_done(shared: ComfyConnector):
    prompt = stub("StubBlock", seconds=1.0, nonce=time.monotonic_ns())
    seen: list = []
    run = asyncio.ensure_future(shared.execute(prompt, on_event=seen.append))
    await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await queue_of(shared) == IDLE
    await assert_works(shared)


async def test_interrupt_by_another_client_is_raised(shared: ComfyConnector):
    run = await start_sleep(shared)
    client = await shared._ensure_client()
    await client.http.post("/interrupt", {})
    with pytest.raises(RunInterrupted, match="StubSleep"):
        await run
    await assert_works(shared)


async def test_prompt_deleted_by_another_client_is_lost_never_done(shared: ComfyConnector):
    running = await start_sleep(shared)
    seen: list = []
    waiting = asyncio.ensure_future(shared.execute(one_node(7), on_event=seen.append))
    await wait_for(lambda: seen, "the queueing")
    client = await shared._ensure_client()
    await client.http.post("/queue", {"delete": [seen[0].prompt_id]})
    with pytest.raises(RunLost, match=seen[0].prompt_id):
        await waiting
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await assert_works(shared)


async def test_event_consumer_that_raises_stops_the_run(shared: ComfyConnector):
    class Enough(Exception):
        pass

    def stop_early(event: object) -> None:
        if isinstance(event, Progress) and event.value >= 3:
            raise Enough

    with pytest.raises(Enough):
        await shared.execute(sleep(), on_event=stop_early)
    assert await queue_of(shared) == IDLE
    await assert_works(shared)


async def test_stream_gives_the_events_and_raises_the_error(shared: ComfyConnector):
    kinds = [type(e).__name__ async for e in shared.stream(one_node(time.monotonic_ns()))]
    assert (kinds[0], kinds[-1]) == ("Queued", "Done")
    with pytest.raises(NodeFailed, match="sour"):
        async for _ in shared.stream(stub("StubRaise", message="sour")):
            pass
    await assert_works(shared)


async def test_leaving_the_stream_cancels_the_run(shared: ComfyConnector):
    async with contextlib.aclosing(shared.stream(sleep())) as events:
        async for event in events:
            if isinstance(event, Progress):
                break
    assert await queue_of(shared) == IDLE
    await assert_works(shared)


async def test_socket_taken_over_by_another_client_costs_no_result(shared: ComfyConnector):
    run = await start_sleep(shared, 1.0)
    assert shared.ws_address
    async with (
        aiohttp.ClientSession(headers=shared.auth_headers) as session,
        session.ws_connect(shared.ws_address, max_msg_size=0),
    ):
        await run
    seen: list = []
    await shared.execute(one_node(time.monotonic_ns()), on_event=seen.append)
    assert any(isinstance(e, NodeStarted) for e in seen), "the socket stays mute"


async def test_two_clients_do_not_see_each_others_ends(shared: ComfyConnector, server: Server):
    from custom_nodes.discomfort.worker.client.client import Client

    assert shared.server_address
    other = Client(shared.server_address, shared.auth_headers)
    base = time.monotonic_ns()
    try:
        results = await asyncio.gather(
            *(who.execute(one_node(base + i)) for i, who in enumerate([shared, other] * 10))
        )
    finally:
        await other.close()
    assert [r.outputs["2"]["text"][0] for r in results] == [str(base + i) for i in range(20)]


async def test_nothing_answers_without_the_token(shared: ComfyConnector):
    address = shared.server_address
    assert address and shared.ws_address
    paths = ("/", "/system_stats", "/object_info", "/queue", "/history", "/ws", "/discomfort/hello")
    async with aiohttp.ClientSession() as session:
        for path in (*paths, "/api/queue", "/no/such/path"):
            for headers in ({}, {"X-Discomfort-Token": "wrong"}, {"X-Discomfort-Token": "\xe9"}):
                async with session.get(address + path, headers=headers) as reply:
                    assert reply.status == 401, path
        for path in ("/prompt", "/interrupt", "/queue", "/history", "/free", "/upload/image"):
            async with session.post(address + path, json={}) as reply:
                assert reply.status == 401, path
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(shared.ws_address)
    async with (
        aiohttp.ClientSession(headers=shared.auth_headers) as session,
        session.get(address + "/system_stats") as reply,
    ):
        assert reply.status == 200
        text = await reply.text()
    assert not any(token in text for token in shared.auth_headers.values())


@pytest.mark.parametrize("token", [b"\xff\xfe", b"\xc3\xa9", "\u65e5\u672c".encode(), b"\x80"])
async def test_a_token_that_is_no_ascii_is_refused_like_any_other(
    shared: ComfyConnector, token: bytes
):
    assert shared.server_address
    port = int(shared.server_address.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"GET /queue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    writer.write(head + b"X-Discomfort-Token: " + token + b"\r\n\r\n")
    said = await reader.read()
    writer.close()
    assert said.startswith(b"HTTP/1.1 401 ")


async def test_worker_listens_on_loopback_only(shared: ComfyConnector):
    assert shared.pid
    connections = psutil.Process(shared.pid).net_connections(kind="inet")
    listening = [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


async def test_log_is_plain_and_apart(shared: ComfyConnector, capfd: pytest.CaptureFixture):
    await assert_works(shared)
    assert shared.log_path
    await wait_for(lambda: "got prompt" in shared.logs(tail=None), "its line in the log")
    assert "\x1b" not in shared.logs(tail=None)
    assert len(shared.logs(tail=3).splitlines()) == 3
    out, err = capfd.readouterr()
    assert "got prompt" not in out + err


async def test_killed_worker_gives_its_exit_code_node_and_words_then_a_new_one_works(
    server: Server, make_connector: Make
):
    connector = await make_connector(server.path)
    version, old = connector.object_info_version, connector.pid
    with pytest.raises(WorkerDied) as caught:
        await connector.execute(stub("StubKill", signal_name="SIGKILL"))
    error = caught.value
    assert error.exit_code == -9 and error.node_id == "1"
    assert "memory" in str(error) and "StubKill" in str(error)
    assert any("the last words of the worker" in line for line in error.last_log_lines)
    assert error.log_path and error.log_path in str(error)
    assert connector.state == "error"
    await assert_works(connector)
    assert connector.pid != old and connector.object_info_version == version + 1
    assert connector.state == "ready"
    with pytest.raises(WorkerDied, match="segmentation"):
        await connector.execute(stub("StubKill", signal_name="SIGSEGV"))
    await connector.kill_api()
    assert connector.state == "killed"
    await connector.kill_api()
