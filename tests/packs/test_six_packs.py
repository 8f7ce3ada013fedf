"""Workflows with nodes of six packs: what `run` gives is what the page's queue button gives.

One ComfyUI with the packs, and one page with their JavaScript. The packs are looked for in `packs/`
below the user's cache folder, or in DISCOMFORT_TEST_PACKS: clones by their names, and in
`site-packages` what their Python needs beside ComfyUI's own environment. Where they are not, the
tests are skipped. The workflows are ours, after real ones of these packs, with nodes that run
without models.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy
import pytest
import pytest_asyncio
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.launch import worker_folder
from custom_nodes.discomfort.worker.launch.find_comfyui import user_cache_dir
from PIL import Image, ImageSequence
from support.front_end import Editor, browser_or_reason, open_editor
from support.servers import (
    one_node,
    own_data_folder,
    plain_server,
    real_servers,
    skip_or_fail,
)

WORKFLOWS = Path(__file__).resolve().parent / "workflows"
PACKS = Path(os.environ.get("DISCOMFORT_TEST_PACKS") or user_cache_dir() / "packs")
NAMES = (
    "rgthree-comfy",
    "ComfyUI-KJNodes",
    "cg-use-everywhere",
    "ComfyUI-VideoHelperSuite",
    "ComfyUI-Impact-Pack",
    "ComfyUI-Easy-Use",
)
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    # A script of Impact Pack from 2024 that this front end can't load nodes with.
    "Comfy.Extension.Disabled": ["Comfy.impact.comboBoolMigration"],
}
# Where the page keeps what a node has shown; the class has no such input.
SHOWN_ON_PAGE = {("Display Any (rgthree)", "output")}
SAVES_ONE_PICTURE = ("broadcast", "contexts", "loop")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Users:
    """A user's ComfyUI with the packs, and its page."""

    address: str
    base: Path
    editor: Editor

    def decoded(self, shown: Any) -> Any:
        """What nodes show, with the contents of files in place of their names."""
        if isinstance(shown, list):
            return [self.decoded(item) for item in shown]
        if not isinstance(shown, Mapping) or "filename" not in shown:
            return shown
        folder = self.base / str(shown["type"]) / str(shown.get("subfolder") or "")
        return frames(folder / shown["filename"])


