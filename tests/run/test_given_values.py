"""run(): what a script gives, in whatever form Python and its libraries have it, and what is no
such value is refused before anything is queued.
"""

from __future__ import annotations

import enum
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort.errors import NodeFailed, ValidationFailed, WorkflowError
from custom_nodes.discomfort.events import Queued
from custom_nodes.discomfort.values.save_value import save_value
from PIL import Image


class Mode(str, enum.Enum):
    UP = "UPPERCASE"


class Strength(float, enum.Enum):
    HALF = 0.5


class Whole(int):
    pass


def taker(kind: str) -> dict[str, Any]:
    """A prompt that says what a node with an input of a type got from the port "value"."""
    return {
        "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value"}},
        "2": {"class_type": f"StubTake{kind}", "inputs": {"value": ["1", 0]}},
        "3": {
            "class_type": "DiscomfortPort",
            "inputs": {"unique_id": "got", "input_data": ["2", 0]},
        },
    }


async def take(discomfort: Any, kind: str, value: Any) -> Any:
    return json.loads((await discomfort.run(taker(kind), {"value": value}))["got"])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Int", torch.tensor(5), ["int", 5]), ("Int", np.array([[5]]), ["int", 5]),
        ("Int", Decimal(5), ["int", 5]), ("Int", Whole(5), ["int", 5]),
        ("Float", Fraction(1, 2), ["float", 0.5]), ("Float", Strength.HALF, ["float", 0.5]),
        ("Float", torch.tensor(0.5, dtype=torch.float16), ["float", 0.5]),
        ("String", Mode.UP, ["str", "UPPERCASE"]), ("String", Path("a/b"), ["str", "a/b"]),
        ("String", np.str_("x"), ["str", "x"]), ("Boolean", np.bool_(False), ["bool", 0]),
        ("Ok", Path("ok"), ["str", "ok"]), ("Any", Decimal(5), ["Decimal", None]),
        ("Any", Path("a"), ["PosixPath", None]), ("Any", np.float64(0.5), ["float64", 0.5]),
    ],
)  # fmt: skip
async def test_a_plain_value_is_what_it_stands_for(
    discomfort: Any, kind: str, value: Any, expected: Any
) -> None:
    """Given, and stored: an input of any type gets the object itself."""
    assert await take(discomfort, kind, value) == expected
    with discomfort.Context() as context:
        context.save("value", value)
        results = await discomfort.run(taker(kind), context=context)
        assert json.loads(results["got"]) == expected
        assert type(context.load("value")) is type(value)


async def test_a_port_that_feeds_text_and_anything_gives_each_its_own(discomfort: Any) -> None:
    prompt = taker("String")
    prompt["4"] = {"class_type": "StubTakeAny", "inputs": {"value": ["1", 0]}}
    prompt["5"] = {
        "class_type": "DiscomfortPort",
        "inputs": {"unique_id": "object", "input_data": ["4", 0]},
    }
    results = await discomfort.run(prompt, {"value": Decimal("1.50")})
    assert json.loads(results["got"]) == ["str", "1.50"]
    assert json.loads(results["object"]) == ["Decimal", None]


@pytest.mark.parametrize(
    "value", [torch.tensor(5.5), Decimal("5.5"), Strength.HALF, np.float32(1.5)]
)
async def test_a_fraction_is_no_whole_number_in_whatever_form(discomfort: Any, value: Any) -> None:
    for call in (discomfort.plan, discomfort.run):
        with pytest.raises(WorkflowError, match="whole number"):
            await call(taker("Int"), {"value": value})


async def test_a_node_that_checks_text_sees_the_text_of_a_path(discomfort: Any) -> None:
    with pytest.raises(ValidationFailed, match="must be ok, not other"):
        await discomfort.run(taker("Ok"), {"value": Path("other")})


