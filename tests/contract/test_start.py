"""A start that takes long: the script that waits is told in words what it is doing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.worker import start_notice
from support.servers import STUB_NODES, Server, assert_works, wait_for, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.mark.one_version
async def test_extension_that_imports_slowly_is_named_while_it_does(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(start_notice, "_LOGGED_AFTER_S", 0.5)
    monkeypatch.setattr(start_notice, "_SHOWN_AFTER_S", 0.5)
    release = tmp_path / "release"
    slow = tmp_path / "slow-pack"
    slow.mkdir()
    (slow / "__init__.py").write_text(
        f"import pathlib, time\nwhile not pathlib.Path({str(release)!r}).exists():\n"
        "    time.sleep(0.05)\nNODE_CLASS_MAPPINGS = {}\n",
        encoding="utf-8",
    )
    caplog.set_level(logging.WARNING, "discomfort.worker")
    creating = asyncio.ensure_future(
        ComfyConnector.create(
            write_config(tmp_path, server.path), extra_custom_nodes=[slow, STUB_NODES]
        )
    )

    def said() -> str:
        found = [c.start_words or "" for c in ComfyConnector._shared._objects.values()]
        return " ".join(found)

    await wait_for(lambda: ": importing slow-pack" in said(), "the words", deadline_s=120)
    assert said().startswith("ComfyUI is starting, ")
    await wait_for(lambda: "s: importing slow-pack" in caplog.text, "the log", deadline_s=120)
    release.touch()
    connector = await creating
    try:
        assert connector.start_words is None
        await assert_works(connector)
        info = await connector.object_info()
        assert not any("Start" in name and "iscomfort" in name for name in info)
    finally:
        await connector.kill_api()
