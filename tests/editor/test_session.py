"""The nested ComfyUI of the editor's nodes: kept, ended when idle, and with its ComfyUI."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from custom_nodes.discomfort.errors import ExecutionError
from support.servers import Server, real_servers, require, wait_for, wait_until

from .outer import client_of, runner, show, started


async def test_it_ends_when_idle_and_with_a_comfyui_that_is_killed(tmp_path: Path):
    newest = require((real_servers() or [Server("real", Path("no ComfyUI found"))])[0])
    settings = tmp_path / "user" / "discomfort" / "editor.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"WORKER_IDLE_MINUTES": 0.0005}), encoding="utf-8")
    with started(newest, tmp_path) as outer:
        async with client_of(outer) as client:
            node = runner("loop_text.json", values="text = a", free_models=True)
            result = await client.execute({"1": node, "2": show(["1", 0])}, timeout=180)
            assert result.outputs["2"]["text"] == ["a."]
            await wait_for(lambda: not outer.nested(), "the end of an idle worker")
            assert "it had nothing to do" in outer.log

            nested: list[int] = []

            def kill_it_at_work(event: Any) -> None:
                if type(event).__name__ == "Progress" and event.value > 0 and not nested:
                    nested.extend(outer.nested())
                    psutil.Process(outer.pid).kill()

            node = runner("sleep.json", values="seconds = 600")
            with pytest.raises(ExecutionError):
                await client.execute(
                    {"1": node, "2": show(["1", 0])}, on_event=kill_it_at_work, timeout=180
                )
            assert len(nested) == 1
            wait_until(lambda: not psutil.pid_exists(nested[0]), "the end of an orphaned worker")


async def test_node_says_what_its_nested_comfyui_does_while_that_starts(tmp_path: Path):
    newest = require((real_servers() or [Server("real", Path("no ComfyUI found"))])[0])
    prompt = {"1": runner("loop_text.json", values="text = a"), "2": show(["1", 0])}
    said: list[str] = []
    with started(newest, tmp_path) as outer:
        async with (
            aiohttp.ClientSession(outer.address) as browser,
            browser.ws_connect("/ws?clientId=browser") as socket,
        ):
            async with browser.post("/prompt", json={"prompt": prompt, "client_id": "browser"}):
                pass
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    said += re.findall(r"ComfyUI is starting, .*", message.data.decode("latin-1"))
                elif message.json()["type"] in ("execution_success", "execution_error"):
                    assert message.json()["type"] == "execution_success"
                    break
    assert len(set(said)) > 1
    assert any(re.fullmatch(r"ComfyUI is starting, \d+ s: .+", line) for line in said), said
