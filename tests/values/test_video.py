"""A video as a dict: out of ComfyUI's objects, and into them. Its classes have stand-ins here; the
real ones are tried in tests/run/test_results.py.
"""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import psutil
import pytest
import torch
from custom_nodes.discomfort.values import video
from custom_nodes.discomfort.values.checks import check_fit
from custom_nodes.discomfort.values.fit_link import convert
from PIL import Image


class VideoInput:
    def get_stream_source(self) -> Any:
        raise AssertionError("it would encode its pictures")


class FromParts(VideoInput):
    def __init__(self, parts: Any, bit_depth: int = 8):
        self.parts, self.bit_depth = parts, bit_depth

    def get_components(self) -> Any:
        return self.parts

    def get_bit_depth(self) -> int:
        return self.bit_depth


class FromFile(VideoInput):
    window = (0.0, 0.0)

    def __init__(self, file: Any):
        self.file = file

    def get_stream_source(self) -> Any:
        if isinstance(self.file, io.BytesIO):
            self.file.seek(0)
        return self.file

    def get_active_trim_window(self) -> tuple[float, float]:
        return self.window

    def get_components(self) -> Any:
        with av.open(self.get_stream_source()) as container:
            frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
            rate = container.streams.video[0].average_rate
        images = torch.from_numpy(np.stack(frames)) / 255.0
        return SimpleNamespace(images=images, audio=None, frame_rate=Fraction(rate or 1))


CLASSES = video.VideoClasses(FromFile, FromParts, lambda **parts: SimpleNamespace(**parts))


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for i in range(5):
            pixels = np.full((16, 32, 3), 40 * i, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_video_of_pictures_is_not_encoded():
    images = torch.rand(3, 4, 4, 3)
    sound = {"waveform": torch.zeros(1, 1, 5), "sample_rate": 5}
    parts = SimpleNamespace(images=images, audio=sound, frame_rate=Fraction(30000, 1001))
    plain = video.to_plain("v", FromParts(parts, 10))
    assert plain["images"] is images and plain["audio"] == sound and plain["file"] is None
    assert plain["bit_depth"] == 10 and type(plain["frame_rate"]) is float
    back = video.from_plain(plain, CLASSES)
    assert back.parts.frame_rate == Fraction(30000, 1001) and back.bit_depth == 10
    assert back.parts.images is images


@pytest.mark.parametrize("kind", ["path", "buffer"])
def test_a_video_of_a_file_is_that_file_as_long_as_nobody_changes_it(mp4: Path, kind: str):
    data = mp4.read_bytes()
    source = str(mp4) if kind == "path" else io.BytesIO(data)
    plain = video.to_plain("v", FromFile(source))
    assert plain["file"] == data and plain["images"].shape == (5, 16, 32, 3)
    assert plain["frame_rate"] == 12.0
    assert isinstance(video.from_plain(plain, CLASSES), FromFile)
    assert isinstance(video.from_plain({"file": data}, CLASSES), FromFile)
    plain["images"][0, 0, 0, 0] += 0.5
    assert video.from_plain(plain, CLASSES).parts.images is plain["images"]
    unchanged = video.to_plain("v", FromFile(source))
    for change in ({"frame_rate": 13.0}, {"audio": {"waveform": torch.zeros(1), "sample_rate": 1}}):
        assert isinstance(video.from_plain({**unchanged, **change}, CLASSES), FromParts)


def test_a_video_that_was_cut_is_not_its_file(mp4: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(FromFile, "window", (0.1, 0.2))
    assert video.to_plain("v", FromFile(str(mp4)))["file"] is None


def test_a_video_too_large_for_the_memory_is_not_opened(mp4: Path, monkeypatch: pytest.MonkeyPatch):
    free = SimpleNamespace(available=5 * 16 * 32 * 3 * 4 * 3 - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(MemoryError, match=r"'v' has 5 pictures.*pass_by_rules"):
        video.to_plain("v", FromFile(str(mp4)))


def test_a_list_of_files_is_no_video(mp4: Path, monkeypatch: pytest.MonkeyPatch):
    """FFmpeg would open what it names: any file of the user's."""
    monkeypatch.chdir(mp4.parent)
    lists = [
        f"ffconcat version 1.0\nfile '{mp4.name}'\n",
        f"ffconcat version 1.0\nfile '{mp4}'\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{mp4}\n#EXT-X-ENDLIST\n",
        "no video at all",
        "",
    ]
    for text in lists:
        data = text.encode()
        with pytest.raises(ValueError, match="file"):
            video.from_plain({"file": data}, CLASSES)
        images = torch.rand(1, 4, 4, 3)
        made = video.from_plain({"file": data, "images": images, "frame_rate": 1}, CLASSES)
        assert made.parts.images is images


def test_what_is_a_video_and_what_is_none():
    assert video.is_video(FromFile("x")) and not video.is_video({"images": 1})
    images = torch.rand(1, 4, 4, 3)
    assert video.is_plain_video({"images": images, "frame_rate": 2.0})
    assert video.is_plain_video({"file": b""}) and not video.is_plain_video({"file": "a.mp4"})
    assert not video.is_plain_video({"images": images}) and not video.is_plain_video(images)


def test_pictures_and_sound_in_it_are_taken_as_those_of_their_own_ports_are():
    given = {"images": np.zeros((2, 4, 4, 3), np.uint8), "frame_rate": 3, "audio": (np.zeros(8), 4)}
    check_fit("clip", given, "VIDEO")
    made = convert(given, "VIDEO")
    assert made["images"].dtype is torch.float32 and made["audio"]["sample_rate"] == 4
    for wrong in (np.zeros((2, 3, 64, 64)), "a.png"):
        with pytest.raises((TypeError, ValueError), match="'clip'"):
            check_fit("clip", {**given, "images": wrong}, "VIDEO")


def test_a_list_of_pictures_with_a_rate_is_a_video_if_they_have_one_size():
    pictures = [Image.new("RGB", (6, 4)), np.zeros((4, 6, 3), np.uint8), torch.ones(2, 4, 6, 3)]
    check_fit("clip", (pictures, 12), "VIDEO")
    made = convert((pictures, 12), "VIDEO")
    assert made["images"].shape == (4, 4, 6, 3) and made["frame_rate"] == 12
    with pytest.raises(ValueError, match="one size"):
        convert(([*pictures, Image.new("RGB", (6, 5))], 12), "VIDEO")
    with pytest.raises(TypeError, match="VIDEO"):
        check_fit("clip", ([], 12), "VIDEO")
