"""A worker that is handed from one script to the next: who gets in, and what stays."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import psutil
import pytest
from custom_nodes.discomfort.worker.launch.guard import TOKEN_HEADER
from custom_nodes.discomfort.worker.launch.inside_comfyui import HELLO_PATH
from custom_nodes.discomfort.worker.launch.keeping import LET_GO_PATH, TAKE_PATH
from support.kept_worker import KeptWorker, kept_worker
from support.servers import DEADLINE_S, Server, one_node, stub, wait_until
from support.small_weights import write_esrgan, write_taesd


@pytest.fixture(scope="module")
def one_worker(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptWorker]:
    folder = tmp_path_factory.mktemp("kept")
    arguments = [] if server.is_fake else write_models(folder)
    with kept_worker(server, folder, arguments) as worker:
        yield worker


def write_models(folder: Path) -> list[str]:
    """Small ones, for ComfyUI's own loaders; the arguments with which it finds them."""
    for name in ("upscale_models", "vae_approx"):
        (folder / name).mkdir()
    write_esrgan(folder / "upscale_models" / "tiny.safetensors")
    write_taesd(folder / "vae_approx")
    paths = folder / "paths.json"
    places = {"upscale_models": "upscale_models", "vae_approx": "vae_approx"}
    paths.write_text(json.dumps({"test": {"base_path": str(folder), **places}}))
    return ["--extra-model-paths-config", str(paths)]


@pytest.fixture
def kept(one_worker: KeptWorker) -> KeptWorker:
    """With a new master, whatever the test before has left."""
    one_worker.let_go()
    assert one_worker.take().status == 200
    return one_worker


def used(file: str, seed: int) -> dict:
    """Shows how often that file was loaded."""
    return {
        "1": {"class_type": "StubLoadFile", "inputs": {"file": file, "precision": "default"}},
        "2": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": seed}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
    }


def shown(entry: dict, node_id: str = "3") -> str:
    return entry["outputs"][node_id]["text"][0]


def block(seconds: float) -> dict:
    return stub("StubBlock", seconds=seconds, nonce=time.monotonic_ns())


def sleep(seconds: float = 900.0) -> dict:
    return stub("StubSleep", seconds=seconds, nonce=time.monotonic_ns())


def is_running(kept: KeptWorker) -> bool:
    return bool(kept.ask("GET", "/queue").body["queue_running"])


def test_each_token_reaches_what_is_for_it_and_nothing_else(kept, server):
    for prefix in ("",) if server.is_fake else ("", "/api"):
        for path in (LET_GO_PATH, TAKE_PATH, LET_GO_PATH.replace("keep", "%6Beep")):
            assert kept.ask("POST", prefix + path, {}).status == 403
            assert kept.ask("POST", prefix + path, {}, token="").status == 401
            assert kept.ask("POST", prefix + path, {}, token=secrets.token_hex(20)).status == 401
    for path in (HELLO_PATH, "/system_stats", "/queue", "/history", "/ws", "/nowhere"):
        assert kept.ask("GET", path, token=kept.keeper).status == 403
    assert kept.ask("GET", HELLO_PATH).body["kept"] == []


def test_between_two_masters_nobody_is_answered_and_the_last_never_again(kept):
    old = kept.token
    assert kept.take().status == 409, "it has a master"
    assert kept.let_go().status == 200
    for path in (HELLO_PATH, "/queue", "/system_stats"):
        for token in (old, secrets.token_urlsafe(32), ""):
            assert kept.ask("GET", path, token=token).status == 401
        assert kept.ask("GET", path, token=kept.keeper).status == 403
    for bad in (old, kept.keeper, "short", 5, [], kept.process.launch.command[0][:3]):
        assert kept.take(bad).status == 400
    assert kept.take(output="not/whole").status == 400
    assert kept.take().status == 200
    assert kept.take().status == 409
    assert kept.ask("GET", HELLO_PATH, token=old).status == 401
    assert kept.ask("GET", HELLO_PATH).body["pid"] == kept.pid
    kept.hand_over()
    assert kept.ask("GET", HELLO_PATH, token=old).status == 401


