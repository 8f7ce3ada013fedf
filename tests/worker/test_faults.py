"""Servers that misbehave (the fake, by --misbehave): what is raised, then a good run."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.errors import (
    ConfigError,
    RunLost,
    RunTimeout,
    ValidationFailed,
    WorkerDied,
    WorkerStartError,
)
from custom_nodes.discomfort.system import patience
from custom_nodes.discomfort.worker.client import queries
from custom_nodes.discomfort.worker.client.events import NodeStarted
from support.servers import (
    FAKE,
    STUB_NODES,
    Make,
    Server,
    assert_works,
    one_node,
    plain_server,
    stub,
    until_nothing_is_queued,
    wait_for,
)

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SHORT = {"MAX_COMFY_START_ATTEMPTS": 15, "COMFY_START_ATTEMPTS_SLEEP": 0.2}


def misbehave(*faults: str) -> list[str]:
    return [part for fault in faults for part in ("--misbehave", fault)]


async def set_fault(connector, **faults) -> None:
    client = await connector._ensure_client()
    reply = await client.http.post(
        "/fake/misbehave", {k.replace("_", "-"): v for k, v in faults.items()}
    )
    assert reply.status == 200


@pytest.mark.parametrize(
    ("config", "fault", "words"),
    [
        (SHORT, "never-ready", "did not get ready within 3 s"),
        ({}, "exit-at-start=7", "exit code 7"),
        ({}, "import-error", "cannot import name 'nothing'"),
    ],
    ids=["never ready", "exit", "import error"],
)
async def test_bad_start_says_why_and_leaves_nothing(
    make_connector: Make, config: dict[str, Any], fault: str, words: str
):
    with pytest.raises(WorkerStartError) as caught:
        await make_connector(config=config, extra_args=misbehave(fault))
    assert words in str(caught.value)
    assert caught.value.log_path and Path(caught.value.log_path).is_file()  # noqa: ASYNC240
    await assert_works(await make_connector())


async def test_a_session_that_the_servers_end_closes_may_be_closed_meanwhile(make_connector: Make):
    connector = await make_connector()
    await assert_works(connector)
    http = (await connector._ensure_client()).http
    http.close_soon()
    for _ in range(2):  # turns of the loop: the closing has begun, and waits for its connections
        await asyncio.sleep(0)
    await http.close()
    await assert_works(connector)


async def test_wrong_comfyui_path_is_named(make_connector: Make, tmp_path: Path):
    with pytest.raises(WorkerStartError, match="nowhere"):
        await make_connector(tmp_path / "nowhere")
    await assert_works(await make_connector())


async def test_command_that_does_not_exist_is_named(make_connector: Make):
    with pytest.raises(WorkerStartError):
        await make_connector(config={"API_COMMAND_LINE": "/no/such/python main.py"})
    await assert_works(await make_connector())


@pytest.mark.parametrize(
    "config",
    [
        {"API_URL": "http://0.0.0.0"},
        {"API_COMMAND_LINE": ""},
        {"API_COMMAND_LINE": "python 'main.py"},
    ],
)
async def test_config_that_can_not_be_used_is_refused(make_connector: Make, config: dict):
    with pytest.raises(ConfigError):
        await make_connector(config=config)


async def test_start_that_failed_for_many_fails_for_all_of_them(make_connector: Make):
    arguments = {"extra_args": misbehave("exit-at-start")}
    results = await asyncio.gather(
        *(make_connector(**arguments) for _ in range(5)), return_exceptions=True
    )
    assert [type(r) for r in results] == [WorkerStartError] * 5


async def test_create_twice_joins_the_same_worker(make_connector: Make):
    first, second = await asyncio.gather(make_connector(), make_connector())
    assert first is second
    await assert_works(first)


async def test_other_arguments_are_another_worker(make_connector: Make):
    first = await make_connector()
    second = await make_connector(extra_args=["--cache-classic"])
    assert first.pid != second.pid
    await asyncio.gather(assert_works(first), assert_works(second))


async def test_port_in_use_by_something_else_takes_the_next(make_connector: Make):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        connector = await make_connector(config={"INITIAL_PORT": port})
        assert connector.server_address != f"http://127.0.0.1:{port}"
        await assert_works(connector)


async def test_port_in_use_by_another_worker_is_not_mistaken_for_ours(make_connector: Make):
    first = await make_connector()
    assert first.server_address
    port = int(first.server_address.rsplit(":", 1)[1])
    second = await make_connector(config={"INITIAL_PORT": port})
    assert second.server_address != first.server_address
    await assert_works(second)
    await assert_works(first)


async def test_worker_that_ignores_signals_is_killed(make_connector: Make):
    connector = await make_connector(extra_args=misbehave("ignore-signals"))
    await assert_works(connector)
    await connector.kill_api()
    assert connector.pid is None
    await assert_works(await make_connector())


async def test_kill_while_it_starts_ends_the_start(make_connector: Make):
    creating = asyncio.ensure_future(make_connector(extra_args=misbehave("slow-start=20")))
    from custom_nodes.discomfort.worker.launch import process

    def started() -> list[process.WorkerProcess]:
        return [w for w in process._living if w.pid and "slow-start=20" in w.launch.extra_args]

    await wait_for(started, "the process")
    (worker,) = started()
    await asyncio.to_thread(worker.stop)
    with pytest.raises(WorkerStartError):
        await creating
    await assert_works(await make_connector())


async def test_cancelled_create_leaves_a_start_that_others_can_join(make_connector: Make):
    creating = asyncio.ensure_future(make_connector())
    await asyncio.sleep(0.05)
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    await assert_works(await make_connector())


@pytest.mark.parametrize(
    "moment", ["status", "execution_start", "executing", "executed", "execution_success"]
)
async def test_dropped_socket_costs_time_never_a_result(make_connector: Make, moment: str):
    connector = await make_connector()
    await assert_works(connector)
    for _ in range(3):
        await set_fault(connector, drop_socket=moment)
        await assert_works(connector)
    await assert_works(connector)


async def test_mute_socket_costs_time_never_a_result(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, mute=1)
    await assert_works(connector)
    await set_fault(connector, mute=None)
    await assert_works(connector)
    seen: list = []
    await connector.execute(one_node(9), on_event=seen.append)
    assert any(isinstance(e, NodeStarted) for e in seen), "the new socket is as mute as the old"


async def test_stalled_socket_costs_time_never_a_result(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, stall=2)
    await assert_works(connector)
    await assert_works(connector)


async def test_foreign_and_malformed_messages_change_nothing(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, foreign=1)
    for _ in range(5):
        await assert_works(connector)
    with pytest.raises(ValidationFailed):
        await connector.execute({"1": {"class_type": "Nothing", "inputs": {}}})
    await assert_works(connector)


async def test_answer_lost_on_the_way_costs_no_result(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, drop_answer=1)
    prompt = stub("StubSleep", seconds=0.5, nonce=time.monotonic_ns())
    result = await connector.execute(prompt)
    assert result.prompt_id
    await assert_works(connector)


async def test_refusal_without_node_errors_is_raised(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, refuse=1)
    with pytest.raises(ValidationFailed, match="no outputs"):
        await connector.execute(one_node(1))
    await set_fault(connector, refuse=None)
    await assert_works(connector)


async def test_death_in_the_middle_ends_all_that_wait(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, die_in="StubBlock")
    runs = [connector.execute(stub("StubBlock", seconds=5.0, nonce=i)) for i in range(4)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert [type(r) for r in results] == [WorkerDied] * 4
    await assert_works(connector)


async def test_run_is_lost_when_the_history_was_wiped_and_the_socket_was_mute(make_connector: Make):
    connector = await make_connector()
    await set_fault(connector, mute=1)
    run = asyncio.ensure_future(connector.execute(stub("StubSleep", seconds=0.4, nonce=1)))
    client = await connector._ensure_client()
    with pytest.raises(RunLost):
        while True:
            await client.http.post("/history", {"clear": True})
            done, _ = await asyncio.wait({run}, timeout=0.01)
            if done:
                run.result()
                pytest.fail("a run of which nothing is known was taken for done")
    await set_fault(connector, mute=None)
    await assert_works(connector)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
async def test_stopped_worker_costs_time_never_a_result(make_connector: Make):
    connector = await make_connector()
    run = asyncio.ensure_future(connector.execute(stub("StubSleep", seconds=0.3, nonce=5)))
    assert connector.pid
    os.kill(connector.pid, signal.SIGSTOP)
    done, _ = await asyncio.wait({run}, timeout=5)
    assert not done
    os.kill(connector.pid, signal.SIGCONT)
    await run
    await assert_works(connector)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("node classes", "is asked for its node classes"),
        ("before the queue", "has not yet taken a prompt"),
        ("a node", "gives no answer"),
        ("a prompt given up", "is not yet done with a prompt that was given up"),
    ],
)
async def test_wait_for_a_suspended_worker_says_so(
    make_connector: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    moment: str,
    words: str,
):
    monkeypatch.setattr(patience, "FIRST_WORDS_S", 0.3)
    monkeypatch.setattr(queries, "REPLY_TIMEOUT_S", 0.5)
    caplog.set_level(logging.WARNING, "discomfort.worker")
    connector = await make_connector()
    pid, seen = connector.pid, []
    assert pid
    if moment == "node classes":
        os.kill(pid, signal.SIGSTOP)
        waiting: asyncio.Future = asyncio.ensure_future(connector.object_info())
    elif moment == "before the queue":
        os.kill(pid, signal.SIGSTOP)
        waiting = asyncio.ensure_future(connector.execute(one_node(1)))
    else:
        prompt = stub("StubSleep", seconds=2.0, nonce=1)
        waiting = asyncio.ensure_future(connector.execute(prompt, on_event=seen.append))
        await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
        os.kill(pid, signal.SIGSTOP)
        if moment == "a prompt given up":
            waiting.cancel()
    try:
        await wait_for(lambda: words in caplog.text, "the words")
        line = next(r.message for r in caplog.records if words in r.message)
        assert line.startswith(f"ComfyUI, process {pid} (") and "which is suspended" in line
        assert " s so far." in line and not waiting.done()
    finally:
        os.kill(pid, signal.SIGCONT)
    await asyncio.wait({waiting})
    assert waiting.cancelled() is (moment == "a prompt given up")
    await assert_works(connector)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
async def test_stopped_worker_is_killed_all_the_same(make_connector: Make):
    connector = await make_connector()
    assert connector.pid
    os.kill(connector.pid, signal.SIGSTOP)
    await connector.kill_api()
    assert connector.pid is None


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not on Windows")
@pytest.mark.parametrize("is_queued", [True, False], ids=["in a node", "before it is queued"])
@pytest.mark.one_version
async def test_timeout_holds_with_a_worker_that_does_not_answer(
    make_connector: Make, server: Server, is_queued: bool
):
    connector = await make_connector(server.path)
    await assert_works(connector)
    pid, counted = connector.pid, str(time.monotonic_ns())
    assert pid
    seen: list = []
    if is_queued:
        prompt = stub("StubSleep", seconds=900.0, nonce=1)
        run = asyncio.ensure_future(connector.execute(prompt, timeout=8, on_event=seen.append))
        await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
        os.kill(pid, signal.SIGSTOP)
    else:
        os.kill(pid, signal.SIGSTOP)
        prompt = {
            "1": {"class_type": "StubCount", "inputs": {"name": counted, "value": 1}},
            "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
        }
        run = asyncio.ensure_future(connector.execute(prompt, timeout=1))
    try:
        with pytest.raises(RunTimeout, match="does not answer.*may still run") as caught:
            await asyncio.wait_for(run, 120)
        assert "not even queued" not in str(caught.value)
        with pytest.raises(RunTimeout, match="not even queued"):
            await asyncio.wait_for(connector.execute(one_node(3), timeout=0.5), 120)
    finally:
        os.kill(pid, signal.SIGCONT)
    await assert_works(connector)
    assert connector.pid == pid
    await until_nothing_is_queued(connector)


async def test_folder_that_was_removed_meanwhile_is_no_trouble_at_the_end(make_connector: Make):
    connector = await make_connector()
    process: Any = connector._server.process  # type: ignore[union-attr]
    shutil.rmtree(process._folder.path)
    await assert_works(connector)
    await connector.kill_api()
    assert connector.pid is None and process.ended.is_set()


async def test_what_a_node_started_ends_with_the_worker(make_connector: Make):
    import psutil

    connector = await make_connector()
    result = await connector.execute(stub("StubChild", seconds=300.0))
    (child,) = result.outputs["1"]["pid"]
    assert psutil.pid_exists(child)
    await connector.kill_api()
    await wait_for(
        lambda: (
            not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        ),
        "the end of the node's child",
    )


async def test_extension_that_can_not_be_loaded_fails_the_start(
    make_connector: Make, tmp_path: Path
):
    # An extension that takes aiohttp's routes away before ours is loaded would do the same.
    bad = tmp_path / "aaa_breaks_psutil"
    bad.mkdir()
    (bad / "__init__.py").write_text(
        "import sys\nsys.modules['server'] = None\nNODE_CLASS_MAPPINGS = {}\n", encoding="utf-8"
    )
    with pytest.raises(WorkerStartError, match="could not load this extension"):
        await make_connector(extra_custom_nodes=[bad, STUB_NODES])
    await assert_works(await make_connector())


async def test_missing_package_gives_the_one_command(make_connector: Make, tmp_path: Path):
    bad = tmp_path / "aaa_hides_cloudpickle"
    bad.mkdir()
    (bad / "__init__.py").write_text(
        "import importlib.util as u\n_find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n in ('cloudpickle', 'PIL') else _find(n, *a)\n"
        "NODE_CLASS_MAPPINGS = {}\n",
        encoding="utf-8",
    )
    with pytest.raises(WorkerStartError, match=r"pip install .*cloudpickle pillow$"):
        await make_connector(extra_custom_nodes=[bad])


@pytest.mark.parametrize("argument", ["--listen", "--listen=0.0.0.0", "--enable-cors-header"])
async def test_argument_that_opens_the_worker_is_refused(make_connector: Make, argument: str):
    with pytest.raises(ConfigError, match=argument.split("=")[0]):
        await make_connector(extra_args=[argument])


async def test_node_that_never_ends_costs_the_worker_not_the_script(
    make_connector: Make, monkeypatch: pytest.MonkeyPatch
):
    from custom_nodes.discomfort.worker.client import cancel

    monkeypatch.setattr(cancel, "GRACE_S", 0.5)
    connector = await make_connector()
    old = connector.pid
    with pytest.raises(RunTimeout):
        await connector.execute(stub("StubBlock", seconds=900.0, nonce=1), timeout=0.3)
    await assert_works(connector)
    assert connector.pid != old


async def test_attached_server_that_goes_away_is_lost_not_waited_for(
    make_connector: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from custom_nodes.discomfort.worker.client import await_end

    monkeypatch.setattr(await_end, "REFUSED_FOR_S", 1.0)
    server = Server("fake", FAKE)
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, pid):
        connector = await make_connector(url=address)
        seen: list = []
        run = asyncio.ensure_future(
            connector.execute(stub("StubBlock", seconds=60.0, nonce=1), on_event=seen.append)
        )
        await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
        os.kill(pid, signal.SIGTERM)
        with pytest.raises(RunLost, match="gone"):
            await run
        with pytest.raises(WorkerStartError, match="No ComfyUI answers"):
            await connector.execute(one_node(1))


async def test_end_of_the_prompt_thread_is_noticed_though_the_socket_does_not_say_it(
    make_connector: Make, tmp_path: Path
):
    with plain_server(Server("fake", FAKE), tmp_path / "users", with_extension=True) as (
        address,
        _,
    ):
        connector = await make_connector(url=address)
        await set_fault(connector, mute=1)
        with pytest.raises(WorkerDied, match="Restart that ComfyUI"):
            await connector.execute(stub("StubEndThread", how="exit"))
        assert connector.state == "error"


async def test_test_payload_runs_once_at_the_start(make_connector: Make, tmp_path: Path):
    payload = tmp_path / "payload.json"
    inputs = {"name": "payload", "value": 1}
    payload.write_text(
        json.dumps(
            {
                "1": {"class_type": "StubCount", "inputs": inputs},
                "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
            }
        ),
        encoding="utf-8",
    )
    connector = await make_connector(config={"TEST_PAYLOAD_FILE": str(payload)})
    result = await connector.execute(stub("StubCounts", name="payload"))
    assert result.outputs["1"] == {"count": [1]}


async def test_run_workflow_converts_the_editors_json(make_connector: Make, tmp_path: Path):
    connector = await make_connector()
    workflow = {
        "nodes": [
            {
                "id": 1,
                "type": "PrimitiveInt",
                "mode": 0,
                "widgets_values": [33, "fixed"],
                "inputs": [],
                "outputs": [{"name": "INT", "type": "INT", "links": [1]}],
            },
            {
                "id": 2,
                "type": "PreviewAny",
                "mode": 0,
                "inputs": [{"name": "source", "type": "*", "link": 1}],
                "outputs": [],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "INT"]],
    }
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(workflow), encoding="utf-8")
    for payload in (workflow, path, str(path)):
        history = await connector.run_workflow(payload)
        assert history["outputs"]["2"]["text"] == ["33"]
    with pytest.raises(FileNotFoundError):
        await connector.run_workflow(tmp_path / "none.json")


async def test_fake_folder_is_found_by_comfyui_path(monkeypatch: pytest.MonkeyPatch):
    from custom_nodes.discomfort.comfy_serverless import ComfyConnector

    monkeypatch.setenv("COMFYUI_PATH", str(FAKE))
    connector = await ComfyConnector.create()
    try:
        await assert_works(connector)
    finally:
        await connector.kill_api()
