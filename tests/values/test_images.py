"""Pictures: files and tensors."""

from __future__ import annotations

import numpy
import pytest
import torch
from custom_nodes.discomfort.values.images import save_comfy_image_to_disk
from custom_nodes.discomfort.values.picture_files import open_image_as_tensor
from PIL import Image


def test_a_picture_comes_back_as_it_was(tmp_path):
    picture = torch.randint(0, 256, (1, 5, 7, 3)).float() / 255
    (path,) = save_comfy_image_to_disk(picture, tmp_path / "new" / "folder" / "a.png")
    assert torch.equal(open_image_as_tensor(path), picture)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp", "PNG"])
def test_every_format_is_written_and_read(tmp_path, ending):
    picture = torch.full((1, 16, 16, 3), 0.5)
    (path,) = save_comfy_image_to_disk(picture, tmp_path / f"a.{ending}")
    assert torch.allclose(open_image_as_tensor(path), picture, atol=0.02)


def test_a_batch_becomes_numbered_files(tmp_path):
    paths = save_comfy_image_to_disk(torch.rand(3, 4, 4, 3), tmp_path / "a.png")
    assert [p.name for p in paths] == ["a_0001.png", "a_0002.png", "a_0003.png"]
    assert all(p.is_file() for p in paths)


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((4, 5), "L"), ((1, 4, 5), "L"), ((4, 5, 3), "RGB"), ((1, 4, 5, 4), "RGBA"), ((4, 5, 1), "L")],
)
def test_masks_and_channels(tmp_path, shape, mode):
    (path,) = save_comfy_image_to_disk(torch.rand(shape), tmp_path / "a.png")
    with Image.open(path) as image:
        assert (image.mode, image.size) == (mode, (5, 4))


def test_jpeg_drops_transparency(tmp_path):
    (path,) = save_comfy_image_to_disk(torch.rand(1, 4, 5, 4), tmp_path / "a.jpg")
    assert open_image_as_tensor(path).shape == (1, 4, 5, 3)


def test_values_outside_0_to_1_are_clipped(tmp_path):
    picture = torch.tensor([-1.0, 2.0, float("nan")]).expand(1, 2, 2, 3)
    (path,) = save_comfy_image_to_disk(picture, tmp_path / "a.png")
    assert open_image_as_tensor(path)[0, 0, 0].tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("shape", [(4,), (1, 1, 4, 4, 3), (2, 4, 4, 2), (0, 4, 4, 3)])
def test_what_is_no_picture_is_refused(tmp_path, shape):
    with pytest.raises(ValueError, match="shape"):
        save_comfy_image_to_disk(torch.zeros(shape), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [numpy.asarray, torch.as_tensor])
def test_whole_numbers_are_taken_by_their_type(tmp_path, make):
    grey = numpy.full((4, 4, 3), 100)
    for kind, factor in ((numpy.uint8, 1), (numpy.uint16, 257)):
        (file,) = save_comfy_image_to_disk(make((grey * factor).astype(kind)), tmp_path / "a.png")
        assert Image.open(file).getpixel((0, 0)) == (100, 100, 100)
    with pytest.raises(ValueError, match="uint8.*not int64"):
        save_comfy_image_to_disk(make(grey), tmp_path / "a.png")


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match="png"):
        save_comfy_image_to_disk(torch.zeros(1, 4, 4, 3), tmp_path / "a.gif")


def test_the_orientation_of_a_camera_is_applied(tmp_path):
    image = Image.new("RGB", (4, 2), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    image.save(tmp_path / "a.jpg", exif=exif)
    assert open_image_as_tensor(tmp_path / "a.jpg").shape == (1, 4, 2, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb_in_0_to_1(tmp_path, mode):
    name = "a.tiff" if mode == "CMYK" else "a.png"
    if mode == "I;16":
        Image.fromarray(numpy.full((3, 4), 65535, dtype=numpy.uint16)).save(tmp_path / name)
    else:
        Image.new(mode, (4, 3), 1 if mode in ("1", "P") else None).save(tmp_path / name)
    picture = open_image_as_tensor(tmp_path / name)
    assert picture.shape == (1, 3, 4, 3) and picture.dtype == torch.float32
    assert float(picture.min()) >= 0 and float(picture.max()) <= 1
    if mode == "I;16":
        assert float(picture.min()) == 1


def test_files_that_are_no_pictures_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.png"):
        open_image_as_tensor(tmp_path / "nothing.png")
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(ValueError, match="text.png"):
        open_image_as_tensor(tmp_path / "text.png")