async def test_a_websocket_of_the_last_master_is_closed(kept):
    host, port = kept.place
    headers = {TOKEN_HEADER: kept.token}
    async with aiohttp.ClientSession(headers=headers) as session:
        address = f"http://{host}:{port}/ws?clientId=old"
        async with session.ws_connect(address) as ws:
            assert (await ws.receive()).type is aiohttp.WSMsgType.TEXT
            gone = await asyncio.to_thread(kept.let_go)
            assert gone.status == 200
            message = await asyncio.wait_for(ws.receive(), DEADLINE_S)
            ends = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)
            assert message.type in ends
            with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
                await session.ws_connect(address)
    assert kept.take().status == 200


def test_a_download_of_the_last_master_ends(kept):
    size = 200 << 20
    output = Path(kept.hello["folders"]["output"])
    output.mkdir(exist_ok=True)
    with (output / "large.bin").open("wb") as file:
        file.truncate(size)
    with kept.begin("GET /view?filename=large.bin&type=output HTTP/1.1", b"", 0) as connection:
        assert connection.recv(1000)
        assert kept.let_go().status == 200
        received = 0
        try:
            while chunk := connection.recv(1 << 20):
                received += len(chunk)
        except ConnectionError:
            pass
        assert received < size
    (output / "large.bin").unlink()
    assert kept.take().status == 200


@pytest.mark.parametrize("kind", ["upload", "prompt"])
def test_a_request_in_the_middle_never_lands(kept, kind):
    name = f"half-{secrets.token_hex(8)}.png"
    if kind == "upload":
        head = "POST /upload/image HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b"
        body = f'--b\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
        rest = b"x" * 1000 + b"\r\n--b--\r\n"
    else:
        head, body = "POST /prompt HTTP/1.1\r\nContent-Type: application/json", '{"prompt": '
        rest = b'{"1": {"class_type": "StubBlock", "inputs": {"seconds": 5, "nonce": 1}}}}'
    data = body.encode()
    with kept.begin(head, data, len(data) + len(rest)) as connection:
        before = kept.ask("GET", "/queue")  # the server has seen the beginning by then
        assert before.status == 200
        assert kept.let_go().status == 200
        try:
            connection.sendall(rest)
            assert not connection.recv(1000)
        except ConnectionError:
            pass
    assert kept.take().status == 200
    assert not (Path(kept.hello["folders"]["input"]) / name).exists()
    assert kept.ask("GET", "/queue").body == {"queue_running": [], "queue_pending": []}


def test_what_runs_is_interrupted_and_what_waits_is_dropped(kept):
    kept.queue(sleep())
    kept.queue(block(900))
    wait_until(lambda: is_running(kept), "the start of the node")
    kept.hand_over()
    assert kept.ask("GET", "/queue").body == {"queue_running": [], "queue_pending": []}
    assert kept.ask("GET", "/history").body == {}
    assert shown(kept.run(one_node(7)), "2") == "7"


def test_a_node_that_heeds_no_interrupt_is_told_and_lets_nobody_in(kept):
    old = kept.token
    kept.queue(block(4))
    wait_until(lambda: is_running(kept), "the start of the node")
    began = time.monotonic()
    refused = kept.let_go(0.3)
    assert (refused.status, refused.body["is_idle"]) == (409, False)
    assert "interrupt" in refused.body["why"]
    assert time.monotonic() - began < 4
    assert kept.take().status == 409
    assert kept.ask("GET", "/queue", token=old).status == 401
    kept.hand_over()  # by and by
    assert shown(kept.run(one_node(8)), "2") == "8"


def test_who_lets_go_twice_at_once_hears_the_same(kept):
    kept.queue(sleep())
    wait_until(lambda: is_running(kept), "the start of the node")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: kept.let_go(), range(2))
    assert first == second == kept.let_go()
    assert first.status == 200
    for bad in ("soon", -1, None, True, 1e9):
        assert kept.ask("POST", LET_GO_PATH, {"wait_s": bad}, kept.keeper).status == 400
    assert kept.take().status == 200


