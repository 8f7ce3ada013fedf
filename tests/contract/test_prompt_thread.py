"""ComfyUI's prompt thread ends while its server lives on: noticed, told, and not waited for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import NodeFailed, WorkerDied, WorkerStartError
from custom_nodes.discomfort.system.user_folders import temporary_folder
from support.servers import Make, Server, assert_works, one_node, plain_server, stub

pytestmark = [pytest.mark.usefixtures("leaves_nothing"), pytest.mark.one_version]

WORDS = {"exit": "SystemExit: no model was found", "keyboard": "KeyboardInterrupt"}
WORDS["cancelled"] = "CancelledError: somebody cancelled it"


async def test_worker_whose_prompt_thread_ends_is_replaced_and_its_log_says_why(
    make_connector: Make, server: Server
):
    connector = await make_connector(server.path)
    for how, words in WORDS.items():
        pid = connector.pid
        run = connector.execute(stub("StubEndThread", how=how))
        results = await asyncio.gather(
            run, *(connector.execute(one_node(i)) for i in range(3)), return_exceptions=True
        )
        error = results[0]
        assert isinstance(error, WorkerDied)
        assert "prompt thread had ended" in str(error) and "'my StubEndThread'" in str(error)
        assert any(words in line for line in error.last_log_lines), error.last_log_lines
        await assert_works(connector)
        assert connector.pid != pid


async def test_error_text_with_a_lone_surrogate_is_an_error_like_any_other(
    make_connector: Make, server: Server
):
    connector = await make_connector(server.path)
    pid = connector.pid
    with pytest.raises(NodeFailed, match=r"a lone surrogate: \\ud800") as caught:
        await connector.execute(stub("StubEndThread", how="surrogate"))
    assert caught.value.comfy_traceback.encode()  # it can be printed and written
    await assert_works(connector)
    assert connector.pid == pid


@pytest.mark.parametrize("how", [*WORDS, "surrogate"])
async def test_attached_comfyui_whose_prompt_thread_ends_asks_to_be_restarted(
    make_connector: Make, server: Server, tmp_path: Path, how: str
):
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        connector = await make_connector(url=address)
        await assert_works(connector)
        prompts = [stub("StubEndThread", how=how), one_node(1), one_node(2)]
        results = await asyncio.gather(*map(connector.execute, prompts), return_exceptions=True)
        for result in results:
            assert isinstance(result, WorkerDied)
            assert f"The ComfyUI at {address} takes prompts, but runs nothing" in str(result)
            assert "Restart that ComfyUI" in str(result)
            assert WORDS.get(how, "Unicode") in str(result)
        assert "'my StubEndThread' (StubEndThread) ran" in str(results[0])
        with pytest.raises(WorkerStartError, match="Restart that ComfyUI"):
            await connector.execute(one_node(3))


async def test_attached_comfyui_that_is_restarted_is_used_again(
    make_connector: Make, server: Server, tmp_path: Path
):
    users = tmp_path / "users"
    with plain_server(server, users, with_extension=True) as (address, _):
        connector = await make_connector(url=address)
        with pytest.raises(WorkerDied):
            await connector.execute(stub("StubEndThread", how="exit"))
        port = int(address.rsplit(":", 1)[1])
    with plain_server(server, users, with_extension=True, port=port):
        await assert_works(connector)


async def test_text_of_ours_with_a_lone_surrogate_leaves_an_attached_comfyui_alone(
    make_connector: Make, server: Server, tmp_path: Path
):
    folder = f"{temporary_folder()}/contexts/\ud800"
    inputs = {"unique_id": "a", "version": "v1", "wanted": "{}"}
    loader = {"class_type": "DiscomfortContextLoader", "inputs": inputs}
    data = {"order": {"run_dir": folder}, "frozen": {}, "hidden": [], "shown": {}}
    shown = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        connector = await make_connector(url=address)
        with pytest.raises(NodeFailed, match=r"is not in the store of .*\\ud800"):
            await connector.execute_own({"1": loader, "2": shown}, run_data=data)
        await assert_works(connector)
