"""The user's own ComfyUI beside a worker: never touched; and used, when it is attached to."""

from __future__ import annotations

import asyncio
import gc
import re
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from custom_nodes.discomfort.errors import ConfigError, WorkerStartError
from PIL import Image
from support.servers import (
    NODE_PACKS,
    Make,
    Server,
    assert_works,
    children,
    one_node,
    plain_server,
    stub,
    wait_for,
    worker_folders,
)

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and p.name != "log.txt"
    }


async def get_json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as reply:
        return await reply.json()


@dataclass(frozen=True)
class Users:
    """A user's ComfyUI, which does not have this extension."""

    address: str
    pid: int
    base: Path


@pytest.fixture(scope="module")
def users(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    base = tmp_path_factory.mktemp("users")
    with plain_server(server, base, with_extension=False) as (address, pid):
        yield Users(address, pid, base)


async def test_attached_server_without_the_extension_is_refused(
    server: Server, users: Users, make_connector: Make
):
    with pytest.raises(WorkerStartError, match="does not have this extension"):
        await make_connector(server.path, url=users.address)


@pytest.mark.one_version
async def test_users_own_comfyui_is_untouched_by_start_runs_and_stop(
    server: Server, users: Users, make_connector: Make
):
    base = users.base
    (base / "temp").mkdir(exist_ok=True)
    (base / "temp" / "precious.png").write_bytes(b"the user's preview")
    (base / "output" / "mine.png").write_bytes(b"the user's picture")
    prompt = stub("StubSleep", seconds=600.0, nonce=1)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{users.address}/ws?clientId=u") as ws,
    ):
        body = {"prompt": prompt, "client_id": "u"}
        async with session.post(f"{users.address}/prompt", json=body) as reply:
            assert reply.status == 200
        before = files_of(base)
        queue = await get_json(session, f"{users.address}/queue")
        # The same base folder: were it not for our own, both would use the same temp and user.
        connector = await make_connector(
            server.path, extra_args=["--base-directory", str(base)], extra_custom_nodes=[]
        )
        for _ in range(20):
            await assert_works(connector)
        await connector.execute(
            {
                "1": {
                    "class_type": "EmptyImage",
                    "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
                },
                "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
                "3": {
                    "class_type": "SaveImage",
                    "inputs": {"images": ["1", 0], "filename_prefix": "ours"},
                },
            }
        )
        await connector.kill_api()
        assert files_of(base) == before
        after = await get_json(session, f"{users.address}/queue")
        assert [i[1] for i in after["queue_running"]] == [
            i[1] for i in queue["queue_running"] or after["queue_running"]
        ]
        assert not ws.closed and psutil.pid_exists(users.pid)


async def test_attached_server_with_the_extension_runs_prompts_and_outlives_us(
    server: Server, make_connector: Make, tmp_path: Path
):
    base, picture, before = tmp_path / "users", tmp_path / "of mine.png", worker_folders()
    Image.new("RGB", (6, 4), (255, 0, 0)).save(picture)
    with plain_server(server, base, with_extension=True) as (address, pid):
        connector = await make_connector(server.path, url=address)
        assert connector.state == "ready" and connector.server_address == address
        assert connector.pid is None and connector.auth_headers == {}
        await assert_works(connector)
        path = connector.upload_data(picture, subfolder="sub", is_ephemeral=True)
        assert Path(path) == base / "input" / "sub" / "of mine.png"
        load = {
            "1": {"class_type": "LoadImage", "inputs": {"image": path}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        }
        load["3"] = {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "attached/p"},
        }
        result = await connector.execute(load)
        (shown,) = result.outputs["2"]["images"]
        assert (base / "temp" / shown["filename"]).is_file()
        (saved,) = result.files["3"]
        assert saved.path.is_file() and saved.path.parent == base / "output" / "attached"
        await connector.kill_api()
        assert not (base / "input" / "sub").exists() and worker_folders() <= before
        assert psutil.pid_exists(pid)
        # As people write it.
        short = address.removeprefix("http://")
        again = await make_connector(server.path, config={"ATTACH_URL": f" {short}/ "})
        assert again.server_address == address
        await assert_works(again)
        if sys.platform != "darwin":  # which has one loopback address only
            await assert_others_are_refused(address)


async def assert_others_are_refused(address: str) -> None:
    """What asks from another address is on another machine, for all that is known."""
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with (
        aiohttp.ClientSession(connector=elsewhere) as session,
        session.get(f"{address}/discomfort/hello") as reply,
    ):
        assert reply.status == 403