WAVE = torch.arange(8, dtype=torch.float32).reshape(2, 4)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Audio", (WAVE, 8000),
         {"waveform": ["float32", [1, 2, 4], 28.0], "sample_rate": ["int", 8000]}),
        ("Audio", {"waveform": WAVE[0].numpy(), "sample_rate": np.int64(8000)},
         {"waveform": ["float32", [1, 1, 4], 6.0], "sample_rate": ["int", 8000]}),
        ("Audio", (np.full((1, 2), -(2**15), np.int16), 8000.0),
         {"waveform": ["float32", [1, 1, 2], -2.0], "sample_rate": ["int", 8000]}),
        ("Sigmas", [2, 1.0, Decimal(0)], ["float32", [3], 3.0]),
        ("Sigmas", np.array([1, 0]), ["float32", [2], 1.0]),
        ("Sigmas", (1.0, 0.5), ["float32", [2], 1.5]),
        ("Latent", np.ones((1, 4, 2, 2), np.float32), {"samples": ["float32", [1, 4, 2, 2], 16.0]}),
        ("Image", np.full((2, 3, 3), 255, np.uint8), ["float32", [1, 2, 3, 3], 18.0]),
        ("Mask", Image.new("L", (3, 2), 255), ["float32", [1, 2, 3], 6.0]),
        ("Mask", Image.new("RGBA", (3, 2), (255, 255, 255, 0)), ["float32", [1, 2, 3], 6.0]),
        ("Mask", Image.new("LA", (3, 2), (255, 255)), ["float32", [1, 2, 3], 0.0]),
        ("Image", Image.new("RGBA", (3, 2), (255, 255, 255, 0)), ["float32", [1, 2, 3, 3], 18.0]),
        ("Image", np.ones((2, 3)), ["float32", [1, 2, 3, 3], 18.0]),
    ],
)  # fmt: skip
async def test_another_form_of_a_value_is_made_comfyuis(
    discomfort: Any, kind: str, value: Any, expected: Any
) -> None:
    assert await take(discomfort, kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("Audio", torch.ones(4), "sample_rate"), ("Audio", (8000, WAVE), "rate comes first"),
        ("Audio", {"waveform": WAVE}, "sample rate"), ("Audio", (WAVE, 0), "sample rate"),
        ("Audio", (WAVE, float("inf")), "sample rate"), ("Audio", (WAVE, True), "sample rate"),
        ("Audio", (WAVE, float("nan")), "sample rate"), ("Sigmas", np.array(["a"]), "SIGMAS"),
        ("Audio", (torch.ones(8000, 2), 8000), "waveform.T"),
        ("Audio", (torch.ones(1, 1, 1, 1), 8000), "waveform"), ("Audio", [8000], "AUDIO"),
        ("Sigmas", torch.ones(2, 2), "SIGMAS"), ("Sigmas", ["a"], "SIGMAS"),
        ("Sigmas", 5, "SIGMAS"),
        ("Video", torch.ones(2, 4, 4, 3), "CreateVideo"), ("Video", "a.mp4", "pathlib.Path"),
        ("Video", (np.zeros((2, 4, 4, 3)), 0), "frame rate"), ("Audio", "a.wav", "pathlib.Path"),
        ("Image", np.full((2, 2, 3), 255.0), "Divide them by 255"),
        ("Mask", np.full((2, 2), 255.0), "255"),
        ("Image", np.zeros((3, 8, 8)), r"an array .*numpy\.moveaxis\(array, -3, -1\)"),
        ("Image", Image.new("LAB", (2, 2)), "mode LAB"), ("Mask", Image.new("F", (1, 1), 99), "F"),
        ("Latent", {"samples": "x"}, "LATENT"),
        ("Latent", {"samples": None}, "LATENT"), ("Latent", torch.ones(4, 4), "LATENT"),
        ("Image", "picture.png", "pathlib.Path"), ("Mask", "mask.png", "pathlib.Path"),
        ("Image", torch.ones(1, 3, 8, 8), r"use tensor\.movedim\(-3, -1\)"),
        ("Image", object(), "IMAGE"),
        ("Int", torch.ones(2), "INT"), ("String", {"a": 1}, "STRING"), ("Boolean", [], "BOOLEAN"),
    ],
)  # fmt: skip
async def test_what_is_no_such_value_is_refused_before_anything_is_queued(
    discomfort: Any, kind: str, value: Any, words: str
) -> None:
    events: list[Any] = []
    with pytest.raises(WorkflowError, match=words) as caught:
        await discomfort.run(taker(kind), {"value": value}, on_event=events.append)
    assert "'value'" in str(caught.value)
    with pytest.raises(WorkflowError, match=words):
        await discomfort.plan(taker(kind), {"value": value})
    with discomfort.Context() as context:
        context.save("value", value)
        with pytest.raises(WorkflowError, match="'value'"):
            await discomfort.run(taker(kind), context=context, on_event=events.append)
    assert not any(isinstance(event, Queued) for event in events)


async def test_a_path_for_a_picture_is_opened_where_it_is_given(
    discomfort: Any, tmp_path: Path
) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (3, 2), (255, 0, 0)).save(path)
    assert await take(discomfort, "Image", path) == ["float32", [1, 2, 3, 3], 6.0]
    assert await take(discomfort, "String", path) == ["str", str(path)]
    results = await discomfort.run(taker("Image"), {"value": [path, path]})
    assert len(results["got"]) == 2
    plan = await discomfort.plan(taker("Image"), {"value": path})
    assert plan.given_bytes["value"] > 72
    with pytest.raises(FileNotFoundError, match="There is no picture"):
        await discomfort.run(taker("Image"), {"value": tmp_path / "none.png"})


