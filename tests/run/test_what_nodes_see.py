"""What nodes and the files that they save get to see: what was run, with its ports, and nothing of
folders, other runs and kept nodes.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.client.events import NodeStarted, Queued
from custom_nodes.discomfort.workflow_context import WorkflowContext
from support.prompts import port
from support.servers import Server

PICTURE = torch.rand(1, 8, 8, 3)


@pytest.fixture
def seers(server: Server) -> list[str]:
    """The classes that tell what they see; the newer form is unknown to the fake."""
    return ["StubSees"] if server.name == "fake" else ["StubSees", "StubSeesV3"]


def looks(kind: str) -> dict[str, Any]:
    """A prompt whose ports become loaders, literals, a reference and savers."""
    return {
        "1": port("picture"),
        "2": port("model"),
        "3": {
            "class_type": kind,
            "inputs": {"nonce": ["4", 0], "image": ["1", 0], "model": ["2", 0]},
        },
        "4": port("nonce"),
        "5": port("between", ["3", 0]),
        "6": port("seen", ["5", 0]),
        "7": port("own", ["3", 1]),
        "8": {"class_type": "StubCount", "inputs": {"name": "which nothing needs", "value": 1}},
    }


def load(name: str, kind: str) -> dict[str, Any]:
    """A model, through a node that looks for itself in the prompt."""
    return {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": name}},
        "2": {"class_type": kind, "inputs": {"nonce": name, "model": ["1", 0]}},
        "3": port("model", ["2", 2]),
    }


USE = {
    "1": port("model"),
    "2": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 1}},
    "3": port("told", ["2", 0]),
}


def nothing_private_in(text: str, context: WorkflowContext) -> None:
    for private in (str(context.folder), context.internal.store.book.token, "Context", "ref-"):
        assert private not in text


async def test_nodes_see_the_prompt_with_its_ports(discomfort: Discomfort, seers: list[str]):
    for kind in seers:
        name = uuid.uuid4().hex
        with discomfort.Context() as context, discomfort.Context() as other:
            await discomfort.run(load(f"kept {name}", kind), context=other)
            await discomfort.run(USE, context=other)  # so that its nodes are kept in each prompt
            await discomfort.run(load(name, kind), context=context)
            inputs = {"picture": PICTURE, "nonce": name}
            results = await discomfort.run(looks(kind), inputs, context=context)
            seen = json.loads(results["seen"])
            assert seen == {"prompt": looks(kind), "extra_pnginfo": None}
            own = looks(kind)["3"]
            assert json.loads(results["own"]) == [own, own, None]
            assert "kept" not in results["seen"]
            nothing_private_in(results["seen"], context)


async def test_nodes_of_a_reference_find_themselves(discomfort: Discomfort, seers: list[str]):
    for kind in seers:
        with discomfort.Context() as context:
            await discomfort.run(load(uuid.uuid4().hex, kind), context=context)
            assert "told" in await discomfort.run(USE, context=context)


async def test_a_node_that_walks_the_prompt_finds_every_node_that_it_names(
    discomfort: Discomfort,
):
    prompt = {
        "1": port("picture"),
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": port("between", ["2", 0]),
        "4": {"class_type": "StubWalks", "inputs": {"image": ["3", 0]}},
        "5": port("kinds", ["4", 0]),
        "6": {"class_type": "StubCount", "inputs": {"name": "which nothing needs", "value": 1}},
    }
    results = await discomfort.run(prompt, {"picture": PICTURE})
    kinds = json.loads(results["kinds"])
    assert {"ImageInvert", "StubWalks", "DiscomfortContextSaver"} <= set(kinds)


async def test_a_cached_node_is_served_whatever_the_run_and_savers_run_in_each(
    discomfort: Discomfort,
):
    """What stands beside the prompt is none of ComfyUI's cache's business."""
    started: list[str] = []

    def note(event: Any) -> None:
        if isinstance(event, NodeStarted):
            started.append(event.node_id)

    prompt = {
        "1": port("picture"),
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": port("inverted", ["2", 0]),
    }
    with discomfort.Context() as context:
        context.save("picture", PICTURE)
        for _ in range(3):
            started.clear()
            results = await discomfort.run(prompt, context=context, on_event=note)
            assert torch.equal(results["inverted"], 1 - PICTURE)
        assert started == ["3"]


async def test_the_history_has_nothing_of_where_values_are(discomfort: Discomfort, name: str):
    prompt = {
        "1": port("picture"),
        "2": {"class_type": "StubSees", "inputs": {"nonce": name, "image": ["1", 0]}},
        "3": port("seen", ["2", 0]),
    }
    queued: list[str] = []

    def note(event: Any) -> None:
        if isinstance(event, Queued):
            queued.append(event.prompt_id)

    with discomfort.Context() as context:
        await discomfort.run(prompt, {"picture": PICTURE}, context=context, on_event=note)
        client = await discomfort.Worker._ensure_client()
        written = json.dumps(await client.ask.written_history(queued[0]))
        assert name in written
        assert str(context.folder) not in written
        assert "run_dir" not in written and "token" not in written


@pytest.fixture
def name() -> str:
    return uuid.uuid4().hex


SOUND = {"waveform": torch.rand(1, 2, 4800) - 0.5, "sample_rate": 48000}
FILM = torch.rand(2, 16, 16, 3)
KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "SaveImage": ("images", PICTURE, {}),
    "SaveAnimatedPNG": ("images", FILM, {"fps": 6.0, "compress_level": 4}),
    "SaveAnimatedWEBP": (
        "images",
        FILM,
        {"fps": 6.0, "lossless": True, "quality": 80, "method": "fastest"},
    ),
    "SaveAudio": ("audio", SOUND, {}),
    "SaveAudioMP3": ("audio", SOUND, {"quality": "V0"}),
    "SaveAudioOpus": ("audio", SOUND, {"quality": "128k"}),
    "SaveWEBM": ("images", FILM, {"codec": "vp9", "fps": 6.0, "crf": 32.0}),
    "SaveVideo": ("video", FILM, {"format": "mp4", "codec": "h264"}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_that_was_saved_runs_again(
    discomfort: Discomfort, server: Server, kind: str, name: str
):
    if server.name == "fake" and kind != "SaveImage":
        pytest.skip("the fake saves PNG files only")
    entry, value, inputs = KINDS[kind]
    prompt = {
        "1": port("value"),
        "2": port("prefix"),
        "3": {
            "class_type": kind,
            "inputs": {entry: ["1", 0], "filename_prefix": ["2", 0], **inputs},
        },
    }
    if entry == "video":
        prompt["3"]["inputs"]["video"] = ["4", 0]
        prompt["4"] = {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 8.0}}
    folder = Path(discomfort.Worker._server.hello["folders"]["output"]) / name  # type: ignore[union-attr]
    given = {"value": value, "prefix": f"{name}/first"}
    with discomfort.Context() as context:
        await discomfort.run(prompt, given, context=context)
        (first,) = folder.glob("first*")
        assert str(context.folder).encode() not in first.read_bytes()
        assert b"Context" not in first.read_bytes()
    with discomfort.Context() as context:
        await discomfort.run(first, {**given, "prefix": f"{name}/second"}, context=context)
    (second,) = folder.glob("second*")
    assert discomfort.Tools.workflow_from_image(second) == prompt
