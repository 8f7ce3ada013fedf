"""The rules that a pack brings, from its folder through the server into a conversion."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.worker.launch.pack_rules import PATH
from support.servers import Make, Server, own_data_folder, plain_server

pytestmark = [pytest.mark.usefixtures("leaves_nothing"), pytest.mark.one_version]

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "node_packs.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```json\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
NODES = """
class Slider:
    RETURN_TYPES, FUNCTION, CATEGORY = ("INT",), "run", "test"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"default": 0})}}

    def run(self, value):
        return (value,)


class Save:
    RETURN_TYPES, FUNCTION, CATEGORY, OUTPUT_NODE = (), "run", "test", True

    @classmethod
    def INPUT_TYPES(cls):
        texts = {"filename_prefix": ("STRING", {"default": ""})}
        return {"required": {"number": ("INT", {"forceInput": True}), **texts}}

    def run(self, number, filename_prefix):
        return {"ui": {"text": [f"{filename_prefix}: {number}"]}}


NODE_CLASS_MAPPINGS = {"MyPack Slider": Slider, "MyPack Save Number": Save}
"""


def node(node_id: int, kind: str, values: Any, takes: Any = None, **more: Any) -> dict[str, Any]:
    inputs = [] if takes is None else [{"name": takes[0], "type": "*", "link": takes[1]}]
    outputs = [{"name": "out", "type": "*", "links": []}]
    about = {"id": node_id, "type": kind, "mode": 0, "widgets_values": values}
    return {**about, "inputs": inputs, "outputs": outputs, "properties": {}, **more}


WORKFLOW = {
    "nodes": [
        node(1, "MyPack Slider", [3], properties={"slider_value": 42}),
        node(2, "MyPack Send", ["width"], ("in", 1)),
        node(3, "MyPack Receive", ["width"]),
        node(4, "MyPack Save Number", {"filename_prefix": "n", "shown": "9"}, ("number", 2)),
        node(5, "MyPack Label", ["a label"], ("any", 3)),
    ],
    "links": [[1, 1, 0, 2, 0, "*"], [2, 3, 0, 4, 0, "*"], [3, 1, 0, 5, 0, "*"]],
    "version": 0.4,
}


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The pack of the documentation, without its rules; the user has none, too."""
    own_data_folder(monkeypatch, tmp_path / "data")
    folder = tmp_path / "ComfyUI-MyPack"
    folder.mkdir()
    (folder / "__init__.py").write_text(NODES, encoding="utf-8")
    yield folder


async def shown(worker: ComfyConnector) -> list[str]:
    prompt = await worker.get_prompt_from_workflow(WORKFLOW)
    assert set(prompt) == {"1", "4"}
    return (await worker.execute(prompt)).outputs["4"]["text"]


async def test_the_example_of_the_documentation_works_as_it_stands(
    server: Server, make_connector: Make, pack: Path, caplog: pytest.LogCaptureFixture
):
    (pack / "discomfort_rules.json").write_text(EXAMPLE, encoding="utf-8")
    worker = await make_connector(server.path, extra_custom_nodes=[pack])
    assert await shown(worker) == ["n: 42"]
    assert not [r for r in caplog.records if r.name == "discomfort.packs"]
    if server.is_fake:  # which counts what it is asked
        await worker.object_info_index()
        client = await worker._ensure_client()
        asked = (await client.http.get("/fake/requests")).json()
        assert asked[PATH] == 1


async def test_saved_as_the_users_own_it_does_the_same_and_a_change_counts_at_once(
    make_connector: Make, pack: Path, tmp_path: Path
):
    worker = await make_connector(extra_custom_nodes=[pack])
    with pytest.raises(WorkflowError, match="MyPack"):
        await worker.get_prompt_from_workflow(WORKFLOW)
    discomfort = Discomfort(worker)
    with pytest.raises(WorkflowError, match="MyPack"):
        await discomfort.plan(WORKFLOW)
    mine = tmp_path / "data" / "discomfort" / "rules" / "mypack.json"
    mine.parent.mkdir(mode=0o700, parents=True)
    mine.write_text(EXAMPLE, encoding="utf-8")
    assert await shown(worker) == ["n: 42"]
    before = await discomfort.plan(WORKFLOW)
    assert before.workflows[0].prompt["1"]["inputs"] == {"value": 42}
    mine.write_text(EXAMPLE.replace('"slider_value"', '"another"'), encoding="utf-8")
    after = await discomfort.plan(WORKFLOW)
    assert after.workflows[0].prompt["1"]["inputs"] == {"value": 3}
    mine.unlink()
    with pytest.raises(WorkflowError, match="MyPack"):
        await discomfort.plan(WORKFLOW)
    discomfort._engine.contexts.close()


async def test_a_bad_file_of_a_pack_is_told_and_stops_nothing(
    make_connector: Make, pack: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING)
    bad = {"broken": "{", "wrong": '{"classes": {"X": {"y": 1}}}', "huge": " " * 2_000_000}
    packs = []
    for name, text in bad.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}", encoding="utf-8")
        (folder / "discomfort_rules.json").write_text(text, encoding="utf-8")
        packs.append(folder)
    (tmp_path / "leads_out").mkdir()
    (tmp_path / "leads_out" / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}")
    (tmp_path / "leads_out" / "discomfort_rules.json").symlink_to(tmp_path / "data.json")
    (tmp_path / "data.json").write_text('{"secret": 1}')
    failed = tmp_path / "not_loaded.disabled"
    failed.mkdir()
    (failed / "discomfort_rules.json").write_text("{", encoding="utf-8")
    (pack / "discomfort_rules.json").write_text(EXAMPLE, encoding="utf-8")
    packs += [tmp_path / "leads_out", failed, pack]
    worker = await make_connector(extra_custom_nodes=packs)
    assert await shown(worker) == ["n: 42"]
    said = [r.getMessage() for r in caplog.records if r.name == "discomfort.packs"]
    assert len(said) == 4 and "secret" not in "".join(said)
    for name, reason in (
        ("broken", "not valid JSON"),
        ("wrong", "'y'"),
        ("huge", "more than 1 MB"),
        ("leads_out", "leads out"),
    ):
        place = f"custom_nodes/{name}/discomfort_rules.json is passed over"
        assert [m for m in said if place in m and reason in m]


async def test_a_comfyui_that_is_attached_gives_them_to_scripts_of_its_user(
    server: Server, pack: Path, tmp_path: Path
):
    (pack / "discomfort_rules.json").write_text(EXAMPLE, encoding="utf-8")
    base = tmp_path / "users"
    (base / "custom_nodes").mkdir(parents=True)
    (base / "custom_nodes" / pack.name).symlink_to(pack, target_is_directory=True)
    with plain_server(server, base, with_extension=True) as (address, _):
        connector = await ComfyConnector.create(url=address)
        try:
            assert await shown(connector) == ["n: 42"]
        finally:
            await connector.release()
        async with aiohttp.ClientSession() as session, session.get(address + PATH) as reply:
            assert reply.status == 403 and "MyPack" not in await reply.text()
