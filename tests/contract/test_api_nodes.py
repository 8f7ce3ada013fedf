"""The key of a Comfy account goes to ComfyUI's own API nodes, and to nobody and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ConfigError, ExecutionError, NodeFailed, WorkflowError
from custom_nodes.discomfort.system.login import VARIABLE, Login
from support.account_server import AccountServer, account_server
from support.prompts import port
from support.servers import Make, Server, plain_server, wait_for, worker_for_many

pytestmark = pytest.mark.usefixtures("leaves_nothing")

KEY = "comfyui-5d6f70819a2b3c4d5e6f708192a3b4c5"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[AccountServer]:
    with account_server() as server:
        yield server


@pytest.fixture(scope="module")
def worker(
    server: Server, elsewhere: AccountServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComfyConnector]:
    """Started by a script that has the key in its environment."""
    folder = tmp_path_factory.mktemp("account")
    with (
        pytest.MonkeyPatch.context() as patch,
        worker_for_many(server, folder, ["--comfy-api-base", elsewhere.url]) as made,
    ):
        patch.setenv(VARIABLE, KEY)
        yield made


@pytest.fixture(autouse=True)
def fresh(elsewhere: AccountServer, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere.reset()
    monkeypatch.setenv(VARIABLE, KEY)


def paid(text: str | None = None) -> dict[str, Any]:
    """A prompt with an API node of ComfyUI's own, which no cache has."""
    asked = text or f"what is this? {time.monotonic_ns()}"
    inputs = {"prompt": asked, "model": "gemini-2.5-pro", "seed": 1}
    return {
        "1": {"class_type": "GeminiNode", "inputs": inputs, "_meta": {"title": "Ask"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


def asks(text: Any, node_id: str = "8") -> dict[str, Any]:
    """A node of a pack that asks for the login, too."""
    return {
        node_id: {"class_type": "StubAsksForLogin", "inputs": {"text": text}},
        node_id + "0": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}},
    }


def told(result: Any, node_id: str = "80") -> list[Any]:
    return json.loads(result.outputs[node_id]["text"][0])


async def all_that_others_see(worker: ComfyConnector) -> str:
    client = await worker._ensure_client()
    paths = ("/queue", "/history", "/system_stats", "/internal/logs")
    seen = [(await client.http.get(path)).text for path in paths]
    seen.append((await client.http.get("/api/jobs")).text)
    return "\n".join(seen)


def files_of(worker: ComfyConnector) -> Iterator[Path]:
    folder = worker._server.journal_folder()  # type: ignore[union-attr]
    assert folder is not None and worker.log_path is not None
    yield Path(worker.log_path)
    yield from (path for path in folder.rglob("*") if path.is_file())


def with_key(paths: Iterator[Path]) -> list[Path]:
    return [path for path in paths if KEY.encode() in path.read_bytes()]


async def test_an_own_node_gets_it_and_one_of_a_pack_in_the_same_prompt_does_not(
    worker: ComfyConnector, elsewhere: AccountServer
):
    result = await worker.execute({**paid(), **asks(["1", 0])})
    assert elsewhere.logins == [{"X-API-KEY": KEY}]
    assert result.outputs["2"]["text"] == ["a lighthouse"]
    assert told(result) == ["a lighthouse", None, None]
    alone = await worker.execute(asks(str(time.monotonic_ns())))
    assert told(alone)[1:] == [None, None]


async def test_without_a_key_nothing_is_sent(
    worker: ComfyConnector, elsewhere: AccountServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(VARIABLE)
    await run_without(worker)
    monkeypatch.setenv(VARIABLE, "  ")
    await run_without(worker)
    assert not any(elsewhere.logins)


async def test_a_key_that_can_be_none_is_an_error_only_where_it_is_needed(
    worker: ComfyConnector, elsewhere: AccountServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, f"{KEY}\u2026")
    await worker.execute(asks("no need"))
    with pytest.raises(ConfigError, match="is no key") as e:
        await worker.execute(paid())
    assert KEY not in str(e.value) and elsewhere.logins == []


async def run_without(worker: ComfyConnector, **options: Any) -> None:
    """0.3.64 does not even ask then."""
    with contextlib.suppress(NodeFailed):
        await worker.execute_own(paid(), **options)


async def test_neither_queue_nor_history_nor_log_nor_file_has_it_while_it_is_used(
    worker: ComfyConnector, elsewhere: AccountServer
):
    elsewhere.may_answer.clear()
    prompt = paid()
    run = asyncio.ensure_future(worker.execute(prompt))
    try:
        await wait_for(elsewhere.asked.is_set, "the request of the API node")
        seen = await all_that_others_see(worker)
    finally:
        elsewhere.may_answer.set()
    assert prompt["1"]["inputs"]["prompt"] in seen and KEY not in seen
    await run
    assert elsewhere.logins == [{"X-API-KEY": KEY}]
    assert KEY not in await all_that_others_see(worker)
    assert with_key(files_of(worker)) == []


async def test_an_error_that_repeats_it_does_not_show_it(
    worker: ComfyConnector, elsewhere: AccountServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    elsewhere.is_refusing = True
    seen: list[Any] = []
    with pytest.raises(NodeFailed, match="Ask") as e:
        await worker.execute(paid(), on_event=seen.append)
    assert elsewhere.logins and elsewhere.logins[0] == {"X-API-KEY": KEY}
    shown = "".join(traceback.format_exception(e.value)) + repr(vars(e.value)) + repr(seen)
    assert KEY not in shown and KEY not in caplog.text
    assert KEY not in await all_that_others_see(worker)
    assert with_key(files_of(worker)) == []
    elsewhere.is_refusing = False
    await worker.execute(paid())


@pytest.mark.one_version
async def test_the_worker_has_it_in_its_environment_neither(make_connector: Make, server: Server):
    worker = await make_connector(server.path)
    assert os.environ[VARIABLE] == KEY
    environment = psutil.Process(worker.pid).environ()
    assert "PATH" in environment and KEY not in environment.values()


@pytest.mark.one_version
async def test_a_key_in_the_configuration_wins_and_no_repr_has_it(
    make_connector: Make, elsewhere: AccountServer
):
    arguments = {"extra_args": ["--comfy-api-base", elsewhere.url]}
    mine = await make_connector(config={VARIABLE: "of-the-file-1234"}, **arguments)
    others = await make_connector(config={VARIABLE: "of-another-1234"}, **arguments)
    assert mine is not others
    await mine.execute(paid())
    await others.execute(paid())
    assert elsewhere.logins == [{"X-API-KEY": "of-the-file-1234"}, {"X-API-KEY": "of-another-1234"}]
    for thing in (mine._config, mine, mine.login, vars(mine)):
        assert "of-the-file" not in repr(thing)
    with pytest.raises(TypeError):
        pickle.dumps(mine.login)


async def test_a_server_that_can_not_keep_it_gets_none(
    worker: ComfyConnector, elsewhere: AccountServer, monkeypatch: pytest.MonkeyPatch
):
    server = worker._server
    assert server is not None and server.hello is not None
    monkeypatch.setitem(server.hello, "takes_login", False)
    with pytest.raises(ExecutionError, match="Update this extension") as e:
        await worker.execute(paid())
    assert KEY not in str(e.value) and elsewhere.logins == []
    await worker.execute(asks("nothing is sent"))


async def test_a_login_of_a_prompt_goes_before_the_key_and_an_empty_one_is_none(
    worker: ComfyConnector, elsewhere: AccountServer
):
    await worker.execute_own(paid(), login=Login(token="of the browser"))
    await run_without(worker, login=Login())
    assert elsewhere.logins[0] == {"Authorization": "Bearer of the browser"}
    assert not any(elsewhere.logins[1:])


@pytest.mark.one_version
async def test_attached_servers_keep_it_too_and_take_none_from_others(
    server: Server, elsewhere: AccountServer, tmp_path: Path
):
    arguments = ("--cpu", "--comfy-api-base", elsewhere.url)
    base = tmp_path / "users"
    with plain_server(server, base, with_extension=True, arguments=arguments) as (address, _):
        connector = await ComfyConnector.create(url=address)
        try:
            result = await connector.execute({**paid(), **asks(["1", 0])})
            assert elsewhere.logins == [{"X-API-KEY": KEY}]
            assert told(result) == ["a lighthouse", None, None]
            assert KEY not in await all_that_others_see(connector)
        finally:
            await connector.release()
        assert KEY.encode() not in (base / "log.txt").read_bytes()
        assert with_key(path for path in base.rglob("*") if path.is_file()) == []


@pytest.mark.one_version
async def test_api_nodes_false_refuses_before_anything_is_queued(
    worker: ComfyConnector, elsewhere: AccountServer
):
    discomfort = Discomfort(worker)
    free = {"1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}}, "2": port("n", ["1", 0])}
    prompt = {**paid(), "9": port("text", ["1", 0])}
    seen: list[Any] = []
    with pytest.raises(WorkflowError, match=r"api_nodes=False.*\n.*node 1 'Ask' \(GeminiNode\)"):
        await discomfort.run([free, prompt], api_nodes=False, on_event=seen.append)
    assert seen == [] and elsewhere.logins == []
    with pytest.raises(WorkflowError, match="GeminiNode"):
        await discomfort.plan(prompt, api_nodes=False)
    with pytest.raises(TypeError, match="api_nodes must be"):
        await discomfort.run(prompt, api_nodes="no")  # type: ignore[arg-type]
    assert await discomfort.run(free, api_nodes=False) == {"n": 3}
    assert await discomfort.run(prompt, api_nodes=True) == {"text": "a lighthouse"}
    assert elsewhere.logins == [{"X-API-KEY": KEY}]
    discomfort._engine.contexts.close()


@pytest.mark.one_version
async def test_a_plan_names_what_is_paid_and_says_without_a_key(
    worker: ComfyConnector, monkeypatch: pytest.MonkeyPatch
):
    discomfort = Discomfort(worker)
    plan = await discomfort.plan({**paid(), **asks(["1", 0])})
    assert "Paid: node 1 'Ask' (GeminiNode), node 8 (StubAsksForLogin): API nodes" in str(plan)
    assert [(n.node_id, n.is_own, n.gets_key) for n in plan.workflows[0].paid] == [
        ("1", True, True),
        ("8", False, False),
    ]
    assert ">paid</text>" in plan.svg() and "2 paid" in plan.svg()
    assert plan.notes == () and KEY not in str(plan) + repr(plan) + plan.svg()
    monkeypatch.delenv(VARIABLE)
    (note,) = (await discomfort.plan(paid())).notes
    assert VARIABLE in note
    discomfort._engine.contexts.close()


@pytest.mark.one_version
async def test_records_have_the_prompt_and_no_key(
    worker: ComfyConnector, elsewhere: AccountServer, tmp_path: Path
):
    discomfort = Discomfort(worker)
    with discomfort.Context() as context:
        prompt = {**paid(), "9": port("text", ["1", 0])}
        await discomfort.run(prompt, context=context, record="paid")
        context.report(tmp_path / "report.html")
        written = [p for p in (tmp_path, context.folder) for p in p.rglob("*") if p.is_file()]
        assert "a lighthouse" in (tmp_path / "report.html").read_text(encoding="utf-8")
        assert with_key(iter(written)) == []
    discomfort._engine.contexts.close()


@pytest.mark.one_version
async def test_a_reference_made_by_an_api_node_says_so_and_is_refused_with_the_others(
    worker: ComfyConnector, elsewhere: AccountServer, caplog: pytest.LogCaptureFixture
):
    discomfort = Discomfort(worker)
    discomfort.Tools.pass_by_rules |= {"ANY": "ref", "STRING": "ref"}
    with discomfort.Context() as context:
        stored = {"1": paid()["1"], "2": port("answer", ["1", 0])}
        context.save("answer", stored, pass_by="ref")
        use = {"1": port("answer"), "2": {"class_type": "PreviewAny", "inputs": {}}}
        use["2"]["inputs"]["source"] = ["1", 0]
        for given in ({}, {"answer": stored}):
            with pytest.raises(WorkflowError, match="the reference 'answer' is not run"):
                await discomfort.run(use, given, context=context, api_nodes=False)
        assert elsewhere.logins == []
        await discomfort.run(use, context=context)
        assert elsewhere.logins == [{"X-API-KEY": KEY}]
        assert KEY not in json.dumps(context.load("answer"))
        made = {"1": paid()["1"], "2": port("made", ["1", 0])}
        results = await discomfort.run(made, context=context)
        assert "The reference 'made' is made by API nodes (GeminiNode)" in caplog.text
        assert KEY not in json.dumps(results) + caplog.text and len(elsewhere.logins) == 1
    discomfort._engine.contexts.close()
