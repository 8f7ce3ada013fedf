"""In a ComfyUI that is no worker our own nodes work for scripts of its user, and nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import WorkerStartError
from custom_nodes.discomfort.worker.launch import proof
from custom_nodes.discomfort.worker.launch.inside_comfyui import HELLO_PATH, TOKEN_HEADER
from support.prompts import port
from support.servers import Make, Server, own_data_folder, plain_server

pytestmark = [pytest.mark.usefixtures("leaves_nothing"), pytest.mark.one_version]

COPY = {"1": port("given"), "2": port("copied", ["1", 0])}


async def ask(address: str, path: str, headers: dict[str, str] | None = None) -> Any:
    async with aiohttp.ClientSession(headers=headers) as session, session.get(address + path) as r:
        return await r.json()


async def post(address: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> int:
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{address}/prompt", json=body) as reply,
    ):
        return reply.status


async def history(address: str, prompt_id: str = "") -> dict[str, Any]:
    """The history, once it has a prompt: ComfyUI tells the end of one a moment before."""
    for _ in range(1200):
        if entries := await ask(address, f"/history/{prompt_id}".rstrip("/")):
            return entries
        await asyncio.sleep(0.05)
    raise AssertionError("no prompt ended within 60 s")


async def ended(address: str, prompt_id: str) -> dict[str, Any]:
    """The history entry of a prompt, once it is there."""
    return (await history(address, prompt_id))[prompt_id]


def why(entry: dict[str, Any]) -> str:
    """What the node that failed said."""
    (said,) = (d for name, d in entry["status"]["messages"] if name == "execution_error")
    return said["exception_message"]


async def test_folders_are_told_to_a_script_of_the_user_only(server: Server, tmp_path: Path):
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        said = await ask(address, HELLO_PATH)
        assert set(said) == {"start", "missing", "proof"}
        port_number = urlsplit(address).port or 0
        good = proof.script_token(said["start"], port_number)
        for bad in (
            "",
            "x",
            good[:-1],
            said["proof"],
            proof.script_token(said["start"], port_number + 1),
            proof.script_token("another", port_number),
        ):
            assert "folders" not in await ask(address, HELLO_PATH, {TOKEN_HEADER: bad})
        about = await ask(address, HELLO_PATH, {TOKEN_HEADER: good})
        assert about["folders"]["input"] == str(tmp_path / "users" / "input")


async def test_internal_nodes_do_nothing_in_a_prompt_that_anybody_queued(
    server: Server, tmp_path: Path
):
    with (
        plain_server(server, tmp_path / "users", with_extension=True) as (address, _),
        Discomfort.Context() as context,
    ):
        context.save("secret", "of the user")
        loan = context.internal.lend(["secret"])  # as if all names had leaked
        loader = {"unique_id": "secret", "wanted": "{}", "version": loan.versions["secret"]}
        frozen = {**loader, "unique_id": "", "version": "ab" * 32}
        show = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}
        saver = {"unique_id": "theirs", "input_data": ["2", 0]}
        given = {
            "order": loan.save_order.to_json(),
            "frozen": {"ab" * 32: loan.versions["secret"]},
            "hidden": [],
            "shown": {},
        }
        picture = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
        prompts = {
            "loader": {"1": {"class_type": "DiscomfortContextLoader", "inputs": loader}, "2": show},
            "frozen loader": {
                "1": {"class_type": "DiscomfortContextLoader", "inputs": frozen},
                "2": show,
            },
            "saver": {
                "1": {"class_type": "DiscomfortContextSaver", "inputs": saver},
                "2": {"class_type": "EmptyImage", "inputs": picture},
            },
            "free": {"1": {"class_type": "DiscomfortFree", "inputs": {"nonce": "a"}}},
        }
        for prompt in prompts.values():
            prompt_id = str(uuid.uuid4())
            body = {"prompt": prompt, "prompt_id": prompt_id, "discomfort": given}
            assert await post(address, body) == 200
            assert "this one came from elsewhere" in why(await ended(address, prompt_id))
        assert not list((context.folder / "handoff").iterdir())
        assert not context.internal.collect(loan)


async def test_script_of_the_user_runs_and_its_prompts_are_nobody_elses(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    base = tmp_path / "users"
    caplog.set_level(logging.DEBUG)
    with plain_server(server, base, with_extension=True) as (address, _):
        async with await Discomfort.create(url=address) as discomfort:
            results = await discomfort.run(COPY, {"given": [1, "x"]})
            assert results == {"copied": [1, "x"]}
            seen = await history(address)
            (prompt_id, *_) = seen
            body = {"prompt": {"1": {"class_type": "DiscomfortFree", "inputs": {"nonce": "a"}}}}
            assert await post(address, {**body, "prompt_id": prompt_id}) == 409
        secret = (base / "data" / "discomfort" / "attach" / "secret").read_bytes()
        said = await ask(address, HELLO_PATH)
        token = proof.script_token(said["start"], urlsplit(address).port or 0)
        everything = json.dumps(seen) + caplog.text + (base / "log.txt").read_text()
        everything += json.dumps(await ask(address, "/system_stats")) + json.dumps(said)
        for hidden in (secret.hex(), token):
            assert hidden not in everything


async def test_a_scripts_prompt_is_nobody_elses_in_whatever_charset(server: Server, tmp_path: Path):
    """ComfyUI reads a body in the charset that the request names."""
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        async with await Discomfort.create(url=address) as discomfort:
            await discomfort.run(COPY, {"given": [1, "x"]})
            (prompt_id, *_) = await history(address)
        prompt = {"1": {"class_type": "DiscomfortFree", "inputs": {"nonce": "a"}}}
        body = json.dumps({"prompt": prompt, "prompt_id": prompt_id})
        bodies = {
            "utf-7": body.replace('"prompt_id"', '"+AHA-rompt_id"').encode(),
            "utf-16-be": body.encode("utf-16-be"),
            "unicode_escape": body.replace('"prompt_id"', r'"\x70rompt_id"').encode(),
            "utf-8-sig": body.encode("utf-8-sig"),
        }
        async with aiohttp.ClientSession() as session:
            for charset, data in bodies.items():
                headers = {"Content-Type": f"application/json; charset={charset}"}
                async with session.post(f"{address}/prompt", data=data, headers=headers) as reply:
                    assert reply.status == 409, charset
            headers = {"Content-Type": "application/json; charset=none-of-these"}
            async with session.post(f"{address}/prompt", data=body, headers=headers) as reply:
                assert reply.status >= 400


async def test_server_of_another_user_is_refused(
    server: Server, make_connector: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with plain_server(server, tmp_path / "users", with_extension=True) as (address, _):
        own_data_folder(monkeypatch, tmp_path / "another")
        with pytest.raises(WorkerStartError, match="does not know the secret of this user"):
            await make_connector(url=address)
    monkeypatch.undo()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes like these")
def test_secret_is_private_and_one_that_was_not_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own_data_folder(monkeypatch, tmp_path)
    first = proof.script_token("start", 1)
    (path,) = tmp_path.rglob("secret")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert proof.script_token("start", 1) == first
    path.chmod(0o644)
    second = proof.script_token("start", 1)
    assert second != first and path.stat().st_mode & 0o777 == 0o600
    theirs = tmp_path / "theirs"
    theirs.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(theirs)
    assert proof.script_token("start", 1) != second and not path.is_symlink()


def test_proofs_differ_by_who_gives_them_and_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own_data_folder(monkeypatch, tmp_path)
    given = [
        proof.script_token("a", 1),
        proof.script_token("a", 2),
        proof.script_token("b", 1),
        proof.server_proof("n", "a", 1),
        proof.server_proof("m", "a", 1),
        proof.server_proof("", "a", 1),
        proof.server_proof("script", "a", 1),
    ]
    assert len(set(given)) == len(given)
    assert proof.is_equal(given[0], given[0]) and not proof.is_equal(None, given[0])
