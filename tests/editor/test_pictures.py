"""The two nodes for pictures: what they read, send and give, and in a user's ComfyUI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from custom_nodes.discomfort.editor.picture_nodes import picture_folder, vision
from custom_nodes.discomfort.editor.picture_nodes.endpoint import find_endpoint
from custom_nodes.discomfort.errors import (
    ExecutionError,
    NodeFailed,
    ValidationFailed,
    WorkflowError,
)
from custom_nodes.discomfort.values.images import encode_jpeg
from custom_nodes.discomfort.values.picture_files import open_mask_as_tensor
from PIL import Image

from .outer import Outer, show, told
from .vision_server import VisionServer


def write(path: Path, width: int = 8, height: int = 6, color: Any = (255, 0, 0)) -> Path:
    mode = "RGBA" if len(color) == 4 else "RGB"
    Image.new(mode, (width, height), color).save(path)
    return path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    (made / "deep").mkdir(parents=True)
    for age, name in enumerate(["b2.png", "b10.png", "B1.png", "a.jpg", "deep/c.webp"]):
        path = write(made / name)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (made / "notes.txt").write_text("no picture")
    return made


@pytest.mark.parametrize(
    ("pattern", "sort", "limit", "expected"),
    [
        ("*", "natural", 0, ["a.jpg", "B1.png", "b2.png", "b10.png"]),
        ("*", "name", 0, ["B1.png", "a.jpg", "b10.png", "b2.png"]),
        ("*", "date", 0, ["a.jpg", "B1.png", "b10.png", "b2.png"]),
        ("*", "date, newest first", 2, ["b2.png", "b10.png"]),
        ("b*.png", "natural", 1, ["b2.png"]),
        ("**/*", "natural", 0, ["a.jpg", "B1.png", "b2.png", "b10.png", "c.webp"]),
    ],
)
def test_pictures_are_found_in_the_order_asked_for(folder, pattern, sort, limit, expected):
    assert names(picture_folder.find_pictures(folder, pattern, sort, limit)) == expected


def test_a_pattern_finds_nothing_outside_the_folder(folder):
    write(folder.parent / "secret.png")
    (folder / "link").symlink_to(folder.parent, target_is_directory=True)
    with pytest.raises(WorkflowError, match="no pictures"):
        picture_folder.find_pictures(folder, "link/*.png", "name", 0)
    for pattern in ("../*.png", "a/../../*", str(folder.parent / "*.png"), r"\\host\share\*"):
        with pytest.raises(WorkflowError, match="can't be used: it leads out of the folder"):
            picture_folder.find_pictures(folder, pattern, "name", 0)


def test_unequal_sizes_follow_the_rule(tmp_path):
    first = write(tmp_path / "1.png", 8, 4)
    wide = tmp_path / "2.png"
    stripes = numpy.zeros((8, 32, 3), dtype=numpy.uint8)
    stripes[:, 8:24] = 255  # the middle half is white
    Image.fromarray(stripes).save(wide)
    loaded = {
        rule: picture_folder.load_pictures([first, wide], rule)
        for rule in ("resize", "crop", "pad")
    }
    for pictures in loaded.values():
        assert pictures.images.shape == (2, 4, 8, 3) and pictures.masks.shape == (2, 4, 8)
        assert pictures.images.dtype is torch.float32
    white = {rule: (p.images[1].mean(-1) > 0.9).float().mean().item() for rule, p in loaded.items()}
    assert white["crop"] == 1.0 and 0.2 <= white["resize"] <= 0.5 and 0 < white["pad"] <= 0.25
    assert loaded["pad"].masks[1].mean() == 0.5 and loaded["crop"].masks.max() == 0.0
    with pytest.raises(WorkflowError, match=r"2\.png has 32 x 8 pixels, and 1\.png 8 x 4"):
        picture_folder.load_pictures([first, wide], "error")


def test_a_mask_is_what_is_transparent(tmp_path):
    clear = write(tmp_path / "a.png", color=(0, 0, 0, 51))
    assert torch.allclose(open_mask_as_tensor(clear), torch.full((1, 6, 8), 0.8))
    assert open_mask_as_tensor(write(tmp_path / "b.png")).tolist() == torch.zeros(1, 6, 8).tolist()


def test_a_folder_that_changed_has_another_fingerprint(folder):
    paths = picture_folder.find_pictures(folder, "*", "name", 0)
    before = picture_folder.fingerprint(paths)
    assert picture_folder.fingerprint(paths) == before
    os.utime(paths[0], (5, 5))
    assert picture_folder.fingerprint(paths) != before
    assert picture_folder.fingerprint(paths[1:]) != before


PICTURE = encode_jpeg(torch.zeros(1, 60, 80, 3), 40)[0]


async def ask(
    server: VisionServer, model: str, key_variable: str = "", **options: Any
) -> vision.Answer:
    where = find_endpoint(server.url, key_variable, {"MY_KEY": server.url})
    question = vision.Question(where, model, "What is it?", **options)
    return await vision.describe(question, PICTURE)


async def test_a_picture_is_described(vision_server):
    assert await ask(vision_server, "good picture") == ("A red square.", 0.0)
    (note,) = vision_server.asked("good picture")
    assert note["path"] == "/v1/chat/completions" and note["prompt"] == "What is it?"
    assert note["size"] == [40, 30] and note["format"] == "JPEG" and note["key"] is None
    assert (await ask(vision_server, "parts")).text == "A red square."


@pytest.mark.parametrize("line", ["Rating: 7", "**Rating** : ** 7", "rating**:**7", "Rating = 7"])
def test_a_rating_line_is_found_in_whatever_dress_and_at_once(line):
    assert vision.find_rating(f"3 cats\n{line}\n9", "0 to 10") == 7
    with pytest.raises(ExecutionError, match="gave no rating"):
        vision.find_rating("rating" + " " * 1_000_000, "0 to 10")


async def test_a_rating_is_a_number(vision_server):
    answer = await ask(vision_server, "rate 7.5", rating="0 to 10")
    assert answer.rating == 7.5 and "2 cats" in answer.text
    assert "a number from 0 to 10" in vision_server.asked("rate 7.5")[0]["prompt"]
    with pytest.raises(ExecutionError, match="rating 75, which is not from 0 to 10"):
        await ask(vision_server, "rate 75", rating="0 to 10")
    with pytest.raises(ExecutionError, match="gave no rating"):
        await ask(vision_server, "good", rating="0 to 10")


async def test_it_asks_again_when_the_server_is_busy_or_fails(vision_server, monkeypatch):
    monkeypatch.setattr(vision, "_FIRST_PAUSE_S", 0.01)
    assert (await ask(vision_server, "busy 2")).text == "A red square."
    assert len(vision_server.asked("busy 2")) == 3
    assert (await ask(vision_server, "down 1", retries=1)).text == "A red square."
    with pytest.raises(ExecutionError, match="answered 500.*try later"):
        await ask(vision_server, "down 9", retries=2)
    assert len(vision_server.asked("down 9")) == 3


async def test_it_does_not_wait_for_an_hour(vision_server):
    with pytest.raises(ExecutionError, match="answered 429.*tomorrow"):
        await ask(vision_server, "late")
    assert len(vision_server.asked("late")) == 1


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("garbage", "something else than an OpenAI-compatible server"),
        ("empty", "without a text"),
        ("away", "answered 307"),
    ],
)
async def test_what_is_no_answer_is_told(vision_server, model, words):
    before = len(vision_server.asked(model))
    with pytest.raises(ExecutionError, match=words):
        await ask(vision_server, model)
    assert len(vision_server.asked(model)) == before + 1


async def test_a_slow_and_an_absent_server_are_told(vision_server):
    with pytest.raises(ExecutionError, match=r"did not answer within 0\.2 s"):
        await ask(vision_server, "slow", timeout_s=0.2, retries=0)
    with pytest.raises(ExecutionError) as caught:
        await ask(VisionServer("http://127.0.0.1:1/v1", vision_server.log), "x", retries=0)
    said = str(caught.value)
    assert said.startswith("http://127.0.0.1:1/v1/chat/completions can't be reached: ")
    assert said.endswith(". Is the server running? Check url.") and "ssl" not in said


async def test_the_nodes_in_comfyui(client, outer: Outer, vision_server):
    pictures = outer.base / "input" / "shots"
    pictures.mkdir()
    for name, color in (("10.png", (0, 255, 0)), ("9.png", (255, 0, 0))):
        write(pictures / name, color=color)
    load = {
        "folder": "shots",
        "pattern": "*.png",
        "sort": "natural",
        "limit": 0,
        "unequal_sizes": "error",
    }
    question = {
        "image": ["1", 0],
        "url": vision_server.url,
        "model": "rate 8",
        "prompt": "What?",
        "rating": "0 to 10",
        "key_variable": "",
    }
    prompt = {
        "1": {"class_type": "DiscomfortFolderImageLoader", "inputs": load},
        "2": {"class_type": "DiscomfortImageDescriber", "inputs": question},
        "3": show(["1", 3]),
        "4": show(["1", 2]),
        "5": show(["2", 1]),
        "6": {"class_type": "StubDigest", "inputs": {"image": ["1", 0]}},
    }
    result = await client.execute(prompt, timeout=60)
    assert result.outputs["3"]["text"] == ["9.png\n10.png"]
    assert result.outputs["4"]["text"] == ["2"]
    assert result.outputs["6"]["shape"] == [[2, 6, 8, 3]]
    assert "8" in result.outputs["5"]["text"][0]
    asked = len(vision_server.asked("rate 8"))
    again = await client.execute(prompt, timeout=60)
    assert {"1", "2"} <= set(again.cached) and len(vision_server.asked("rate 8")) == asked
    write(pictures / "11.png", color=(0, 0, 255))
    result = await client.execute(prompt, timeout=60)
    assert result.outputs["4"]["text"] == ["3"]


REFUSED = {
    "no folder": ("DiscomfortFolderImageLoader", {"folder": "nowhere"}, "There is no folder"),
    "outside": ("DiscomfortFolderImageLoader", {"folder": "/etc"}, "outside the folders"),
    "no pictures": (
        "DiscomfortFolderImageLoader",
        {"folder": "", "pattern": "*.tga"},
        "no pictures",
    ),
    "no model": ("DiscomfortImageDescriber", {"model": ""}, "model is empty"),
    "key": ("DiscomfortImageDescriber", {"key_variable": "sk-abc"}, "must be the NAME"),
    "key elsewhere": (
        "DiscomfortImageDescriber",
        {"url": "https://evil.example/v1", "key_variable": "OPENAI_API_KEY"},
        "may be sent to https://api.openai.com only",
    ),
    "key to this machine": (
        "DiscomfortImageDescriber",
        {"key_variable": "OPENAI_API_KEY"},
        "may be sent to https://api.openai.com only",
    ),
    "no key": (
        "DiscomfortImageDescriber",
        {"url": "https://api.mistral.ai/v1", "key_variable": "MISTRAL_API_KEY"},
        "is not set",
    ),
    "no server of ours": (
        "DiscomfortImageDescriber",
        {"url": "https://evil.example/v1"},
        'Add "https://evil.example/" to VISION_SERVERS',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_bad_input_is_told_once_before_anything_runs(client, case):
    kind, given, words = REFUSED[case]
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    inputs = {
        "DiscomfortFolderImageLoader": {
            "folder": "",
            "pattern": "*",
            "sort": "name",
            "limit": 0,
            "unequal_sizes": "resize",
        },
        "DiscomfortImageDescriber": {
            "image": ["0", 0],
            "url": "http://127.0.0.1:1",
            "model": "m",
            "prompt": "?",
            "rating": "off",
            "key_variable": "",
        },
    }[kind]
    prompt = {
        "0": {"class_type": "EmptyImage", "inputs": image},
        "1": {"class_type": kind, "inputs": {**inputs, **given}},
        "2": show(["1", 0]),
    }
    with pytest.raises(ValidationFailed) as caught:
        await client.execute(prompt, timeout=30)
    assert words in told(caught.value)


async def test_an_answer_that_fails_is_a_readable_error(client, vision_server):
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    question = {
        "image": ["0", 0],
        "url": vision_server.url,
        "model": "garbage",
        "prompt": "?",
        "rating": "off",
        "key_variable": "",
    }
    prompt = {
        "0": {"class_type": "EmptyImage", "inputs": image},
        "1": {"class_type": "DiscomfortImageDescriber", "inputs": question},
        "2": show(["1", 0]),
    }
    with pytest.raises(NodeFailed, match="RuntimeError.*something else than an OpenAI"):
        await client.execute(prompt, timeout=60)