def counted(name: str, value: int) -> dict:
    return {
        "1": {"class_type": "StubCount", "inputs": {"name": name, "value": value}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


def test_values_states_and_files_of_the_last_script_are_gone(kept):
    name = secrets.token_hex(8)
    for _ in range(2):
        kept.run(counted(name, 5))
        kept.run(stub("StubRemember", text=name))
        assert kept.run(stub("StubCounts", name=name))["outputs"]["1"]["count"] == [1 + _]
    temp = Path(kept.hello["folders"]["temp"])
    user = temp.parent.parent / "user"
    (temp / name).mkdir(parents=True)
    (temp / name / "preview.png").write_bytes(b"x")
    (user / f"{name}.json").write_text("{}")
    kept.hand_over()
    assert kept.run(stub("StubRemember", text=""))["outputs"]["1"]["text"] == [""]
    kept.run(counted(name, 5))
    assert kept.run(stub("StubCounts", name=name))["outputs"]["1"]["count"] == [3]
    assert not (temp / name).exists()
    assert not (user / f"{name}.json").exists()
    assert name not in str(kept.ask("GET", "/internal/logs/raw").body)


def test_nodes_save_in_the_next_masters_folder(kept, tmp_path):
    kept.let_go()
    assert kept.take(output=str(tmp_path / "his")).body["folders"]["output"] == str(
        tmp_path / "his"
    )
    picture = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1}}
    picture["inputs"]["color"] = 0
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine"}}
    kept.run({"1": picture, "2": save})
    assert [file.name[:5] for file in (tmp_path / "his").iterdir()] == ["mine_"]


BASE = {"class_type": "StubLoadFile", "inputs": {"file": "base.safetensors"}}
BASE["inputs"]["precision"] = "default"  # type: ignore[index]


def test_a_model_is_loaded_once_for_many_scripts(kept):
    loads = shown(kept.run(used("base.safetensors", 0)))
    for seed in range(1, 4):
        assert kept.hand_over() == [BASE]
        assert kept.ask("GET", HELLO_PATH).body["kept"] == [BASE]
        assert shown(kept.run(used("base.safetensors", seed))) == loads
    kept.run(one_node(1))  # a script that does not go on keeping it
    assert kept.hand_over() == []
    assert int(shown(kept.run(used("base.safetensors", 9)))) == int(loads) + 1


def test_what_a_script_has_typed_in_is_not_kept(kept):
    prompt = used("other.safetensors", 1)
    prompt["1"] = {"class_type": "StubLoadModel", "inputs": {"name": "typed in"}}
    loads = int(shown(kept.run(prompt)))
    assert kept.hand_over() == []
    assert int(shown(kept.run(prompt))) == loads + 1


@pytest.mark.parametrize("cache", ["--cache-lru 20", "--cache-none", "--cache-ram 0.5"])
def test_in_other_cache_modes_models_alone_are_kept_too(server, tmp_path, cache, leaves_nothing):
    is_newest = server.name == "ComfyUI"
    if server.is_fake or not (is_newest or cache == "--cache-lru 20"):
        return  # it has one mode; an older one differs in how its caches are asked, in all alike
    with kept_worker(server, tmp_path, cache.split()) as kept:
        name, seeds = secrets.token_hex(8), iter(range(9))
        runs = int(shown(kept.run(used("base.safetensors", next(seeds)))))
        kept.run(counted(name, 5))
        other = used("other.safetensors", next(seeds))
        kept.run(other)
        had = [node["inputs"]["file"] for node in kept.hand_over()]
        kept.run({**counted(name, 5), "9": other["1"]})
        assert kept.run(stub("StubCounts", name=name))["outputs"]["1"]["count"] == [2]
        loads = int(shown(kept.run(used("base.safetensors", next(seeds)))))
        expected = {
            "--cache-lru 20": (runs, ["base.safetensors", "other.safetensors"]),
            "--cache-none": (runs + 1, []),
            "--cache-ram 0.5": (runs + 1, ["other.safetensors"]),  # as within one script
        }
        assert (loads, had) == expected[cache]


