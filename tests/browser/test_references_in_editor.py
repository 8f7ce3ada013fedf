"""References that were exported open in the editor, whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.workflow_tools import WorkflowTools
from support.front_end import Editor
from support.opened_in_editor import assert_opens
from support.servers import Server, write_config

WORKFLOWS = Path(__file__).resolve().parents[2] / "test_workflows"
CASES = {
    "over several files": (
        ["load_model", "add_lora", "encode_text"], {"positive_text": "a lighthouse"}, "positive"
    ),
    "with a large frozen picture": (
        ["type_video"], {"pictures": torch.rand(1, 512, 512, 3)}, "video"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def worker(comfyui: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyConnector]:
    path = write_config(tmp_path_factory.mktemp("config"), comfyui.path)
    connector = ComfyConnector(load_config(WorkerConfig, path.name, path))
    asyncio.run(connector.start())
    yield connector
    asyncio.run(connector.kill_api())


@pytest_asyncio.fixture(loop_scope="session", params=list(CASES.values()), ids=list(CASES))
async def exported(
    request: pytest.FixtureRequest, worker: ComfyConnector, tmp_path: Path
) -> AsyncIterator[dict[str, Any]]:
    """A reference as `export_reference` writes it."""
    names, inputs, unique_id = request.param
    discomfort = Discomfort(worker)
    discomfort.Tools.pass_by_rules = {**discomfort.Tools.pass_by_rules, "VIDEO": "ref"}
    path = tmp_path / "reference.json"
    with discomfort.Context() as context:
        await discomfort.run([WORKFLOWS / f"{n}.json" for n in names], inputs, context=context)
        context.export_reference(unique_id, path)
    discomfort._engine.contexts.close()  # the worker is shared
    yield json.loads(path.read_text(encoding="utf-8"))


async def test_an_exported_reference_opens_whole(editor: Editor, exported):
    complaints: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error":
            complaints.append(message.text)

    editor.page.on("console", note)
    try:
        shown = await assert_opens(editor, exported)
        assert await editor.js(
            "() => app.graph._nodes.every((n) => LiteGraph.registered_node_types[n.type])"
        )
        assert not await editor.page.get_by_role("dialog").count()
    finally:
        editor.page.remove_listener("console", note)
    assert complaints == []
    # What is frozen into it is in the file that the editor saves, and nothing is left open.
    assert shown["extra"]["discomfort"] == exported["extra"]["discomfort"]
    ports, had = (WorkflowTools().discover_ports(each) for each in (shown, exported))
    assert ports["outputs"].keys() == had["outputs"].keys() and len(ports["outputs"]) == 1
    assert ports["inputs"].keys() == had["inputs"].keys()
