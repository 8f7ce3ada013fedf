"""A value to a file by the ending of its name, read again by other readers than ours."""

from __future__ import annotations

import wave
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from custom_nodes.discomfort.errors import UnopenedValueError
from custom_nodes.discomfort.run.results import Results
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from custom_nodes.discomfort.values.save_value import ENDINGS, default_ending, save_value
from PIL import Image

RATE = 8000
PICTURE = torch.linspace(0, 1, 8 * 16 * 3).reshape(1, 8, 16, 3)
SOUND = {
    "waveform": torch.sin(torch.arange(RATE) / 10).repeat(1, 2, 1) * torch.tensor([[0.5], [0.25]]),
    "sample_rate": RATE,
}
FRAMES = torch.linspace(0, 1, 6)[:, None, None, None].expand(6, 32, 48, 3)
VIDEO = {"images": FRAMES, "audio": SOUND, "frame_rate": 12.0, "file": None}


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("ending", ENDINGS["a picture"])
def test_a_picture_and_a_mask_are_what_other_programs_read(tmp_path: Path, ending: str):
    (path,) = save_value("p", PICTURE, tmp_path / "new" / f"p{ending}")
    with Image.open(path) as image:
        assert (image.size, image.mode) == ((16, 8), "RGB")
        diff = np.asarray(image) / 255 - PICTURE[0].numpy()
    assert np.abs(diff).max() < (0.003 if ending in (".png", ".tif", ".tiff") else 0.1)
    (path,) = save_value("m", torch.ones(1, 8, 16), tmp_path / f"m{ending}")
    with Image.open(path) as image:
        assert image.size == (16, 8) and np.asarray(image).min() == 255


@pytest.mark.parametrize(
    "value", [torch.rand(3, 8, 8, 3), [PICTURE, torch.rand(1, 4, 4, 3), torch.rand(1, 2, 2, 3)]]
)
def test_a_batch_and_a_list_of_sizes_are_numbered_files(tmp_path: Path, value: Any):
    paths = save_value("p", value, tmp_path / "p.png")
    assert [p.name for p in paths] == names(tmp_path) == [f"p_000{i}.png" for i in (1, 2, 3)]
    assert len(Results({"p": value}).pil("p")) == 3


def test_a_sound_is_what_other_programs_read(tmp_path: Path):
    (path,) = save_value("s", SOUND, tmp_path / "s.wav")
    with wave.open(str(path)) as read:
        assert (read.getnchannels(), read.getframerate(), read.getnframes()) == (2, RATE, RATE)
        heard = np.frombuffer(read.readframes(RATE), "<i2").reshape(-1, 2).T / 32768
    assert np.abs(heard - SOUND["waveform"][0].numpy()).max() < 1e-4
    (path,) = save_value("s", SOUND, tmp_path / "s.flac")
    with av.open(str(path)) as read:
        frames = [f.to_ndarray().reshape(-1, 2).T for f in read.decode(audio=0)]
        assert read.streams.audio[0].rate == RATE
    assert np.array_equal(np.concatenate(frames, axis=1) / 32768, heard)


def test_a_sound_of_many_channels_or_of_integers_is_kept_and_what_is_too_loud_is_cut(
    tmp_path: Path,
):
    loud = {"waveform": np.array([[2.0, -2.0, float("nan")]] * 12), "sample_rate": np.int64(44100)}
    (path,) = save_value("s", loud, tmp_path / "s.wav")
    with wave.open(str(path)) as read:
        assert read.getnchannels() == 12
        assert np.frombuffer(read.readframes(3), "<i2")[::12].tolist() == [32767, -32768, 0]
    with pytest.raises(ValueError, match="8 channels.*wav"):
        save_value("s", loud, tmp_path / "s.flac")
    whole = {"waveform": np.array([[5, -7]], np.int16), "sample_rate": 8000}
    (path,) = save_value("s", whole, tmp_path / "w.wav")
    with wave.open(str(path)) as read:
        assert np.frombuffer(read.readframes(2), "<i2").tolist() == [5, -7]
    two = {"waveform": torch.zeros(2, 1, 4), "sample_rate": 8000}
    assert len(save_value("s", two, tmp_path / "two.wav")) == 2


@pytest.mark.parametrize("ending", ENDINGS["a video"])
@pytest.mark.parametrize("side", [32, 33])
def test_a_video_is_what_other_programs_read(tmp_path: Path, ending: str, side: int):
    video = {**VIDEO, "images": FRAMES[:, :1, :1].expand(6, side, side, 3)}
    (path,) = save_value("v", video, tmp_path / f"v{ending}")
    with av.open(str(path)) as read:
        shown = [f.to_ndarray(format="rgb24") for f in read.decode(video=0)]
        rate = read.streams.video[0].average_rate
    with av.open(str(path)) as read:
        seconds = sum(f.samples / f.sample_rate for f in read.decode(audio=0))
    assert len(shown) == 6 and rate == 12 and shown[0].shape == (side + side % 2,) * 2 + (3,)
    assert [abs(int(p.mean()) - 51 * i) < 6 for i, p in enumerate(shown)] == [True] * 6
    assert 0.9 < seconds < 1.2


def test_a_batch_of_pictures_is_a_video_where_its_rate_is_given(tmp_path: Path):
    with pytest.raises(ValueError, match=r"frame_rate=24.*video"):
        save_value("p", FRAMES, tmp_path / "p.mp4")
    (path,) = save_value("p", FRAMES, tmp_path / "p.mp4", frame_rate=29.97)
    with av.open(str(path)) as read:
        assert float(read.streams.video[0].average_rate or 0) == pytest.approx(29.97, abs=0.01)
    data = path.read_bytes()
    (again,) = save_value("f", {"file": data}, tmp_path / "f.mp4")
    assert again.read_bytes() == data
    with pytest.raises(ValueError, match="another format"):
        save_value("f", {"file": data}, tmp_path / "f.webm")