def frames(path: Path) -> list[Any]:
    """The pixels of a picture or of a video, as lists, with what tells one kind from another."""
    if path.suffix in (".mp4", ".webm"):
        with av.open(str(path)) as video:
            stream = video.streams.video[0]
            about = [path.suffix, str(stream.average_rate), stream.codec_context.pix_fmt]
            pictures = [f.to_ndarray(format="rgb24") for f in video.decode(stream)]
    else:
        with Image.open(path) as picture:
            about = [path.suffix, picture.info.get("duration"), picture.mode]
            pictures = [numpy.asarray(f) for f in ImageSequence.Iterator(picture)]
    assert pictures and all(p.size for p in pictures)
    return [*about, *(p.tolist() for p in pictures)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A ComfyUI with the six packs and this extension: its address and its folder."""
    missing = [name for name in NAMES if not (PACKS / name / "__init__.py").is_file()]
    if missing:
        pytest.skip(f"no node packs {', '.join(missing)} in {PACKS}")
    found = [s for s in real_servers() if "0.3.64" not in s.name]
    if not found:
        skip_or_fail("no real ComfyUI whose front end these packs are for")
    base = tmp_path_factory.mktemp("packs")
    (base / "custom_nodes").mkdir()
    for name in NAMES:
        worker_folder.link_folder(base / "custom_nodes" / name, PACKS / name)
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    environment = {
        "PYTHONPATH": os.pathsep.join([str(base / "modules"), str(PACKS / "site-packages")]),
        "YOLO_CONFIG_DIR": str(base / "yolo"),
        "MPLCONFIGDIR": str(base / "matplotlib"),
    }
    with pytest.MonkeyPatch.context() as patch:
        own_data_folder(patch, base / "data")
        with plain_server(found[0], base, with_extension=True, environment=environment) as (
            address,
            _,
        ):
            yield address, base


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def users(server: tuple[str, Path]) -> AsyncIterator[Users]:
    address, base = server
    async with contextlib.AsyncExitStack() as stack:
        browser, reason = await browser_or_reason(stack)
        if browser is None:
            skip_or_fail(reason)
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        yield Users(address, base, await open_editor(context, address, base))
        await context.close()


async def test_all_six_packs_are_there(users: Users):
    failed = [line for line in log_of(users).splitlines() if "IMPORT FAILED" in line]
    assert failed == [], log_of(users)


@pytest.mark.parametrize("name", [path.stem for path in sorted(WORKFLOWS.glob("*.json"))])
async def test_a_run_gives_what_the_queue_button_gives(users: Users, name: str):
    path = WORKFLOWS / f"{name}.json"
    await users.editor.start_blank()
    await users.editor.load(json.loads(path.read_text(encoding="utf-8")))
    by_page = await users.editor.queue()
    assert by_page["status"]["status_str"] == "success", by_page["status"]
    await forget_what_is_cached(users.address)
    before = (await get(users.address, "/history")).keys()
    async with await Discomfort.create(url=users.address) as discomfort:
        results = await discomfort.run(path)
    by_us = await entry_beside(before, users.address)
    assert cached_nodes(by_us) == []
    asked, given = by_page["prompt"][2], by_us["prompt"][2]
    # A run leaves out nodes that feed nothing: of Use Everywhere, for one.
    left_out = [i for i in asked if i not in given]
    assert plain({i: given[i] for i in given if i in asked}) == plain(
        {i: asked[i] for i in asked if i not in left_out}
    )
    shown = {
        i: {k: users.decoded(v) for k, v in by_us["outputs"][i].items()} for i in wanted(by_us)
    }
    assert shown == {
        i: {k: users.decoded(v) for k, v in by_page["outputs"][i].items()} for i in wanted(by_page)
    }
    if name in SAVES_ONE_PICTURE:
        levels = (results["Save Image"].clamp(0, 1) * 255).numpy().astype(numpy.uint8)
        (of_page,) = [
            v
            for s in by_page["outputs"].values()
            for v in s.get("images", [])
            if v["type"] == "output"
        ]
        assert levels.tolist() == users.decoded(of_page)[3:]
    assert shown and users.editor.problems == []


def wanted(entry: Mapping[str, Any]) -> list[str]:
    """The nodes of the workflow that have shown something."""
    return [i for i in entry["outputs"] if entry["prompt"][2].get(i, {}).get("class_type")]


def plain(prompt: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for node_id, node in prompt.items():
        kind = node["class_type"]
        inputs = {k: v for k, v in node["inputs"].items() if (kind, k) not in SHOWN_ON_PAGE}
        found[node_id] = kind, inputs
    return found


def cached_nodes(entry: Mapping[str, Any]) -> list[str]:
    events = dict(entry["status"]["messages"])
    return events.get("execution_cached", {}).get("nodes", [])


def log_of(users: Users) -> str:
    return (users.base / "log.txt").read_text(errors="replace")


async def entry_beside(before: Collection[str], address: str) -> Mapping[str, Any]:
    """The one further entry of the history, which is written a moment after a run's success."""
    while True:
        after = await get(address, "/history")
        new = [entry for key, entry in after.items() if key not in before]
        if new:
            (entry,) = new
            return entry


async def get(address: str, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(address + path) as reply:
        return await reply.json()


async def forget_what_is_cached(address: str) -> None:
    """So that all nodes run again. ComfyUI does it after the next prompt at the latest."""
    async with aiohttp.ClientSession() as session:
        await session.post(f"{address}/free", json={"free_memory": True})
        async with session.post(f"{address}/prompt", json={"prompt": one_node()}) as reply:
            prompt_id = (await reply.json())["prompt_id"]
    ended: list[bool] = []
    while not ended:
        ended += [True] if await get(address, f"/history/{prompt_id}") else []
    async with aiohttp.ClientSession() as session:
        await session.post(f"{address}/history", json={"delete": [prompt_id]})