def test_memory_and_handles_stay_flat_over_many_scripts(kept):
    process = psutil.Process(kept.pid)
    handles = process.num_handles if hasattr(process, "num_handles") else process.num_fds

    def scripts(count: int) -> tuple[int, int, int]:
        for i in range(count):
            kept.run(used("base.safetensors", i))
            kept.queue({**sleep(), "2": BASE})
            assert kept.hand_over() == [BASE]
        return process.memory_info().rss, handles(), process.num_threads()

    first, last = scripts(20), scripts(100)
    assert last[0] - first[0] < 24 << 20
    assert last[1] <= first[1] + 2
    assert last[2] <= first[2] + 2


def test_models_that_real_loaders_read_are_kept_and_values_made_with_them_not(kept, server):
    if server.is_fake:
        return  # it has no models
    prompt = {
        "1": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "tiny.safetensors"}},
        "2": {"class_type": "VAELoader", "inputs": {"vae_name": "taesd"}},
        "3": {"class_type": "EmptyImage", "inputs": dict.fromkeys(("width", "height"), 32)},
        "4": {
            "class_type": "ImageUpscaleWithModel",
            "inputs": {"upscale_model": ["1", 0], "image": ["3", 0]},
        },
        "5": {"class_type": "VAEEncode", "inputs": {"vae": ["2", 0], "pixels": ["4", 0]}},
        "6": {"class_type": "VAEDecode", "inputs": {"vae": ["2", 0], "samples": ["5", 0]}},
        "7": {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}},
    }
    prompt["3"]["inputs"] |= {"batch_size": 1, "color": 0}  # type: ignore[operator]
    assert cached(kept.run(prompt)) == set()
    temp = Path(kept.hello["folders"]["temp"])
    assert list(temp.iterdir())
    assert models_at_work(kept, prompt) >= 1
    for _ in range(2):
        kinds = [node["class_type"] for node in kept.hand_over()]
        assert kinds == ["UpscaleModelLoader", "VAELoader"]
        assert list(temp.iterdir()) == []
        assert models_at_work(kept, prompt) == 0
        assert cached(kept.run(prompt)) == {"1", "2"}


def models_at_work(kept: KeptWorker, pinned: dict | None = None) -> int:
    """How many ComfyUI has where it runs them, which is a GPU where there is one."""
    loaders = {i: (pinned or {})[i] for i in ("1", "2")} if pinned else {}
    entry = kept.run({**loaders, "9": {"class_type": "StubLoadedModels", "inputs": {}}})
    return entry["outputs"]["9"]["count"][0]


def cached(entry: dict) -> set[str]:
    """The nodes that did not run."""
    return next(set(m[1]["nodes"]) for m in entry["status"]["messages"] if m[0].endswith("cached"))


def test_what_the_last_script_gave_beside_a_prompt_is_not_the_next_ones(kept):
    prompt, prompt_id = stub("DiscomfortFree", nonce=secrets.token_hex(8)), str(uuid.uuid4())
    about = {"order": {}, "hidden": [], "shown": {}}
    kept.queue(sleep())
    body = {"prompt": prompt, "prompt_id": prompt_id, "discomfort": about}
    assert kept.ask("POST", "/prompt", body).status == 200
    kept.hand_over()
    body.pop("discomfort")
    assert kept.ask("POST", "/prompt", body).status == 200
    found: dict = {}
    wait_until(
        lambda: found.update(kept.ask("GET", f"/history/{prompt_id}").body) or found, "its end"
    )
    assert found[prompt_id]["status"]["status_str"] == "error"
    assert "PermissionError" in str(found[prompt_id]["status"]["messages"])