@pytest.mark.parametrize("mode", ["L", "RGBA"])
async def test_a_path_for_a_mask_is_its_transparency_or_else_its_grey(
    discomfort: Any, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "mask.png"
    white = Image.new("L", (3, 2), 255)
    if mode == "RGBA":  # white is what is transparent (LoadImage)
        Image.merge("RGBA", [Image.new("L", (3, 2), 0)] * 4).save(path)
    else:
        white.save(path)
    assert await take(discomfort, "Mask", path) == ["float32", [1, 2, 3], 6.0]


async def test_a_path_of_an_animated_picture_is_all_of_its_frames(
    discomfort: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.gif"
    frames = [Image.new("RGB", (3, 2), (255 * i, 255 * i, 255 * i)) for i in (0, 1)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert await take(discomfort, "Image", path) == ["float32", [2, 2, 3, 3], 18.0]
    assert await take(discomfort, "Mask", path) == ["float32", [2, 2, 3], 6.0]


async def test_what_a_path_is_opened_for_is_stored_as_a_tensor(
    discomfort: Any, tmp_path: Path
) -> None:
    """The script's side needs no torch; whoever loads it has what it always was."""
    path = tmp_path / "red.png"
    Image.new("RGB", (3, 2), (255, 0, 0)).save(path)
    with discomfort.Context() as context:
        for value in (path, [path, path]):
            await discomfort.run(taker("Image"), {"value": value}, context=context)
            loaded = context.load("value")
            for picture in loaded if isinstance(value, list) else [loaded]:
                assert torch.equal(picture, discomfort.Tools.open_image_as_tensor(path))


def write_sound(path: Path) -> None:
    sound = {"waveform": torch.tensor([[[0.5, -0.5, 0.25]]]), "sample_rate": 8000}
    save_value("sound", sound, path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
async def test_a_path_of_a_sound_is_opened_where_comfyui_is(
    discomfort: Any, tmp_path: Path, name: str
) -> None:
    write_sound(tmp_path / name)
    expected = {"waveform": ["float32", [1, 1, 3], 0.25], "sample_rate": ["int", 8000]}
    assert await take(discomfort, "Audio", tmp_path / name) == expected
    with discomfort.Context() as context:
        context.save("value", tmp_path / name)
        results = await discomfort.run(taker("Audio"), context=context)
        assert json.loads(results["got"]) == expected


@pytest.mark.parametrize("kind", ["Audio", "Video"])
async def test_a_path_of_no_sound_or_video_is_refused(
    discomfort: Any, tmp_path: Path, kind: str
) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("ffconcat version 1.0\nfile 'b.mp4'\n", encoding="utf-8")
    events: list[Any] = []
    for path, error in ((text, ValueError), (tmp_path / "none.mp4", FileNotFoundError)):
        with pytest.raises(error, match=path.name):
            await discomfort.run(taker(kind), {"value": path}, on_event=events.append)
    with pytest.raises(ValueError, match="one file"):
        await discomfort.run(taker(kind), {"value": [text, text]}, on_event=events.append)
    assert not events
    if kind == "Audio":  # what is in it shows where it is read
        text.write_bytes(b"fLaC and no more")
        with pytest.raises(NodeFailed, match="'value' is no AUDIO"):
            await discomfort.run(taker(kind), {"value": text})


async def test_a_path_that_could_be_opened_in_two_ways_is_refused(
    discomfort: Any, tmp_path: Path
) -> None:
    with pytest.raises(WorkflowError, match="IMAGE and MASK"):
        await discomfort.run([taker("Image"), taker("Mask")], {"value": tmp_path / "a.png"})


async def test_a_path_that_the_script_has_saved_is_opened_for_a_picture(
    discomfort: Any, tmp_path: Path
) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (3, 2), (255, 0, 0)).save(path)
    with discomfort.Context() as context:
        context.save("value", path)
        assert context.load("value") == path
        plan = await discomfort.plan(taker("Image"), context=context)
        assert plan.given_bytes["value"] > 72 and context.load("value") == path
        results = await discomfort.run(taker("String"), context=context)
        assert json.loads(results["got"]) == ["str", str(path)]
        results = await discomfort.run(taker("Image"), context=context)
        assert json.loads(results["got"]) == ["float32", [1, 2, 3, 3], 6.0]
        context.save("value", [path, path])
        assert len((await discomfort.run(taker("Image"), context=context))["got"]) == 2
        context.save("value", str(path))  # text never is a path
        with pytest.raises(WorkflowError, match="'value'"):
            await discomfort.run(taker("Image"), context=context)


async def test_a_path_that_a_context_holds_from_elsewhere_is_not_opened(
    discomfort: Any, tmp_path: Path
) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (3, 2)).save(path)
    with discomfort.Context() as context:
        context.save("value", "as the script has saved it")
        context.save("other", path)
        context.internal.copy_key("other", "value")  # as from a file, or from another process
        with pytest.raises(WorkflowError, match="'value'.*Path"):
            await discomfort.run(taker("Image"), context=context)
        context.export_data("other", tmp_path / "other.pkl")
        context.import_data(tmp_path / "other.pkl", "value")
        with pytest.raises(WorkflowError, match="'value'.*Path"):
            await discomfort.run(taker("Image"), context=context)