@pytest.mark.one_version
async def test_attached_server_that_is_started_anew_is_asked_again(
    server: Server, make_connector: Make, tmp_path: Path
):
    base = tmp_path / "users"
    with plain_server(server, base, with_extension=True) as (address, _):
        connector = await make_connector(server.path, url=address)
        version, info = connector.object_info_version, await connector.object_info()
        assert "LaterNode" not in info
    await wait_for(lambda: connector.state == "error", "the news of its end")
    with pytest.raises(WorkerStartError, match="No ComfyUI answers"):
        await connector.execute(one_node(1))
    shutil.copytree(NODE_PACKS / "later", base / "custom_nodes" / "later")
    port = int(address.rsplit(":", 1)[1])
    with plain_server(server, base, with_extension=True, port=port):
        await assert_works(connector)
        assert "LaterNode" in await connector.object_info()
        assert connector.object_info_version == version + 1
        assert connector.state == "ready"
        assert await connector.object_info() is await connector.object_info()


async def test_attaching_where_nothing_answers_is_refused(make_connector: Make):
    with pytest.raises(WorkerStartError, match="No ComfyUI answers.*Start it, or") as caught:
        await make_connector(url="http://127.0.0.1:9")
    assert "ssl" not in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert told.count("Traceback") == 1 and len(str(caught.value).splitlines()) == 1


async def test_attaching_takes_no_arguments_of_a_start(make_connector: Make):
    for arguments in ({"cuda_device": 0}, {"output_directory": "here"}):
        with pytest.raises(ConfigError, match="runs already"):
            await make_connector(url="http://127.0.0.1:9", **arguments)


@pytest.mark.parametrize("url", ["hello", "hello:", "ftp://127.0.0.1:9", ":8188"])
async def test_attaching_to_what_is_no_address_is_refused(make_connector: Make, url: str):
    with pytest.raises(WorkerStartError, match="http://127"):
        await make_connector(url=url)


@pytest.mark.parametrize("url", ["127.0.0.1:9", "localhost:9", "[::1]:9", "127.0.0.1:9/"])
async def test_host_and_port_are_an_address(make_connector: Make, url: str):
    with pytest.raises(WorkerStartError, match=rf"at http://{re.escape(url)} "):
        await make_connector(url=url)


async def test_attaching_to_another_scripts_worker_is_refused(make_connector: Make):
    connector = await make_connector()
    with pytest.raises(WorkerStartError, match="another script"):
        await make_connector(url=connector.server_address)


@pytest.mark.one_version
async def test_thousand_runs_leave_memory_handles_history_and_files_as_they_were(
    server: Server, make_connector: Make
):
    connector = await make_connector(server.path)
    client = await connector._ensure_client()
    assert connector.pid

    async def run(count: int) -> None:
        for _ in range(count):
            await connector.execute(one_node(time.monotonic_ns()))

    def measure(pid: int) -> tuple[int, int, int]:
        process = psutil.Process(pid)
        handles = process.num_handles() if sys.platform == "win32" else process.num_fds()
        return process.memory_info().rss, handles, process.num_threads()

    def all_files() -> int:
        return sum(1 for folder in worker_folders() for p in folder.rglob("*") if p.is_file())

    await run(500)  # caches and pools fill up
    gc.collect()
    ours, theirs, files = measure(psutil.Process().pid), measure(connector.pid), all_files()
    started = len(children())
    await run(1000)
    gc.collect()
    for before, after in ((ours, measure(psutil.Process().pid)), (theirs, measure(connector.pid))):
        assert after[0] < before[0] * 1.05 + 4_000_000
        assert after[1] <= before[1] + 2
        assert after[2] <= before[2] + 2
    assert all_files() <= files + 1
    assert len(children()) < started + 10  # a browser of other tests has processes, too
    ends = time.monotonic() + 120
    while len((await client.http.get("/history")).json()) > 60:
        assert time.monotonic() < ends, "the history is never trimmed"
        await run(1)


async def test_many_creates_and_kills_leave_nothing(make_connector: Make):
    before = psutil.Process().num_fds() if hasattr(psutil.Process(), "num_fds") else 0
    for _ in range(4):
        connector = await make_connector()
        await assert_works(connector)
        await connector.kill_api()
    gc.collect()
    if before:
        await wait_for(
            lambda: psutil.Process().num_fds() <= before + 3, "the end of all connections"
        )
    await asyncio.sleep(0)