@pytest.mark.parametrize(
    ("value", "ending", "written"),
    [
        ("a cat\r\n\N{CAT}", ".txt", "a cat\r\n\N{CAT}"), ("a cat", ".json", '"a cat"'),
        ('{"a": 1}', ".json", '{"a": 1}'), ("5", ".json", '"5"'), (5, ".txt", "5"),
        (True, ".json", "true"), (None, ".json", "null"), (torch.tensor(5), ".txt", "5"),
        ({"a": np.float32(0.5)}, ".json", '{\n  "a": 0.5\n}'), ([1], ".txt", "[\n  1\n]"),
        (Decimal("1.50"), ".txt", "1.50"), ("\udc80", ".txt", "\\udc80"), ([], ".json", "[]"),
    ],
)  # fmt: skip
def test_text_and_data_are_written_as_they_are(
    tmp_path: Path, value: Any, ending: str, written: str
):
    (path,) = save_value("t", value, tmp_path / f"t{ending}")
    assert path.read_bytes().decode() == written


@pytest.mark.parametrize(
    ("value", "ending", "words"),
    [
        (PICTURE, ".wav", r"'v' is tensor\[1, 8, 16, 3\].*\.png.*not in '.wav'"),
        (SOUND, ".png", ".wav, .flac"), (VIDEO, ".gif", ".mp4, .webm"), ("text", ".png", ".txt"),
        ("text", "", ".txt"), ({"samples": torch.ones(1, 4, 2, 2)}, ".json", "export_data"),
        (torch.ones(3), ".txt", "export_data"), (float("nan"), ".json", "JSON"),
        (torch.zeros(1, 2, 2, 2), ".png", "channels"), (FRAMES, ".mp4", "frame_rate"),
        ({**VIDEO, "frame_rate": 0.0}, ".mp4", "pictures a second"),
        ({**VIDEO, "frame_rate": float("inf")}, ".mp4", "can't be written"),
        ({"waveform": torch.zeros(1, 0), "sample_rate": 5}, ".wav", "samples"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_ending_is_refused_and_nothing_is_written(
    tmp_path: Path, value: Any, ending: str, words: str
):
    with pytest.raises((ValueError, TypeError), match=words):
        save_value("v", value, tmp_path / f"v{ending}")
    assert not names(tmp_path)


def test_a_list_that_holds_itself_or_is_too_deep_is_an_error_of_ours(tmp_path: Path):
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(ValueError, match="'v' can't be written"):
            save_value("v", value, tmp_path / "v.json")


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("mine")
    assert [save_value("t", f"{i}", path)[0].name for i in range(2)] == ["a (1).txt", "a (2).txt"]
    assert path.read_text() == "mine"
    assert save_value("t", "new", path, overwrite=True) == [path] and path.read_text() == "new"
    (tmp_path / "link.txt").symlink_to(tmp_path / "nowhere.txt")
    assert save_value("t", "x", tmp_path / "link.txt")[0].name == "link (1).txt"


def test_a_file_is_whole_or_not_there(tmp_path: Path):
    """A side of 70,000 pixels is more than JPEG has, which shows when it is written."""
    (tmp_path / "a.jpg").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises((OSError, ValueError)):
            save_value("p", torch.zeros(1, 1, 70_000, 3), tmp_path / "a.jpg", overwrite=overwrite)
    assert names(tmp_path) == ["a.jpg"] and (tmp_path / "a.jpg").read_text() == "mine"


def test_results_give_pil_images_and_say_which_names_there_are(tmp_path: Path):
    results = Results({"picture": PICTURE, "mask": torch.ones(1, 4, 5), "v": VIDEO, "text": "x"})
    assert results.pil("picture").size == (16, 8) and results.pil("mask").mode == "L"
    assert len(results.pil("v")) == 6
    assert results.save("text", tmp_path / "t.txt") == [tmp_path / "t.txt"]
    with pytest.raises(ValueError, match="'text' is 'x', which is no picture"):
        results.pil("text")
    for call in (results.pil, lambda name: results.save(name, tmp_path / "p.png")):
        with pytest.raises(KeyError, match="'pictures'.*'picture', 'mask'.*mean 'picture'"):
            call("pictures")
    closed = UnopenedValue(memoryview(b""), "It is a lock")
    with pytest.raises(UnopenedValueError, match="lock"):
        Results({"x": closed}).save("x", tmp_path / "x.txt")


def test_the_ending_that_fits_best():
    values = [PICTURE, [PICTURE], SOUND, VIDEO, "x", 5, {"nodes": []}]
    endings = [".png", ".png", ".wav", ".mp4", ".txt", ".json", ".json"]
    assert [default_ending(value) for value in values] == endings


@pytest.mark.parametrize("rate", [1e99, 0, -1, float("inf"), float("nan")])
def test_a_rate_that_no_video_has_is_refused_by_name(tmp_path: Path, rate: float):
    with pytest.raises(ValueError, match="'v' can't be written"):
        save_value("v", torch.zeros(2, 8, 8, 3), tmp_path / "v.mp4", frame_rate=rate)
    assert not list(tmp_path.iterdir())


def test_the_order_of_bytes_is_no_matter(tmp_path: Path):
    pixels = np.full((8, 8, 3), 0x8080, ">u2")
    (path,) = save_value("p", pixels, tmp_path / "p.png")
    with Image.open(path) as made:
        assert made.getpixel((0, 0)) == (128, 128, 128)
