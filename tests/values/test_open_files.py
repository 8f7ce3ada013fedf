"""Files that a script names by a path: opened without torch, as ComfyUI's own loaders do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path, PurePath
from typing import Any

import av
import numpy as np
import pytest
import torch
from custom_nodes.discomfort.values.open_files import OPENED, names_files, open_files
from custom_nodes.discomfort.values.picture_files import open_image_as_tensor, open_mask_as_tensor
from custom_nodes.discomfort.values.sound import open_sound
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def frames_of(folder: Path, name: str, sizes: list[tuple[int, int]]) -> Path:
    frames = [Image.new("RGB", size, (40 * i, 0, 0)) for i, size in enumerate(sizes, start=1)]
    frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    return folder / name


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tiff"])
def test_all_frames_are_one_batch(tmp_path: Path, name: str):
    path = frames_of(tmp_path, name, [(6, 4)] * 3)
    array = open_files(path, "IMAGE")
    assert array.shape == (3, 4, 6, 3) and array.dtype == np.float32
    assert np.allclose(array[:, 0, 0, 0] * 255, [40, 80, 120], atol=4)
    assert open_image_as_tensor(path).shape == (1, 4, 6, 3)


def test_frames_of_other_sizes_and_a_cameras_preview_are_left_out(tmp_path: Path):
    assert len(open_files(frames_of(tmp_path, "a.tiff", [(6, 4), (3, 2), (6, 4)]), "IMAGE")) == 2
    assert len(open_files(frames_of(tmp_path, "a.mpo", [(6, 4), (6, 4)]), "IMAGE")) == 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "I;16", "CMYK"])
def test_pixels_and_masks_are_those_of_the_tensors(tmp_path: Path, mode: str):
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000).save(path)
    elif mode == "P":
        Image.effect_noise((4, 3), 90).quantize(4).save(path, transparency=0)
    else:
        Image.effect_noise((4, 3), 90).convert(mode).save(path)
        if mode in ("RGBA", "LA"):
            image = Image.open(path)
            image.putalpha(Image.effect_noise((4, 3), 90))
            image.save(path)
    assert torch.equal(torch.from_numpy(open_files(path, "IMAGE")), open_image_as_tensor(path))
    if mode in ("RGBA", "LA", "P"):
        assert torch.equal(torch.from_numpy(open_files(path, "MASK")), open_mask_as_tensor(path))
        assert open_files(path, "MASK").max() > 0


def test_nothing_of_it_imports_torch(tmp_path: Path):
    path = frames_of(tmp_path, "a.gif", [(6, 4)] * 2)
    script = (
        "import sys, pathlib\n"
        "from discomfort.values.open_files import open_files\n"
        "from discomfort.store.encoding import codec\n"
        "from discomfort.store.encoding.describe import AsTensor\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "for kind in ('IMAGE', 'MASK'): codec.encode(AsTensor(open_files(path, kind)))\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    link = tmp_path / "discomfort"
    link.symlink_to(ROOT)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def sound_of(path: Path, codec_name: str, form: str) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec_name, rate=8000, layout="mono")
        whole = np.sin(np.arange(4000, dtype=np.float32) / 3)[None] / 2
        frame = av.AudioFrame.from_ndarray(whole, format="flt", layout="mono")
        frame.sample_rate = 8000
        for piece in av.AudioResampler(form, "mono", 8000, 1000).resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec_name", "form"),
    [
        ("a.wav", "pcm_u8", "u8"), ("a.wav", "pcm_s24le", "s32"), ("a.wav", "pcm_f32le", "flt"),
        ("a.aiff", "pcm_s16be", "s16"), ("a.mp3", "libmp3lame", "fltp"),
        ("a.ogg", "libopus", "flt"), ("a.au", "pcm_s16be", "s16"),
        ("a.m4a", "aac", "fltp"), ("a.caf", "pcm_s16le", "s16"),
        ("a.aac", "aac", "fltp"), ("a.mkv", "pcm_s16le", "s16"), ("a.avi", "pcm_s16le", "s16"),
    ],
)  # fmt: skip
def test_a_sound_of_every_kind_is_taken_and_read(
    tmp_path: Path, name: str, codec_name: str, form: str
):
    sound_of(tmp_path / name, codec_name, form)
    read = open_sound(open_files(tmp_path / name, "AUDIO")["file"])
    heard = read["waveform"]
    assert heard.dtype is torch.float32 and heard.shape[:2] == (1, 1) and heard.shape[2] >= 4000
    assert read["sample_rate"] == (48_000 if codec_name == "libopus" else 8000)
    middle = heard[0, 0, heard.shape[2] // 3 : heard.shape[2] // 2]
    assert abs(float(middle.square().mean().sqrt()) - 0.354) < 0.05


def test_whatever_stands_for_a_path_is_one_but_text_is_none(tmp_path: Path):
    path = frames_of(tmp_path, "a.gif", [(6, 4)])
    (entry,) = os.scandir(tmp_path)
    for given in (path, entry, PurePath(path), [path, entry]):
        assert names_files(given)
        opened = open_files(given, "IMAGE")
        assert (opened[1] if isinstance(opened, list) else opened).shape == (1, 4, 6, 3)
    (odd,) = os.scandir(os.fsencode(tmp_path))  # its name is of bytes
    for text in (str(path), [str(path)], [path, str(path)], [], odd, b"a"):
        assert not names_files(text)


@pytest.mark.parametrize("kind", sorted(OPENED))
def test_a_folder_a_text_and_nothing_are_told_by_name(tmp_path: Path, kind: str):
    (tmp_path / "text").write_text("no picture, no sound, and no video", encoding="utf-8")
    (tmp_path / "empty").touch()
    for name, error in (
        ("text", ValueError), ("empty", ValueError),
        ("nothing", FileNotFoundError), (".", FileNotFoundError),
    ):  # fmt: skip
        with pytest.raises(error, match=tmp_path.name):
            open_files(tmp_path / name, kind)


def test_a_list_of_files_is_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """FFmpeg would open what it names: any file of the user's."""
    monkeypatch.chdir(tmp_path)
    sound_of(tmp_path / "a.wav", "pcm_s16le", "s16")
    absolute = tmp_path / "a.wav"
    lists = [f"ffconcat version 1.0\nfile '{path}'\n" for path in ("a.wav", absolute)]
    for path in ("a.wav", absolute):
        lists.append(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n")
    for text in (*lists, ""):
        with pytest.raises(ValueError, match="no sound"):
            open_sound(text.encode())
