"""The workflow that ComfyUI wrote into a file, of whatever kind the file is."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from custom_nodes.discomfort.values.metadata import read_workflow_metadata
from custom_nodes.discomfort.values.picture_files import (
    open_drawn_mask,
    open_image_as_tensor,
)
from PIL import EpsImagePlugin, Image, PngImagePlugin

WORKFLOW = {
    "nodes": [{"id": 1, "type": "Note", "title": "\u00dcn\u00efcode \u65e5\u672c"}],
    "links": [],
}
PROMPT = {"1": {"class_type": "EmptyImage", "inputs": {}}}


def write_png(path, **texts) -> None:
    info = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value))
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)


def write_exif(path, **texts) -> None:
    """As ComfyUI's SaveAnimatedWEBP does it: the prompt under 0x0110, the rest below that."""
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(texts.pop("prompt"))
    for tag, (name, value) in zip(range(0x010F, 0, -1), texts.items(), strict=False):
        exif[tag] = f"{name}:{json.dumps(value)}"
    Image.new("RGB", (8, 8)).save(path, exif=exif)


def write_animated_png(path: Path, **texts: Any) -> None:
    """As ComfyUI's SaveAnimatedPNG does it."""
    info = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        data = name.encode("latin-1") + b"\0" + json.dumps(value).encode("latin-1")
        info.add(b"comf", data, after_idat=True)
    frames = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(3)]
    frames[0].save(path, pnginfo=info, save_all=True, append_images=frames[1:])


def write_gif(path: Path, **texts: Any) -> None:
    """As VideoHelperSuite does it."""
    Image.new("RGB", (8, 8)).save(path, comment=json.dumps(texts).encode())


def write_video(path: Path, **texts: Any) -> None:
    """As ComfyUI's SaveVideo and SaveWEBM do it."""
    options = {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        for name, value in texts.items():
            container.metadata[name] = json.dumps(value)
        codec = "libvpx-vp9" if path.suffix == ".webm" else "mpeg4"
        stream: Any = container.add_stream(codec, rate=Fraction(8))
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for _ in range(2):
            frame = av.VideoFrame.from_ndarray(numpy.zeros((16, 16, 3), numpy.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_sound(path: Path, **texts: Any) -> None:
    """As ComfyUI's SaveAudio, SaveAudioMP3 and SaveAudioOpus do it."""
    codec = {".flac": "flac", ".mp3": "libmp3lame"}.get(path.suffix, "libopus")
    with av.open(str(path), "w") as container:
        for name, value in texts.items():
            container.metadata[name] = json.dumps(value)
        stream: Any = container.add_stream(codec, rate=48000)
        stream.layout = "mono"
        kind = "s16" if codec == "flac" else "fltp"
        array: Any = numpy.zeros((1, 960), numpy.int16 if codec == "flac" else numpy.float32)
        frame = av.AudioFrame.from_ndarray(array, format=kind, layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_comment(path: Path, **texts: Any) -> None:
    """As VideoHelperSuite does it: all as one text, in which the prompt is text again."""
    texts["prompt"] = json.dumps(texts["prompt"])
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = json.dumps(texts)
        stream: Any = container.add_stream("mpeg4", rate=Fraction(8))
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.png", write_png), ("a.webp", write_exif), ("a.jpg", write_exif), ("a.gif", write_gif),
        ("animated.png", write_animated_png), ("a.mp4", write_video), ("a.webm", write_video),
        ("a.flac", write_sound), ("a.mp3", write_sound), ("a.opus", write_sound),
        ("a.ogg", write_sound), ("vhs.mp4", write_comment),
    ],
)  # fmt: skip
def test_the_workflow_in_a_file_is_found(tmp_path, name, write):
    write(tmp_path / name, prompt=PROMPT, workflow=WORKFLOW)
    assert read_workflow_metadata(tmp_path / name) == WORKFLOW
    write(tmp_path / name, prompt=PROMPT)
    assert read_workflow_metadata(tmp_path / name) == PROMPT


def test_a_picture_without_a_workflow_says_so(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="holds no workflow"):
        read_workflow_metadata(tmp_path / "a.png")


def test_a_damaged_workflow_says_so(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "{not json")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(ValueError, match="not valid JSON"):
        read_workflow_metadata(tmp_path / "a.png")


def test_a_workflow_that_is_nested_too_deeply_says_so(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", '{"nodes": ' + "[" * 100_000)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_workflow_metadata(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["mp4", "webm", "flac", "mp3", "ogg", "wav", "png", "gif"])
@pytest.mark.parametrize("data", [b"", b"no such file", bytes(range(256)) * 40])
def test_a_file_that_is_damaged_is_named(tmp_path: Path, ending: str, data: bytes) -> None:
    path = tmp_path / f"bad.{ending}"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="bad"):
        read_workflow_metadata(path)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mp3"])
def test_a_list_of_files_opens_none_of_them(tmp_path: Path, ending: str) -> None:
    """FFmpeg looks at what is in a file, not at its name."""
    write_video(tmp_path / "other.mp4", workflow=WORKFLOW)
    path = tmp_path / f"list.{ending}"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not a video or sound that can be read"):
        read_workflow_metadata(path)


def test_a_name_that_ffmpeg_knows_otherwise_is_a_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "other.mp4", workflow=PROMPT)
    write_video(tmp_path / "this.mp4", workflow=WORKFLOW)
    Path("this.mp4").rename("concat:other.mp4")
    assert read_workflow_metadata("concat:other.mp4") == WORKFLOW


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize("ending", ["png", "jpg", "gif"])
def test_a_program_in_place_of_a_picture_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    ghostscript.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    path = tmp_path / f"picture.{ending}"
    path.write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        encoding="ascii",
    )
    for read in (read_workflow_metadata, open_image_as_tensor, open_drawn_mask):
        with pytest.raises(ValueError, match="not a picture that can be read"):
            read(path)
    assert not (tmp_path / "ran").exists()
