"""What a loader puts out for a link: ComfyUI's own conversions and checks, and no copy of what is
right.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort.values.fit_link import for_link
from PIL import Image


def one(value, **wanted):
    (item,) = for_link("port", value, False, wanted)
    return item


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("INT", 5, 5), ("INT", "12", 12), ("INT", 2.0, 2), ("INT", True, 1),
        ("INT", np.int64(7), 7),
        ("INT", torch.tensor(3), 3), ("INT", np.array([4]), 4), ("FLOAT", "1.5", 1.5),
        ("FLOAT", 2, 2.0), ("FLOAT", np.float32(0.5), 0.5), ("FLOAT", torch.tensor(0.25), 0.25),
        ("STRING", 5, "5"), ("STRING", np.str_("x"), "x"), ("STRING", "x", "x"),
        ("BOOLEAN", 1, True), ("BOOLEAN", np.bool_(False), False), ("BOOLEAN", 0.0, False),
        ("STRING", ["a", 1, True], "['a', 1, True]"), ("STRING", Path("a.png"), "a.png"),
        ("STRING", np.float64(0.5), "0.5"), ("STRING", [], "[]"),
        ("INT,FLOAT", torch.tensor([[2]]), 2), ("STRING", [Decimal("1.50")], "['1.50']"),
    ],
)  # fmt: skip
def test_scalars_become_what_comfyui_makes_of_constants(kind, value, expected):
    item = one(value, type=kind)
    assert item == expected and type(item) is type(expected)


DEEP: list[Any] = []
for _ in range(3000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT", "x"), ("INT", None), ("INT", [1]), ("INT", float("nan")), ("FLOAT", {}),
        ("FLOAT", torch.ones(2)), ("STRING", torch.ones(2, 2)), ("STRING", Image.new("L", (1, 1))),
        ("BOOLEAN", np.ones(3)), ("BOOLEAN", []), ("BOOLEAN", {"a": 1}), ("BOOLEAN", object()),
        ("STRING", object()), ("STRING", len), ("STRING", None), ("STRING", {}),
        ("STRING", ["a", None]), ("STRING", [object()]), ("STRING", b"a"),
        ("INT", 1.9), ("INT", torch.tensor(5.5)), ("INT", Decimal("5.5")), ("BOOLEAN", ""),
        ("INT", torch.empty((), device="meta")), ("INT", DEEP), ("STRING", DEEP),
        ("INT", np.complex64(5 + 3j)), ("FLOAT", np.complex128(5)), ("FLOAT", 5 + 0j),
        ("FLOAT", Decimal("1e400")), ("BOOLEAN", "false"), ("BOOLEAN", 2), ("INT,FLOAT", None),
        ("COMBO", torch.ones(2)),
    ],
)  # fmt: skip
def test_scalar_that_can_not_be_converted_names_port_and_kind(kind, value):
    with pytest.raises((TypeError, ValueError), match="'port'") as caught:
        one(value, type=kind)
    assert kind in str(caught.value)


def test_range_is_checked_with_both_ends_allowed():
    assert one(10, type="INT", min=0, max=10) == 10 and one(0.0, type="FLOAT", min=0, max=10) == 0
    with pytest.raises(ValueError, match=r"'port' is 11, larger than the maximum 10"):
        one("11", type="INT", max=10)
    with pytest.raises(ValueError, match=r"-0\.5, smaller than the minimum 0"):
        one(-0.5, type="FLOAT", min=0.0)


def test_options_are_checked_and_shown():
    assert one("a", type="COMBO", options=["a", "b"]) == "a"
    assert one(np.str_("b"), type=["a", "b"]) == "b"
    assert one(2, type="COMBO", options=[1, 2]) == 2
    assert one(["a"], type="COMBO", options=["a", "b"], multiselect=True) == ["a"]
    with pytest.raises(ValueError, match="'c'.*'a', 'b'"):
        one("c", type="COMBO", options=["a", "b"])
    with pytest.raises(ValueError, match="100 in all"):
        one("c", type="COMBO", options=list(range(100)))
    assert one("anything", type="COMBO") == "anything"


def test_right_tensor_is_passed_without_a_copy():
    image, mask = torch.rand(2, 8, 8, 3), torch.rand(2, 8, 8)
    assert one(image, type="IMAGE") is image and one(mask, type="MASK") is mask
    latent = {"samples": torch.ones(1, 4, 8, 8)}
    assert one(latent, type="LATENT") is latent
    assert one(torch.rand(1, 8, 8, 4), type="IMAGE").shape[-1] == 4


def test_pictures_of_all_kinds_become_image_tensors():
    grey = np.full((4, 6), 255, np.uint8)
    for value, shape in (
        (grey, (1, 4, 6, 3)), (grey[:, :, None], (1, 4, 6, 3)), (np.zeros((4, 6, 3)), (1, 4, 6, 3)),
        (np.zeros((2, 4, 6, 4), np.uint8)[:, ::-1], (2, 4, 6, 4)),
        (torch.zeros(4, 6, 3), (1, 4, 6, 3)),
        (torch.zeros(1, 4, 6, 1, dtype=torch.float16), (1, 4, 6, 3)),
        (Image.new("RGBA", (6, 4)), (1, 4, 6, 3)), (Image.new("I;16", (6, 4)), (1, 4, 6, 3)),
        (Image.new("P", (6, 4)), (1, 4, 6, 3)),
    ):  # fmt: skip
        item = one(value, type="IMAGE")
        assert tuple(item.shape) == shape and item.dtype == torch.float32
        assert item.min() >= 0 and item.max() <= 1
    assert one(grey, type="IMAGE").min() == 1
    assert one(Image.new("RGB", (2, 2), (255, 0, 51)), type="IMAGE")[0, 0, 0].tolist() == [
        1, 0, pytest.approx(0.2),
    ]  # fmt: skip
    assert one(np.full((2, 2, 3), 65535, np.uint16), type="IMAGE").max() == 1


def test_exif_orientation_is_applied():
    picture = Image.new("RGB", (6, 4))
    picture.getexif()[0x0112] = 6
    assert tuple(one(picture, type="IMAGE").shape) == (1, 6, 4, 3)


def test_masks_get_a_batch_and_grey_pictures_are_masks():
    assert tuple(one(torch.zeros(4, 6), type="MASK").shape) == (1, 4, 6)
    assert one(np.full((4, 6), 255, np.uint8), type="MASK").max() == 1
    assert one(np.ones((4, 6), bool), type="MASK").dtype == torch.float32
    assert tuple(one(Image.new("L", (6, 4), 255), type="MASK").shape) == (1, 4, 6)


def test_arrays_become_float32_and_tensors_stay_what_they_are():
    samples, mask = np.ones((1, 4, 2, 2)), np.ones((1, 2, 2), bool)
    latent = one({"samples": samples, "noise_mask": mask, "batch_index": [0]}, type="LATENT")
    assert latent["samples"].dtype == latent["noise_mask"].dtype == torch.float32
    assert latent["batch_index"] == [0]
    given = {"samples": torch.ones(1, 4, 2, 2, dtype=torch.float64), "noise_mask": None}
    assert one(given, type="LATENT") is given
    assert one((np.ones((2, 4)), 8000), type="AUDIO")["waveform"].dtype == torch.float32


@pytest.mark.parametrize(
    ("kind", "value", "hint"),
    [
        ("IMAGE", torch.zeros(1, 3, 64, 64), "movedim"), ("IMAGE", torch.zeros(5), "IMAGE"),
        ("IMAGE", "x.png", "IMAGE"), ("IMAGE", torch.zeros(4, 4, 3, dtype=torch.int64), "uint8"),
        ("IMAGE", None, "IMAGE"), ("MASK", torch.zeros(1, 4, 4, 3), "MASK"), ("MASK", 5, "MASK"),
        ("LATENT", "x", "samples"), ("LATENT", {"x": 1}, "samples"),
        ("LATENT", {"samples": torch.zeros(1, 4, 2, 2), "noise_mask": "x"}, "noise_mask"),
        ("LATENT", {"samples": torch.zeros(1, 4, 2, 2), "batch_index": 5}, "batch_index"),
        ("LATENT", np.full((1, 4, 2, 2), "a"), "samples"), ("SIGMAS", np.array(["a"]), "SIGMAS"),
        ("IMAGE", np.full((2, 2, 3), "a"), "IMAGE"), ("MASK", np.full((2, 2), 1j), "MASK"),
        ("IMAGE", torch.zeros(4, 4, 3, dtype=torch.complex64), "IMAGE"),
    ],
)  # fmt: skip
def test_wrong_shape_or_kind_says_what_was_expected(kind, value, hint):
    with pytest.raises((TypeError, ValueError), match="'port'") as caught:
        one(value, type=kind)
    assert hint in str(caught.value)


def test_lists_are_mapped_like_comfyui_lists():
    images = [torch.zeros(4, 4, 3), np.zeros((5, 5, 3), np.uint8)]
    assert [tuple(i.shape) for i in for_link("p", images, False, {"type": "IMAGE"})] == [
        (1, 4, 4, 3), (1, 5, 5, 3),
    ]  # fmt: skip
    latents = for_link("p", [torch.zeros(1, 4, 8, 8)] * 2, False, {"type": "LATENT"})
    assert [tuple(x["samples"].shape) for x in latents] == [(1, 4, 8, 8)] * 2
    assert for_link("p", ["1", 2], True, {"type": "INT"}) == [1, 2]
    assert for_link("p", [1, 2], True, {}) == [1, 2] and for_link("p", [1, 2], False, {}) == [
        [1, 2]
    ]
    with pytest.raises(ValueError, match="3, larger"):
        for_link("p", [1, 3], True, {"type": "INT", "max": 2})


@pytest.mark.parametrize("wanted", [{}, {"type": "MODEL"}, {"type": "*"}, {"type": None}])
def test_anything_else_passes_unchanged(wanted):
    value = object()
    assert for_link("port", value, False, wanted) == [value]
    assert for_link("port", [value], False, wanted) == [[value]]


def test_the_order_of_bytes_is_no_matter_and_a_tensor_without_numbers_is_refused():
    pixels = np.full((8, 8, 3), 0xFFFF, ">u2")
    (item,) = for_link("p", pixels, False, {"type": "IMAGE"})
    assert item.min() == item.max() == 1.0
    empty = torch.zeros(1, 8, 8, 3, device="meta")
    for kind, value in (("IMAGE", empty), ("LATENT", {"samples": empty})):
        with pytest.raises(TypeError, match="'p' is .*meta"):
            for_link("p", value, False, {"type": kind})
